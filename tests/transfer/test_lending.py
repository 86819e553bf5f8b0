"""A file of this machine is lent in pieces, whole and in order, through buffers that come back."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

import pytest

from isomanager.errors import StoreError
from isomanager.storage.local import LocalStore, SteadyFile
from isomanager.storage.sources import look_up
from isomanager.transfer.lending import LENT, Lender


def lent(folder: Path, content: bytes) -> SteadyFile:
    (folder / "a.iso").write_bytes(content)
    store = LocalStore(folder)
    return store.steady(look_up(store, "a.iso"))


@pytest.mark.parametrize("size", [0, 1, LENT, 20 * LENT + 3])
def test_every_byte_comes_in_order_though_the_buffers_are_few(tmp_path: Path, size: int) -> None:
    content = b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]
    got = b""
    with Lender(lent(tmp_path, content)) as lender:
        for piece in lender:
            got += piece
            piece[:1] = b"!"  # it is ours until it is given back
            lender.give_back(piece)
    assert got == content


def test_a_file_that_changes_meanwhile_is_an_error(tmp_path: Path) -> None:
    with Lender(lent(tmp_path, bytes(40 * LENT))) as lender:
        pieces = iter(lender)
        first = next(pieces)
        with (tmp_path / "a.iso").open("r+b") as file:
            file.write(b"other")
            file.truncate(30 * LENT)
        lender.give_back(first)
        with pytest.raises(StoreError) as changed:
            deque(map(lender.give_back, pieces))
    assert changed.value.code == "changed"


def test_whoever_leaves_early_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with Lender(lent(tmp_path, bytes(40 * LENT))) as lender:
        next(iter(lender))
    assert threading.active_count() == before
