"""Remote procedure calls over one TCP connection: ONC RPC (RFC 5531), XDR (RFC 4506), AUTH_SYS; many calls under way at once."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress

from isomanager.errors import StoreError, StoreUnavailable

_CALL, _REPLY, _RPC_VERSION = 0, 1, 2
_AUTH_SYS = 1
_LAST_FRAGMENT = 0x80000000
MAX_REPLY = 8 << 20
"""Bytes of an answer that are believed: more than any read asks for."""
_PRIVILEGED = range(1023, 665, -1)
"""Ports that only root may use: servers ask for one unless an export says `insecure`."""


class Unpacker:
    """Reads XDR from an answer. StoreUnavailable when it ends too soon: then it is not what was asked for."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def _take(self, length: int) -> memoryview:
        end = self._at + length
        if length < 0 or end > len(self._data):
            raise StoreUnavailable("The NFS server's answer ends too soon.", hint="Try again; then look at the server.")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self) -> int:
        """An unsigned integer of 32 bits."""
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        """An unsigned integer of 64 bits."""
        return int.from_bytes(self._take(8), "big")

    def fixed(self, length: int) -> bytes:
        """Bytes of a known length."""
        return bytes(self._take(length))

    def view(self) -> memoryview:
        """Bytes that tell their length, not copied."""
        length = self.number()
        data = self._take(length)
        self._take(-length % 4)
        return data

    def opaque(self) -> bytes:
        """Bytes that tell their length."""
        return bytes(self.view())

    def text(self) -> str:
        """A name."""
        return self.opaque().decode("utf-8", "surrogateescape")


def number(value: int) -> bytes:
    """An unsigned integer of 32 bits in XDR."""
    return struct.pack(">I", value)


def long(value: int) -> bytes:
    """An unsigned integer of 64 bits in XDR."""
    return struct.pack(">Q", value)


def opaque(data: bytes) -> bytes:
    """Bytes with their length before them in XDR."""
    return number(len(data)) + data + bytes(-len(data) % 4)


def text(value: str) -> bytes:
    """A name in XDR."""
    return opaque(value.encode("utf-8", "surrogateescape"))


def auth_sys(uid: int, gid: int) -> bytes:
    """Who asks (RFC 5531, appendix A): the server believes it."""
    body = number(int(time.time()) & 0xFFFFFFFF) + text(socket.gethostname()[:255]) + number(uid) + number(gid)
    return number(_AUTH_SYS) + opaque(body + number(0))


class RpcConnection:
    """Calls to one port of one server. Connects when first needed, and again when the connection broke.

    A call whose answer does not come within `patience` seconds is StoreUnavailable, and ends the connection.
    """

    def __init__(self, host: str, port: int, credentials: bytes, *, connect_timeout: float, patience: float) -> None:
        self._address, self._credentials = (host, port), credentials
        self._connect_timeout, self._patience = connect_timeout, patience
        self._socket: socket.socket | None = None
        self._waiting: dict[int, Future[memoryview]] = {}
        self._lock = threading.RLock()
        self._sending = threading.Lock()  # another one: answers are taken while a call is still on its way out
        self._numbers = itertools.count(int.from_bytes(os.urandom(3), "big"))
        self.told = f"{host}:{port}"

    def call(self, program: int, version: int, procedure: int, arguments: bytes) -> Unpacker:
        """Ask, and wait for the answer."""
        return self.answer(self.send(program, version, procedure, arguments))

    def send(
        self, program: int, version: int, procedure: int, arguments: bytes, bulk: bytes | memoryview = b""
    ) -> Future[memoryview]:
        """Ask; `answer` waits for what comes. `bulk` are bytes that tell their length and end the arguments, sent from where they
        are."""
        xid = next(self._numbers) & 0xFFFFFFFF
        head = struct.pack(">6I", xid, _CALL, _RPC_VERSION, program, version, procedure)
        body = head + self._credentials + number(0) + number(0) + arguments
        parts: list[bytes | memoryview] = []
        if bulk:
            body += number(len(bulk))
            parts = [bulk, bytes(-len(bulk) % 4)]
        mark = number(_LAST_FRAGMENT | len(body) + sum(map(len, parts)))
        waiting: Future[memoryview] = Future()
        with self._sending:
            connected = self._connected_for(xid, waiting)
            try:
                for part in (mark + body, *parts):
                    connected.sendall(part)
            except OSError as wrong:
                self._broken(connected, wrong)
                raise self._unavailable(wrong) from wrong
        return waiting

    def _connected_for(self, xid: int, waiting: Future[memoryview]) -> socket.socket:
        with self._lock:
            connected = self._connected()
            self._waiting[xid] = waiting
            return connected

    def answer(self, waiting: Future[memoryview]) -> Unpacker:
        """The answer's results, past what RPC itself says."""
        try:
            reply = Unpacker(waiting.result(self._patience))
        except FutureTimeout as late:
            self.close()
            raise StoreUnavailable(
                f"The NFS server {self.told} has not answered for {self._patience:.0f} seconds.",
                hint="Check that it works; the next try continues.",
            ) from late
        except OSError as wrong:
            raise self._unavailable(wrong) from wrong
        return self._accepted(reply)

    def _accepted(self, reply: Unpacker) -> Unpacker:
        if reply.number():  # MSG_DENIED
            raise StoreError(
                f"The NFS server {self.told} does not accept who asks.",
                code="credentials",
                hint="It wants another kind of authentication than AUTH_SYS: mount the export, and use mode=mounted.",
            )
        reply.number()
        reply.opaque()
        status = reply.number()
        if status:
            what = {1: "does not serve this program", 2: "does not serve this version", 3: "does not know this call"}
            raise StoreError(
                f"The server {self.told} {what.get(status, 'refuses the call')}.",
                code="configuration",
                hint="NFS version 3 over TCP is needed; otherwise mount the export, and use mode=mounted.",
            )
        return reply

    def _unavailable(self, wrong: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"The NFS server {self.told} cannot be reached: {wrong.strerror or wrong}.",
            hint="Check its name, that it runs, and that nothing between blocks it.",
        )

    def _connected(self) -> socket.socket:
        if self._socket is None:
            try:
                self._socket = self._connect()
            except OSError as wrong:
                raise self._unavailable(wrong) from wrong
            threading.Thread(target=self._receive, args=(self._socket,), name="nfs", daemon=True).start()
        return self._socket

    def _connect(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)[0]
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(self._connect_timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            _bind_privileged(connection, family)
            connection.connect(address)
            connection.settimeout(None)
        except BaseException:
            connection.close()
            raise
        return connection

    def _receive(self, connection: socket.socket) -> None:
        try:
            while True:
                reply = _read_record(connection)
                xid, kind = struct.unpack(">II", reply[:8])
                with self._lock:
                    waiting = self._waiting.pop(xid, None)
                if waiting is not None and kind == _REPLY:
                    waiting.set_result(reply[8:])
        except (OSError, struct.error) as wrong:
            self._broken(connection, wrong if isinstance(wrong, OSError) else OSError(errno.EPROTO, "no RPC"))

    def _broken(self, connection: socket.socket, wrong: OSError) -> None:
        with self._lock:
            if self._socket is not connection:
                return  # another one is in use by now
            self._socket = None
            failed, self._waiting = self._waiting, {}
        with suppress(OSError):
            connection.close()
        for one in failed.values():
            if not one.done():
                one.set_exception(wrong)

    def close(self) -> None:
        """End the connection; calls under way fail."""
        connection = self._socket
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            self._broken(connection, OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED)))


def _bind_privileged(connection: socket.socket, family: int) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    for port in _PRIVILEGED:
        with suppress(OSError):
            connection.bind(("::" if family == socket.AF_INET6 else "", port))
            return


def _read_record(connection: socket.socket) -> memoryview:
    """One message, of one or more fragments (RFC 5531, section 11)."""
    pieces: list[bytearray] = []
    length = 0
    while True:
        mark = int.from_bytes(_read_exactly(connection, 4), "big")
        length += mark & ~_LAST_FRAGMENT
        if length > MAX_REPLY:
            raise OSError(errno.EPROTO, "an answer of implausible length")
        pieces.append(_read_exactly(connection, mark & ~_LAST_FRAGMENT))
        if mark & _LAST_FRAGMENT:
            return memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _read_exactly(connection: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    view = memoryview(data)
    while view:
        came = connection.recv_into(view)
        if not came:
            raise OSError(errno.ECONNRESET, "the server closed the connection")
        view = view[came:]
    return data
