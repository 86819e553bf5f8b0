"""What every store promises, as tests. A store's own test module inherits `StoreContract` and gives it two fixtures.

Offsets are multiples of the store's granule but for the tail, as the contract asks, so that object stores can run it too.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from contract_small_files import SmallFilesContract

from isomanager.errors import StoreError
from isomanager.storage.contract import Partial, PartialRef, Store, Validators

IMAGE = "Linux/Ubuntu - Server/ubuntu.server-20.04.2.iso"
NAMED = Validators(etag='"a1"', last_modified="Thu, 07 Jan 2021 10:00:00 GMT", size=None)
PROJECT = Path(__file__).parents[2]


def pattern(length: int, seed: int = 0) -> bytes:
    """Bytes that differ at every granule, so that a misplaced one is noticed."""
    block = b"".join((number * 2654435761 + seed).to_bytes(8, "big", signed=False) for number in range(512))
    return (block * (length // len(block) + 1))[:length]


def paths(store: Store, prefix: str = "") -> list[str]:
    return [entry.path for entry in store.list(prefix)]


def code_of(call: Callable[[], object]) -> str:
    """The code of the StoreError that `call` raises, "" when it succeeds."""
    try:
        call()
    except StoreError as error:
        return error.code
    return ""


class StoreContract(SmallFilesContract):
    """Inherit, and define the fixtures `store` (empty) and `reopen_code` (Python that makes the same store as `store`)."""

    @pytest.fixture
    def reopen_code(self) -> str:
        raise NotImplementedError("the inheriting class says how another process opens the store")

    @pytest.fixture
    def granule(self, store: Store) -> int:
        return store.traits.granule

    def begun(self, store: Store, data: bytes, final: str = IMAGE, key: str = "k1") -> Partial:
        partial = store.begin(final, len(data), NAMED, key=key)
        partial.write(0, data)
        return partial

    def published(self, store: Store, data: bytes, final: str = IMAGE, key: str = "k1") -> None:
        self.begun(store, data, final, key).publish(len(data))

    def in_another_process(self, reopen_code: str, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `script` with `store`, `sys` and `contract` at hand; its `arguments` are in sys.argv[1:]."""
        whole = f"import sys\nfrom isomanager.storage import contract\n{reopen_code}\n{textwrap.dedent(script)}"
        return subprocess.run(
            [sys.executable, "-c", whole, *arguments],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            timeout=60,
            check=False,
        )

    # publishing

    def test_publishes_exactly_the_bytes_that_were_written(self, store: Store, granule: int) -> None:
        data = pattern(2 * granule + 77)
        entry = self.begun(store, data).publish(len(data))
        assert (entry.path, entry.size) == (IMAGE, len(data))
        assert store.read(IMAGE, 0, len(data) + 1) == data
        assert store.stat(IMAGE) == entry

    def test_publishes_an_empty_file(self, store: Store) -> None:
        assert store.begin("empty.iso", 0, NAMED, key="k1").publish(0).size == 0

    def test_shows_nothing_under_the_final_name_before_it_is_published(self, store: Store, granule: int) -> None:
        partial = self.begun(store, pattern(granule))
        partial.checkpoint()
        assert store.stat(IMAGE) is None
        assert paths(store) == []
        ref = partial.close()
        assert store.stat(IMAGE) is None
        store.reopen(ref).publish(granule)
        assert paths(store) == [IMAGE]

    def test_refuses_to_publish_what_is_not_whole(self, store: Store, granule: int) -> None:
        partial = self.begun(store, pattern(granule))
        with pytest.raises(StoreError) as refused:
            partial.publish(granule + 1)
        assert refused.value.code == "incomplete"
        assert paths(store) == []

    def test_refuses_to_publish_over_a_gap(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, 3 * granule, NAMED, key="k1")
        partial.write(0, pattern(granule))
        partial.write(2 * granule, pattern(granule))
        with pytest.raises(StoreError) as refused:
            partial.publish(3 * granule)
        assert refused.value.code == "incomplete"
        assert store.stat(IMAGE) is None

    def test_publishing_again_succeeds_with_the_same_entry(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        assert partial.publish(5) == partial.publish(5)

    def test_publishing_again_by_reference_finds_its_own_bytes(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        ref = partial.close()
        entry = store.reopen(ref).publish(5)
        again = store.reopen(ref)
        assert again.front() == 5
        assert again.publish(5) == entry
        assert list(store.partials()) == []

    def test_never_replaces_other_bytes_under_the_name(self, store: Store) -> None:
        self.published(store, b"first", key="k1")
        second = self.begun(store, b"other", key="k2")
        with pytest.raises(StoreError) as refused:
            second.publish(5)
        assert refused.value.code == "name-taken"
        assert store.read(IMAGE, 0, 9) == b"first"

    def test_does_not_take_the_same_bytes_of_another_for_its_own(self, store: Store) -> None:
        self.published(store, b"image", key="k1")
        with pytest.raises(StoreError) as refused:
            self.begun(store, b"image", key="k2").publish(5)
        assert refused.value.code == "name-taken"

    def test_a_name_that_differs_only_by_case_is_taken(self, store: Store) -> None:
        self.published(store, b"first", key="k1")
        with pytest.raises(StoreError) as refused:
            self.begun(store, b"other", IMAGE.upper(), key="k2").publish(5)
        assert refused.value.code == "name-taken"
        assert paths(store) == [IMAGE]

    def test_a_partial_whose_name_is_taken_is_published_under_another(self, store: Store) -> None:
        """Where unfinished bytes cannot be read they are bound to their name: they come again."""
        self.published(store, b"first", key="k1")
        second = self.begun(store, b"other", key="k2")
        with pytest.raises(StoreError):
            second.publish(5)
        ref = second.close()
        renamed = store.begin("Linux/other.iso", 5, NAMED, key="k2", resume=ref)
        assert renamed.front() == (5 if store.traits.readable_partial else 0)
        renamed.write(0, b"other")
        renamed.publish(5)
        assert paths(store) == ["Linux/Ubuntu - Server/ubuntu.server-20.04.2.iso", "Linux/other.iso"]

    def test_of_many_threads_racing_for_a_name_exactly_one_wins(self, store: Store) -> None:
        contents = {f"k{number}": b"%05d" % number for number in range(6)}
        ready = [self.begun(store, data, key=key) for key, data in contents.items()]

        with ThreadPoolExecutor(len(ready)) as pool:
            ended = list(pool.map(lambda partial: code_of(lambda: partial.publish(5)), ready))
        assert sorted(ended) == ["", *["name-taken"] * 5]
        assert store.read(IMAGE, 0, 9) == contents[f"k{ended.index('')}"]

    def test_of_two_processes_racing_for_a_name_exactly_one_wins(self, store: Store, reopen_code: str) -> None:
        script = """
            for number in range(20):
                partial = store.begin(f"race/{number}.iso", 1, contract.Validators(), key=f"{sys.argv[1]}-{number}")
                partial.write(0, sys.argv[1].encode())
                try:
                    partial.publish(1)
                    print("won", number)
                except Exception as error:
                    assert error.code == "name-taken", error
            """
        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(lambda name: self.in_another_process(reopen_code, script, name), ("a", "b")))
        assert [one.returncode for one in ended] == [0, 0], [one.stderr for one in ended]
        won = [set(one.stdout.split("\n")) - {""} for one in ended]
        assert not won[0] & won[1]
        assert len(won[0] | won[1]) == 20
        for number in range(20):
            winner = b"a" if f"won {number}" in won[0] else b"b"
            assert store.read(f"race/{number}.iso", 0, 9) == winner

    # writing

    def test_front_counts_only_what_is_contiguous_and_flushed(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, 4 * granule, NAMED, key="k1")
        partial.write(granule, pattern(granule))
        assert partial.checkpoint() == 0
        partial.write(0, pattern(granule))
        assert partial.checkpoint() == 2 * granule
        assert partial.front() == 2 * granule
        assert partial.ref.front == 2 * granule

    def test_front_never_goes_back(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, 6 * granule, NAMED, key="k1")
        data, seen = pattern(6 * granule), [0]
        for number in (2, 0, 1, 0, 5, 4, 3):
            partial.write(number * granule, data[number * granule : (number + 1) * granule])
            seen.append(partial.checkpoint())
        assert seen == sorted(seen)
        assert seen[-1] == 6 * granule

    def test_threads_write_a_window_out_of_order(self, store: Store, granule: int) -> None:
        data = pattern(16 * granule + 5)
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        starts = list(range(0, len(data), granule))
        shuffled = starts[1::2] + starts[::-2]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda start: partial.write(start, data[start : start + granule]), shuffled))
        partial.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data

    def test_takes_any_buffer(self, store: Store) -> None:
        for key, buffer in {"k1": bytearray(b"image"), "k2": memoryview(b"image")}.items():
            partial = store.begin(f"{key}.iso", 5, NAMED, key=key)
            partial.write(0, buffer)
            partial.publish(5)
            assert store.read(f"{key}.iso", 0, 9) == b"image"

    def test_reads_back_unfinished_bytes_where_it_says_so(self, store: Store, granule: int) -> None:
        data = pattern(2 * granule)
        partial = self.begun(store, data)
        if not store.traits.readable_partial:
            assert code_of(lambda: partial.read(0, 1)) == "incomplete"
            return
        assert partial.read(granule - 3, 7) == data[granule - 3 : granule + 4]

    def test_a_closed_partial_takes_no_more_bytes(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        partial.close()
        with pytest.raises(StoreError):
            partial.write(5, b"more")

    def test_closing_twice_gives_the_same_reference(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        assert partial.close() == partial.close()

    # resuming

    @pytest.mark.parametrize(
        "wanted",
        [
            NAMED,
            replace(NAMED, last_modified=""),
            replace(NAMED, etag=""),
            Validators(),
        ],
        ids=["the-same", "etag-alone", "last-modified-alone", "nothing-known"],
    )
    def test_resumes_what_may_be_the_same_file(self, store: Store, granule: int, wanted: Validators) -> None:
        data = pattern(3 * granule)
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data[: 2 * granule])
        ref = partial.close()
        resumed = store.begin(IMAGE, len(data), wanted, key="k1", resume=ref)
        assert resumed.front() == 2 * granule
        resumed.write(2 * granule, data[2 * granule :])
        resumed.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data

    @pytest.mark.parametrize(
        ("kept", "wanted"),
        [
            (NAMED, replace(NAMED, etag='"b2"')),
            (NAMED, replace(NAMED, last_modified="Fri, 08 Jan 2021 10:00:00 GMT")),
            (replace(NAMED, size=10), replace(NAMED, size=11)),
            (replace(NAMED, digests=(("sha256", "aa"),)), replace(NAMED, digests=(("sha256", "bb"),))),
            (Validators(etag='W/"a1"'), Validators(etag='W/"a1"')),
            (Validators(), NAMED),
        ],
        ids=["etag", "last-modified", "size", "digest", "only-a-weak-etag", "nothing-known-of-the-old"],
    )
    def test_starts_again_when_the_file_may_be_another(
        self, store: Store, granule: int, kept: Validators, wanted: Validators
    ) -> None:
        partial = store.begin(IMAGE, None, kept, key="k1")
        partial.write(0, b"old " * (granule // 4))
        ref = partial.close()
        fresh = store.begin(IMAGE, None, wanted, key="k1", resume=ref)
        assert fresh.front() == 0
        fresh.write(0, b"new")
        fresh.publish(3)
        assert store.read(IMAGE, 0, granule) == b"new"

    def test_starts_again_when_the_announced_size_is_another(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, 2 * granule, NAMED, key="k1")
        partial.write(0, pattern(granule))
        ref = partial.close()
        assert store.begin(IMAGE, 3 * granule, NAMED, key="k1", resume=ref).front() == 0

    def test_resumes_under_the_validators_of_the_last_checkpoint(self, store: Store, granule: int) -> None:
        partial = store.begin(IMAGE, None, Validators(), key="k1")
        partial.write(0, pattern(granule))
        partial.checkpoint(NAMED)
        ref = partial.close()
        assert ref.validators == NAMED
        assert store.begin(IMAGE, None, NAMED, key="k1", resume=ref).front() == granule

    def test_starts_again_when_not_asked_to_resume(self, store: Store, granule: int) -> None:
        self.begun(store, pattern(granule)).close()
        assert store.begin(IMAGE, granule, NAMED, key="k1").front() == 0

    def test_starts_when_there_is_nothing_to_resume(self, store: Store) -> None:
        ref = PartialRef("k1", IMAGE, 5, NAMED, front=3)
        assert store.begin(IMAGE, 5, NAMED, key="k1", resume=ref).front() == 0

    def test_another_process_reopens_by_reference(self, store: Store, granule: int, reopen_code: str) -> None:
        data = pattern(2 * granule + 9)
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data[: 2 * granule])
        partial.close()
        script = """
            (ref,) = store.partials()
            partial = store.reopen(ref)
            print(partial.front())
            tail = bytes.fromhex(sys.argv[1])
            partial.write(partial.front(), tail)
            partial.publish(partial.front() + len(tail))
            """
        ended = self.in_another_process(reopen_code, script, data[2 * granule :].hex())
        assert ended.returncode == 0, ended.stderr
        assert int(ended.stdout) == 2 * granule
        assert store.read(IMAGE, 0, len(data)) == data

    def test_lists_what_is_unfinished(self, store: Store, granule: int) -> None:
        refs = [self.begun(store, pattern(granule), f"{key}.iso", key).close() for key in ("k1", "k2")]
        assert list(store.partials()) == refs

    def test_reopening_what_is_gone_says_so(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        ref = partial.close()
        store.reopen(ref).discard()
        with pytest.raises(StoreError) as missing:
            store.reopen(ref)
        assert missing.value.code == "missing"

    def test_discarding_twice_leaves_nothing(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        partial.discard()
        partial.discard()
        assert list(store.partials()) == []
        assert paths(store) == []

    def test_discarding_what_is_published_leaves_the_image(self, store: Store) -> None:
        partial = self.begun(store, b"image")
        partial.publish(5)
        partial.discard()
        assert store.read(IMAGE, 0, 9) == b"image"

    @pytest.mark.crash
    def test_after_a_kill_the_front_is_really_there_and_right(
        self, store: Store, granule: int, reopen_code: str
    ) -> None:
        script = f"""
            step, number = {granule}, 0
            partial = store.begin({IMAGE!r}, None, contract.Validators(etag='"a1"'), key="k1")
            while True:
                for one in (number + 1, number, number + 3, number + 2):
                    partial.write(one * step, bytes([one % 251]) * step)
                number += 4
                print(partial.checkpoint(), flush=True)
            """
        whole = f"import sys\nfrom isomanager.storage import contract\n{reopen_code}\n{textwrap.dedent(script)}"
        with subprocess.Popen([sys.executable, "-c", whole], stdout=subprocess.PIPE, cwd=PROJECT) as process:
            assert process.stdout is not None
            promised = [int(process.stdout.readline()) for _ in range(3)][-1]
            process.kill()
        (ref,) = store.partials()
        assert ref.front >= promised
        assert paths(store) == []
        resumed = store.begin(IMAGE, None, Validators(etag='"a1"'), key="k1", resume=ref)
        assert resumed.front() == ref.front
        if store.traits.readable_partial:
            for number in range(ref.front // granule):
                assert resumed.read(number * granule, granule) == bytes([number % 251]) * granule
        resumed.publish(ref.front)
        assert store.stat(IMAGE).size == ref.front  # type: ignore[union-attr]

    # final files

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

    # small files

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

    def test_a_store_says_where_it_is_without_secrets(self, store: Store) -> None:
        assert store.url
        assert "password" not in store.url
