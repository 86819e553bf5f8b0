"""A file on an SMB share. 1 MiB a request: on loopback that is as fast as the protocol's own client, larger ones are slower."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import smbclient
from smbprotocol.exceptions import EndOfFile

from isomanager.storage.pipelining import Piece, PipelinedFile
from isomanager.storage.smb_errors import smb_errors
from isomanager.storage.smb_session import SmbSession

REQUEST = 1 << 20
_CREDIT = 65536
"""Bytes that one credit pays for ([MS-SMB2] 3.2.4.1.5)."""
_KEPT_BACK = 16
"""Credits left for small requests of other threads."""


class SmbFile(PipelinedFile):
    """Honours TreeFile. `raw` is an open SMBFileIO."""

    def __init__(self, session: SmbSession, raw: Any, told: str) -> None:
        self._session, self._raw, self._closed = session, raw, False
        self._connection = raw.fd.connection
        super().__init__(told, min(REQUEST, self._connection.max_write_size, self._connection.max_read_size))
        self._cost = (self._request - 1) // _CREDIT + 1

    def _errors(self) -> AbstractContextManager[None]:
        return smb_errors(self._told)

    def _has_room(self) -> bool:
        """The server grants credits, each answer brings new ones, and smbprotocol fails when they are overdrawn."""
        window = self._connection.sequence_window
        return bool(window["high"] - window["low"] >= self._cost + _KEPT_BACK)

    def _send(self, message: Any) -> Any:
        tree = self._raw.fd.tree_connect
        while True:
            with self._session.sending:
                if self._has_room():
                    return self._connection.send(
                        message, sid=tree.session.session_id, tid=tree.tree_connect_id, credit_request=2 * self._cost
                    )
            self._wait_for_room()  # another file of this session was quicker

    def _begin_write(self, offset: int, piece: Piece) -> Callable[[], int]:
        message, receive = self._raw.fd.write(bytes(piece), offset=offset, send=False)
        request = self._send(message)
        return lambda: int(receive(request))

    def _begin_read(self, offset: int, length: int) -> Callable[[], bytes]:
        message, receive = self._raw.fd.read(offset, length, min_length=0, send=False)
        request = self._send(message)

        def answer() -> bytes:
            try:
                return bytes(receive(request))
            except EndOfFile:
                return b""

        return answer

    def _flush(self) -> None:
        self._raw.fd.flush()

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
