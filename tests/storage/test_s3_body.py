"""Bytes that are sent as they are: read in place, from the beginning again when a request is repeated."""

from __future__ import annotations

import io
import os

import pytest

from isomanager.storage.s3_body import Body, kept


def test_reads_as_a_file_of_these_bytes_does() -> None:
    ours, plain = Body(b"0123456789"), io.BytesIO(b"0123456789")
    for act in (
        lambda file: bytes(file.read(3)),
        lambda file: file.tell(),
        lambda file: file.seek(2, os.SEEK_CUR),
        lambda file: bytes(file.read(100)),
        lambda file: bytes(file.read(1)),
        lambda file: file.seek(-4, os.SEEK_END),
        lambda file: bytes(file.read()),
        lambda file: file.seek(0),
        lambda file: bytes(file.read(None)),
        lambda file: bytes(file.getbuffer()),
        lambda file: file.getvalue(),
    ):
        assert act(ours) == act(plain)


def test_no_byte_is_copied() -> None:
    data = bytes(range(256))
    body = Body(data)
    with body.getbuffer() as seen:
        assert seen.obj is data
    piece = body.read(10)
    assert isinstance(piece, memoryview)
    assert piece.obj is data


@pytest.mark.parametrize("buffer", [bytearray(b"part"), memoryview(bytearray(b"part"))])
def test_never_keeps_bytes_that_may_change(buffer: bytearray | memoryview) -> None:
    mine = kept(memoryview(buffer))
    buffer[0:4] = b"else"
    assert bytes(mine) == b"part"


def test_bytes_that_never_change_are_kept_as_they_are() -> None:
    data = b"0123456789"
    mine = kept(memoryview(data)[2:5])
    assert isinstance(mine, memoryview)
    assert (mine.obj is data, bytes(mine)) == (True, b"234")
