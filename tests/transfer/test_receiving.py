"""Pieces from the network become whole granules, and coming too slowly is noticed, whoever is slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.errors import BodyTruncated, Stalled, StoreError
from isomanager.storage.contract import Validators
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Limits, silent
from isomanager.transfer.receiving import Receiver, aligned
from transfer.serving import CONTENT, MIB


def receiver_at(clock: Callable[[], float]) -> Receiver:
    limits = Limits(stall_timeout=30, stall_bytes_per_second=1000)
    return Receiver("somewhere", ("sha256",), limits, silent, Event(), clock)


def test_waiting_for_the_network_counts_as_a_stall_when_too_little_comes() -> None:
    seconds = [0.0]

    def coming(length: int) -> Iterator[bytes]:
        while True:
            seconds[0] += 10
            yield b"x" * length

    assert sum(map(len, islice(receiver_at(lambda: seconds[0]).watched(coming(10_000)), 100))) == 1_000_000
    with pytest.raises(Stalled, match="only 29997 bytes came in 30 s"):
        list(receiver_at(lambda: seconds[0]).watched(coming(9_999)))


def test_waiting_for_ones_own_disk_is_no_stall() -> None:
    seconds = [0.0]
    for _ in receiver_at(lambda: seconds[0]).watched(iter([b"x"] * 100)):
        seconds[0] += 10


def test_no_checkpoint_is_left_to_itself(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails in the background after the last byte still fails the transfer."""

    def fails() -> int:
        raise StoreError("The disk is full.", code="no-space")

    partial = store.begin("image.iso", None, Validators(), key="key")
    with monkeypatch.context() as full:
        full.setattr(partial, "checkpoint", fails)
        receiver = Receiver("somewhere", ("sha256",), Limits(checkpoint_bytes=1), silent, Event())
        with pytest.raises(StoreError, match="full"):
            receiver.receive(iter([bytearray(10)]), partial, 0, 10)
    partial.close()


@given(st.lists(st.integers(0, 5 * MIB // 2), max_size=4), st.integers(0, 3 * MIB), st.booleans())
def test_granules_hold_the_same_bytes_at_aligned_places_however_they_came(
    lengths: list[int], start: int, breaks: bool
) -> None:
    pieces = [CONTENT[length % 251 :][:length] for length in lengths]

    def coming() -> Iterator[bytes]:
        yield from pieces
        if breaks:
            raise BodyTruncated("broken")

    granules: list[bytes] = []
    with pytest.raises(BodyTruncated) if breaks else nullcontext():
        granules.extend(map(bytes, aligned(coming(), start)))
    assert b"".join(granules) == b"".join(pieces)
    ends = [start + sum(map(len, granules[: place + 1])) for place in range(len(granules))]
    assert all(end % MIB == 0 for end in ends[:-1])
    assert all(len(one) <= MIB for one in granules)
