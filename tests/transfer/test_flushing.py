"""What came is made durable beside the transfer, one stretch after the other, and a disk that fails is not overlooked."""

from __future__ import annotations

import threading

import pytest

from isomanager.errors import StoreError
from isomanager.storage.contract import Partial, Validators
from isomanager.storage.local import LocalStore
from isomanager.transfer.flushing import Flusher
from isomanager.transfer.limits import Limits


@pytest.fixture
def partial(store: LocalStore) -> Partial:
    return store.begin("image.iso", None, Validators(), key="key")


def test_a_checkpoint_follows_so_many_bytes_or_seconds(partial: Partial) -> None:
    seconds = [0.0]
    flusher = Flusher(partial, Limits(checkpoint_bytes=100, checkpoint_seconds=10), lambda: seconds[0])
    partial.write(0, b"x" * 99)
    flusher.wrote(99)
    flusher.settle()
    assert partial.front() == 0
    partial.write(99, b"x")
    flusher.wrote(1)
    flusher.settle()
    assert partial.front() == 100
    partial.write(100, b"x")
    flusher.wrote(1)
    seconds[0] = 10
    partial.write(101, b"x")
    flusher.wrote(1)
    flusher.settle()
    assert partial.front() == 102
    partial.close()


def test_no_more_than_two_stretches_are_on_their_way(partial: Partial, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, let_go = [0], [0], threading.Event()

    def slow() -> int:
        running[0] += 1
        most[0] = max(most[0], running[0])
        assert let_go.wait(60)
        running[0] -= 1
        return 0

    monkeypatch.setattr(partial, "checkpoint", slow)
    flusher = Flusher(partial, Limits(checkpoint_bytes=1), lambda: 0.0)
    flusher.wrote(1)
    second = threading.Thread(target=flusher.wrote, args=(1,))
    second.start()
    let_go.set()
    second.join(60)
    flusher.settle()
    assert (running[0], most[0]) == (0, 1)


def test_a_disk_that_fails_ends_the_transfer(partial: Partial, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> int:
        raise StoreError("The disk is full.", code="no-space")

    monkeypatch.setattr(partial, "checkpoint", fails)
    flusher = Flusher(partial, Limits(checkpoint_bytes=1), lambda: 0.0)
    flusher.wrote(1)
    with pytest.raises(StoreError, match="full"):
        flusher.wrote(1)
    flusher.settle()
