"""What every store promises of files that have their names. `StoreContract` inherits it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from contract_case import IMAGE, NAMED, ContractCase, paths

from isomanager.errors import StoreError
from isomanager.storage.contract import Store


class FilesContract(ContractCase):
    """Needs the fixture `store`, empty."""

    def test_lists_files_in_path_order(self, store: Store) -> None:
        wanted = ["a b/x.iso", "a-b.iso", "a/x.iso", "a/y/z.iso", "a0.iso", "b.iso"]
        for number, path in enumerate(reversed(wanted)):
            self.published(store, b"image", path, key=f"k{number}")
        assert paths(store) == sorted(wanted) == wanted

    def test_lists_below_a_folder(self, store: Store) -> None:
        for number, path in enumerate(["Linux/a.iso", "Linux/sub/b.iso", "Linux2/c.iso"]):
            self.published(store, b"image", path, key=f"k{number}")
        assert paths(store, "Linux") == ["Linux/a.iso", "Linux/sub/b.iso"]
        assert paths(store, "none") == []

    def test_hides_its_internals(self, store: Store) -> None:
        store.put_small(".isomanager/receipts/one.json", b"{}")
        self.begun(store, b"image").close()
        assert paths(store) == []
        assert paths(store, ".isomanager/receipts") == [".isomanager/receipts/one.json"]

    def test_publishes_no_image_among_its_internals(self, store: Store) -> None:
        for final in (".isomanager/x.iso", ".ISOManager/x.iso"):
            with pytest.raises(StoreError) as refused:
                store.begin(final, 5, NAMED, key="k1")
            assert refused.value.code == "outside-repository"

    @pytest.mark.parametrize("path", ["/etc/passwd", "../x.iso", "a/../../x.iso", "a\\x.iso", "C:/x.iso", "a//b", ""])
    def test_no_path_leaves_the_repository(self, store: Store, path: str) -> None:
        for attempt in (
            lambda: store.begin(path, 1, NAMED, key="k1"),
            lambda: store.stat(path),
            lambda: store.read(path, 0, 1),
            lambda: store.delete(path),
            lambda: store.move(path, "a.iso"),
            lambda: store.move("a.iso", path),
            lambda: store.put_small(path, b""),
            lambda: store.replace_small(path, b""),
        ):
            with pytest.raises(StoreError) as refused:
                attempt()
            assert refused.value.code == "outside-repository"

    @pytest.mark.parametrize("key", ["", "../k", "a/b", ".hidden", "CON", "x" * 129, "k\n"])
    def test_no_key_leaves_the_folder_of_the_unfinished(self, store: Store, key: str) -> None:
        with pytest.raises(StoreError) as refused:
            store.begin(IMAGE, 5, NAMED, key=key)
        assert refused.value.code == "outside-repository"

    def test_stat_of_nothing_and_of_a_folder_is_none(self, store: Store) -> None:
        self.published(store, b"image")
        assert store.stat("nothing.iso") is None
        assert store.stat("Linux") is None
        assert store.stat(f"{IMAGE}/below") is None

    def test_an_entry_tells_when_it_was_written(self, store: Store) -> None:
        before = datetime.now(UTC)
        self.published(store, b"image")
        entry = store.stat(IMAGE)
        assert entry is not None
        assert abs((entry.modified_at - before).total_seconds()) < 60

    def test_reads_ranges(self, store: Store) -> None:
        self.published(store, b"0123456789")
        assert store.read(IMAGE, 3, 4) == b"3456"
        assert store.read(IMAGE, 8, 9) == b"89"
        assert store.read(IMAGE, 10, 1) == b""

    def test_reading_what_is_not_there_says_missing(self, store: Store) -> None:
        with pytest.raises(StoreError) as missing:
            store.read("nothing.iso", 0, 1)
        assert missing.value.code == "missing"

    def test_reads_only_the_file_that_is_meant(self, store: Store) -> None:
        first = store.replace_small("index.html", b"one")
        assert store.read("index.html", 0, 9, if_match=first.etag) == b"one"
        store.replace_small("index.html", b"three")
        with pytest.raises(StoreError) as changed:
            store.read("index.html", 0, 9, if_match=first.etag)
        assert changed.value.code == "changed"

    def test_space_is_told_in_bytes(self, store: Store) -> None:
        space = store.space()
        assert space.free is None or (space.total is not None and 0 < space.free <= space.total)

    def test_deletes_once_and_again(self, store: Store) -> None:
        self.published(store, b"image")
        store.delete(IMAGE, expect=store.stat(IMAGE))
        store.delete(IMAGE)
        assert store.stat(IMAGE) is None
        assert paths(store) == []

    def test_deletes_only_what_is_expected(self, store: Store) -> None:
        first = store.replace_small("index.html", b"one")
        store.replace_small("index.html", b"three")
        with pytest.raises(StoreError) as changed:
            store.delete("index.html", expect=first)
        assert changed.value.code == "changed"
        assert store.read("index.html", 0, 9) == b"three"

    def test_a_name_is_free_again_after_deleting(self, store: Store) -> None:
        self.published(store, b"first", key="k1")
        store.delete(IMAGE)
        self.published(store, b"other", key="k2")
        assert store.read(IMAGE, 0, 9) == b"other"

    def test_moves_and_moves_again(self, store: Store) -> None:
        self.published(store, b"image")
        moved = store.move(IMAGE, ".isomanager/trash/k1.iso")
        assert moved == store.move(IMAGE, ".isomanager/trash/k1.iso")
        assert store.read(".isomanager/trash/k1.iso", 0, 9) == b"image"
        assert store.stat(IMAGE) is None
        store.move(".isomanager/trash/k1.iso", IMAGE)
        assert store.read(IMAGE, 0, 9) == b"image"

    def test_never_moves_over_another_file(self, store: Store) -> None:
        self.published(store, b"first", "a.iso", "k1")
        self.published(store, b"other", "b.iso", "k2")
        for destination in ("b.iso", "B.iso"):
            with pytest.raises(StoreError) as refused:
                store.move("a.iso", destination)
            assert refused.value.code == "name-taken"
        assert (store.read("a.iso", 0, 9), store.read("b.iso", 0, 9)) == (b"first", b"other")

    def test_moves_to_a_name_that_differs_only_by_case(self, store: Store) -> None:
        self.published(store, b"image", "linux/a.iso")
        store.move("linux/a.iso", "Linux/A.iso")
        assert paths(store) == ["Linux/A.iso"]
        assert store.read("Linux/A.iso", 0, 9) == b"image"

    def test_moving_a_file_onto_itself_changes_nothing(self, store: Store) -> None:
        self.published(store, b"image")
        assert store.move(IMAGE, IMAGE) == store.stat(IMAGE)

    def test_moving_what_is_not_there_says_missing(self, store: Store) -> None:
        with pytest.raises(StoreError) as missing:
            store.move("a.iso", "b.iso")
        assert missing.value.code == "missing"

    def test_a_store_says_where_it_is_without_secrets(self, store: Store) -> None:
        assert store.url
        assert "password" not in store.url
