"""A file on an SMB share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import smbclient
from smbprotocol.exceptions import SMBOSError

from isomanager.storage.pipelining import Piece, PipelinedFile
from isomanager.storage.smb_connection import PatientConnection, UnderWay, bytes_a_request
from isomanager.storage.smb_errors import smb_errors
from isomanager.storage.smb_looking import END_OF_FILE
from isomanager.storage.smb_messages import Answer, Asked, charge_of, flush, read, read_of, write, written_of
from isomanager.storage.smb_session import SmbSession

_KEPT_BACK = 16
"""Credits left for small requests of other threads."""


class SmbFile(PipelinedFile):
    """Honours TreeFile. `raw` is an open SMBFileIO."""

    def __init__(self, session: SmbSession, raw: Any, told: str) -> None:
        self._session, self._raw, self._closed = session, raw, False
        self._tree, self._id = raw.fd.tree_connect, bytes(raw.fd.file_id)
        self._connection: PatientConnection = raw.fd.connection
        super().__init__(told, bytes_a_request(self._connection))

    def _errors(self) -> AbstractContextManager[None]:
        return smb_errors(self._told)

    def _has_room(self) -> bool:
        """The server grants credits, and each answer brings new ones."""
        return self._connection.credits >= charge_of(self._request) + _KEPT_BACK

    def _send(self, message: Asked) -> UnderWay:
        while (begun := self._connection.begin(self._tree, [message], _KEPT_BACK)) is None:
            self._wait_for_room()  # another file of this session was quicker
        return begun

    def _answer(self, begun: UnderWay) -> Answer:
        ((answer,),) = begun.answers()
        if answer.status and answer.status != END_OF_FILE:
            raise SMBOSError(answer.status, self._told)
        return answer

    def _begin_write(self, offset: int, piece: Piece) -> Callable[[], int]:
        begun = self._send(write(piece, offset, self._id))
        return lambda: written_of(self._answer(begun).body)

    def _begin_read(self, offset: int, length: int) -> Callable[[], bytes | memoryview]:
        begun = self._send(read(length, offset, self._id))

        def answer() -> bytes | memoryview:
            came = self._answer(begun)
            return b"" if came.status else memoryview(read_of(came.body))

        return answer

    def _begin_flush(self) -> Callable[[], object]:
        begun = self._send(flush(self._id))
        return lambda: self._answer(begun)

    def _cut(self, size: int) -> None:
        if self._session.call(smbclient.stat, self._raw.name).st_size > size:
            self._raw.truncate(size)

    def __del__(self) -> None:
        """A file that nobody closed is closed on the server with its session: no network is waited for while memory is freed."""
        if not self._closed:
            self._raw.fd._connected = False  # smbprotocol would complain of it otherwise

    def _let_go(self) -> None:
        try:
            self._raw.close()
        except Exception:  # noqa: BLE001 - whatever it is, the file is closed on the server with its connection
            self._raw.fd._connected = False  # otherwise smbprotocol complains of a handle that nobody closed
