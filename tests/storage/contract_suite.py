"""What every store promises, as tests. A store's own test module inherits `StoreContract` and gives it two fixtures.

Offsets are multiples of the store's granule but for the tail, as the contract asks, so that object stores can run it too.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from contract_case import IMAGE, NAMED, code_of, paths, pattern
from contract_files import FilesContract
from contract_resuming import ResumingContract
from contract_small_files import SmallFilesContract

from isomanager.errors import StoreError
from isomanager.storage.contract import Store


class StoreContract(ResumingContract, FilesContract, SmallFilesContract):
    """Inherit, and define the fixtures `store` (empty) and `reopen_code` (Python that makes the same store as `store`)."""

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
