"""Digests taken beside a transfer are those of its bytes, whatever the algorithm, in bounded memory."""

from __future__ import annotations

import hashlib
import threading

import pytest

from isomanager.model import ALGORITHMS
from isomanager.transfer.digesting import PIECE, Digester, digests_of, new_hash
from transfer.serving import CONTENT, SHA256


def pieces() -> list[bytes]:
    return [CONTENT[start : start + 100_000] for start in range(0, len(CONTENT), 100_000)]


def test_every_algorithm_gives_what_hashlib_gives() -> None:
    expected = {one: hashlib.new(one, CONTENT).hexdigest() for one in ALGORITHMS}
    assert digests_of(pieces(), ALGORITHMS) == expected
    digester = Digester(ALGORITHMS, 4 * PIECE)
    for piece in pieces():
        digester.update(piece)
    assert digester.finish() == expected


def test_an_unknown_algorithm_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="crc32"):
        new_hash("crc32")


def test_finishing_and_abandoning_can_be_repeated_and_leave_no_thread() -> None:
    before = threading.active_count()
    digester = Digester(["sha256"], PIECE)
    digester.update(CONTENT)
    assert digester.finish() == digester.finish() == {"sha256": SHA256}
    digester.abandon()
    digester.abandon()
    assert threading.active_count() == before


def test_an_abandoned_digest_lets_its_thread_go_though_much_still_waits() -> None:
    before = threading.active_count()
    digester = Digester(ALGORITHMS, 3 * PIECE)
    for _ in range(3):
        digester.update(CONTENT)
    digester.abandon()
    assert threading.active_count() == before
