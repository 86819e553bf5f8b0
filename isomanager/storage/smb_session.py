"""One user's session with one SMB server: a connection cache of its own, so that no other user's session is ever used, and an end
to every waiting, which smbprotocol does not have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import smbclient
from smbprotocol.tree import TreeConnect

from isomanager.errors import StoreError
from isomanager.storage.smb_connection import PatientConnection
from isomanager.storage.smb_errors import smb_errors

_T = TypeVar("_T")
PORT = 445


@dataclass(frozen=True)
class SmbAccess:
    """How a server is reached. `user` may be DOMAIN\\user or user@domain. Times in seconds."""

    user: str = ""
    password: str = field(default="", repr=False)
    encrypt: bool = False
    connect_timeout: float = 10.0
    answer_timeout: float = 60.0


class SmbSession:
    """Calls smbclient's functions for one user of one server; connects when first needed, and again when the connection broke."""

    def __init__(self, server: str, port: int, access: SmbAccess) -> None:
        self.server, self.port, self.access = server, port or PORT, access
        self.told = f"smb://{server}" + (f":{self.port}" if self.port != PORT else "")
        self._connections: dict[str, PatientConnection] = {}
        self._connecting = threading.Lock()

    @property
    def _key(self) -> str:
        return f"{self.server.lower()}:{self.port}"

    def arguments(self) -> dict[str, Any]:
        """What every function of smbclient must be told, so that it uses this session and no other."""
        self.connection()
        return {
            "username": self.access.user,
            "password": self.access.password,
            "port": self.port,
            "connection_cache": self._connections,
            "encrypt": True if self.access.encrypt else None,
        }

    def connection(self) -> PatientConnection:
        """The connection, logged on; a new one when it broke."""
        with self._connecting, smb_errors(self.told):
            known = self._connections.get(self._key)
            if known is not None and known.transport.connected:
                return known
            self._connections.pop(self._key, None)
            if not self.access.user:
                raise StoreError(
                    f"There is no user name and password for {self.told}.",
                    code="credentials",
                    hint="Use a block SMBRepository, ISOMANAGER_SMB_USERNAME and ISOMANAGER_SMB_PASSWORD, or a credentials file.",
                )
            self._connections[self._key] = fresh = self._log_on()
            return fresh

    def _log_on(self) -> PatientConnection:
        connection = PatientConnection(smbclient.ClientConfig().client_guid, self.server, self.port)
        connection.patience = self.access.answer_timeout
        connection.connect(timeout=self.access.connect_timeout)
        cache = {self._key: connection}
        try:
            session = smbclient.register_session(
                self.server,
                username=self.access.user,
                password=self.access.password,
                port=self.port,
                encrypt=True if self.access.encrypt else None,
                connection_cache=cache,
            )
            if self.access.encrypt and not session.encrypt_data:
                raise StoreError(f"{self.told} does not encrypt.", code="configuration", hint="Turn encryption off.")
        except BaseException:
            connection.drop()
            raise
        return connection

    def call(self, function: Callable[..., _T], *arguments: Any, **named: Any) -> _T:
        """One of smbclient's functions in this session; errors as a tree of files raises them."""
        with smb_errors(self.told):
            return function(*arguments, **named, **self.arguments())

    @contextmanager
    def opened(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Iterator[Any]:
        """What a function opens, closed at the end."""
        with smb_errors(self.told), function(*arguments, **named, **self.arguments()) as found:
            yield found

    def require_share(self, share: str) -> None:
        """StoreError(code="missing") when the server has no share of this name: smbclient calls it a path that is not there."""
        with smb_errors(self.told):
            session = smbclient.register_session(self.server, **self.arguments())
            tree = TreeConnect(session, f"\\\\{self.server}\\{share}")
            tree.connect()
            tree.disconnect()

    def close(self) -> None:
        """Log off."""
        with suppress(Exception):
            smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._connections)
