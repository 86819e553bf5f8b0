"""Between an SMB client and its server: a proxy that looks at each answer, may change it, and may break the connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Hook = Callable[[bytearray], bool]
"""Told each frame from the server, which it may change; whether the connection lasts."""


@contextmanager
def smb_proxy(port: int, hook: Hook) -> Iterator[int]:
    """A port that leads to `port` of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        open_ones, threads = [listening], list[threading.Thread]()
        threads.append(threading.Thread(target=_accept, args=(listening, port, hook, open_ones, threads)))
        threads[0].start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            for one in open_ones:
                _end(one)
            for thread in threads:
                thread.join()
            for one in open_ones:
                one.close()


def _accept(
    listening: socket.socket, port: int, hook: Hook, open_ones: list[socket.socket], threads: list[threading.Thread]
) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            server = socket.create_connection(("127.0.0.1", port))
            open_ones += [client, server]
            threads.append(threading.Thread(target=_requests, args=(client, server)))
            threads.append(threading.Thread(target=_answers, args=(server, client, hook)))
            for thread in threads[-2:]:
                thread.start()


def _requests(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while data := client.recv(1 << 16):
            server.sendall(data)
    _end(server)


def _answers(server: socket.socket, client: socket.socket, hook: Hook) -> None:
    with suppress(OSError), server.makefile("rb") as reading:
        while size := reading.read(4):
            frame = bytearray(reading.read(int.from_bytes(size, "big")))
            if not hook(frame):
                break
            client.sendall(size + frame)
    _end(client)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
