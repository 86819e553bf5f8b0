"""A file on an NFS export, spoken to directly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from isomanager.errors import StoreUnavailable
from isomanager.storage.nfs_client import NfsClient
from isomanager.storage.pipelining import Piece, PipelinedFile


class NfsFile(PipelinedFile):
    """Honours TreeFile for the file behind `handle`; a handle needs no opening and no closing."""

    def __init__(self, client: NfsClient, handle: bytes, told: str, request: int) -> None:
        self._client, self._handle = client, handle
        self._lives: set[bytes] = set()
        super().__init__(told, request)

    def _errors(self) -> AbstractContextManager[None]:
        return _named(self._told)

    def _begin_write(self, offset: int, piece: Piece) -> Callable[[], int]:
        answer = self._client.begin_write(self._handle, offset, piece)

        def taken() -> int:
            count, life = answer()
            self._lives.add(life)
            return count

        return taken

    def _begin_flush(self) -> Callable[[], object]:
        answer = self._client.begin_commit(self._handle)
        return lambda: self._lives.add(answer())

    def _begin_read(self, offset: int, length: int) -> Callable[[], memoryview]:
        return self._client.begin_read(self._handle, offset, length)

    def _flush(self) -> None:
        """A server that was started anew since it took bytes has forgotten them (RFC 1813, section 4.8)."""
        super()._flush()
        if len(self._lives) > 1:
            self._failed = StoreUnavailable(
                f"{self._told}: the NFS server was started anew and has forgotten what it had not yet written down.",
                hint="The next try continues from what it had.",
            )
            raise self._failed
        self._lives.clear()

    def _cut(self, size: int) -> None:
        if self._client.attributes(self._handle).size > size:
            self._client.truncate(self._handle, size)

    def _let_go(self) -> None:
        """There is nothing to close: the server keeps no state of it."""


@contextmanager
def _named(told: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno:
            raise OSError(error.errno, os.strerror(error.errno), told) from error
        raise
