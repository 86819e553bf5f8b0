"""What every store promises of small files, of files that are put into it together, and of names. `StoreContract` inherits it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from contract_case import IMAGE, ContractCase, code_of, paths

from isomanager.errors import StoreError
from isomanager.storage.contract import Store

FOLDER = "Linux/Ubuntu - Server"


class SmallFilesContract(ContractCase):
    """Needs the fixture `store`, empty."""

    def test_files_put_together_are_all_there_whole(self, store: Store) -> None:
        files = {f"{FOLDER}/{number}/image-{number}.iso": bytes([number]) * (number * 1000) for number in range(20)}
        files[f"{FOLDER}/large.iso"] = b"x" * ((1 << 20) + 77)
        assert store.put_all(files) == {}
        assert {entry.path: entry.size for entry in store.list()} == {path: len(data) for path, data in files.items()}
        for path, data in files.items():
            assert store.read(path, 0, len(data) + 1) == data

    def test_putting_the_same_bytes_together_again_succeeds(self, store: Store) -> None:
        files = {f"{FOLDER}/one.iso": b"one", ".isomanager/receipts/one.json": b"{}"}
        assert store.put_all(files) == {}
        assert store.put_all(files) == {}

    def test_a_name_that_is_taken_costs_the_others_nothing(self, store: Store) -> None:
        store.put_all({f"{FOLDER}/one.iso": b"one"})
        failed = store.put_all({f"{FOLDER}/one.iso": b"two", f"{FOLDER}/two.iso": b"two"})
        assert {path: wrong.code for path, wrong in failed.items()} == {f"{FOLDER}/one.iso": "name-taken"}
        assert store.read(f"{FOLDER}/one.iso", 0, 10) == b"one"
        assert store.read(f"{FOLDER}/two.iso", 0, 10) == b"two"

    def test_files_put_together_are_refused_names_that_differ_by_case_alone(self, store: Store) -> None:
        store.put_all({f"{FOLDER}/one.iso": b"one"})
        failed = store.put_all({f"{FOLDER.upper()}/ONE.iso": b"one", f"{FOLDER}/Two.iso": b"two"})
        assert {wrong.code for wrong in failed.values()} == {"name-taken"}
        assert [entry.path for entry in store.list()] == [f"{FOLDER}/Two.iso", f"{FOLDER}/one.iso"]

    def test_a_name_is_found_in_whatever_case_it_is_spelled(self, store: Store) -> None:
        store.put_all({f"{FOLDER}/one.iso": b"one", f"{FOLDER}/folder/two.iso": b"two"})
        assert [*store.spellings(f"{FOLDER.lower()}/ONE.iso")] == [f"{FOLDER}/one.iso"]
        assert [*store.spellings(f"{FOLDER}/Folder")] == [f"{FOLDER}/folder"], "a folder holds the name too"
        assert [*store.spellings(f"{FOLDER}/One.iso/below.iso")] == [f"{FOLDER}/one.iso"], "a file is no folder"
        for free in (f"{FOLDER}/three.iso", "Windows/one.iso", "one.iso"):
            assert [*store.spellings(free)] == []

    def test_sizes_are_told_of_those_files_that_are_there(self, store: Store) -> None:
        store.put_all({f"{FOLDER}/one.iso": b"one", f"{FOLDER}/empty.iso": b"", "-first.iso": b"12"})
        asked = [f"{FOLDER}/one.iso", f"{FOLDER}/empty.iso", FOLDER, f"{FOLDER}/none.iso", "none/none.iso"]
        assert store.sizes(asked) == {f"{FOLDER}/one.iso": 3, f"{FOLDER}/empty.iso": 0}
        assert store.sizes(["-first.iso", "none.iso"]) == {"-first.iso": 2}
        assert store.sizes([f"{FOLDER}/one.iso"]) == {f"{FOLDER}/one.iso": 3}
        assert store.sizes([]) == {}

    def test_nothing_is_left_aside_when_files_are_put_together(self, store: Store) -> None:
        store.put_all({f"{FOLDER}/one.iso": b"one"})
        store.put_all({f"{FOLDER}/one.iso": b"two", f"{FOLDER}/two.iso": b"two"})
        assert [entry.path for entry in store.list(".isomanager")] == []
        assert list(store.partials()) == []

    def test_files_put_together_never_leave_the_repository(self, store: Store) -> None:
        failed = store.put_all({"../outside.iso": b"x", "inside.iso": b"x"})
        assert set(failed) == {"../outside.iso"}
        with pytest.raises(StoreError):
            store.spellings("../outside.iso")

    def test_a_small_file_is_put_once(self, store: Store) -> None:
        first = store.put_small(".isomanager/receipts/one.json", b"{}")
        assert store.put_small(".isomanager/receipts/one.json", b"{}") == first
        with pytest.raises(StoreError) as refused:
            store.put_small(".isomanager/receipts/one.json", b"[]")
        assert refused.value.code == "name-taken"
        assert store.read(".isomanager/receipts/one.json", 0, 9) == b"{}"

    def test_of_many_small_files_of_one_name_exactly_one_stays(self, store: Store) -> None:
        with ThreadPoolExecutor(6) as pool:
            ended = list(pool.map(lambda n: code_of(lambda: store.put_small("one.json", b"%d" % n)), range(6)))
        assert sorted(ended) == ["", *["name-taken"] * 5]
        assert store.read("one.json", 0, 9) == b"%d" % ended.index("")

    def test_an_index_is_replaced_whole(self, store: Store) -> None:
        store.replace_small("inventory.json", b"a long first version")
        entry = store.replace_small("inventory.json", b"short")
        assert entry.size == 5
        assert store.read("inventory.json", 0, 99) == b"short"
        assert paths(store) == ["inventory.json"]

    def test_an_index_is_replaced_only_if_it_is_the_one_that_was_read(self, store: Store) -> None:
        first = store.replace_small("inventory.json", b"one")
        store.replace_small("inventory.json", b"three", if_match=first.etag)
        with pytest.raises(StoreError) as changed:
            store.replace_small("inventory.json", b"four", if_match=first.etag)
        assert changed.value.code == "changed"
        assert store.read("inventory.json", 0, 9) == b"three"

    def test_an_image_is_never_replaced(self, store: Store) -> None:
        self.published(store, b"image")
        with pytest.raises(StoreError) as refused:
            store.replace_small(IMAGE, b"other")
        assert refused.value.code == "name-taken"
        assert store.read(IMAGE, 0, 9) == b"image"
