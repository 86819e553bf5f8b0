"""Connecting: a host's addresses are tried one beside the other, so that one that does not answer holds nobody up (RFC 8305).

httpx takes no other way to connect from its users; what opens a connection is set on its pools here, and nowhere else.
"""

from __future__ import annotations

import os
import selectors
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from errno import EADDRNOTAVAIL, EAFNOSUPPORT, EHOSTUNREACH, ENETUNREACH
from itertools import chain, zip_longest
from math import inf
from time import monotonic
from typing import Any

import httpcore
import httpx
from httpcore._backends.sync import SyncStream

ATTEMPT_DELAY = 0.25
"""Seconds that one address has before the next is tried beside it (RFC 8305, section 5)."""
_REMEMBERED = 600.0
"""Seconds for which the address that answered instead of a dead one comes first (RFC 8305, section 4: at most ten minutes)."""
_NO_WAY = frozenset({ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT})
"""Errors of an address that cannot be reached from here at all: those of others say more."""

Address = tuple[socket.AddressFamily, Any]
"""A family, and what `connect` takes in it."""


def connect_beside_each_other(client: httpx.Client) -> None:
    """From now on the client's connections are opened so."""
    backend = Connecting()
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = backend


class Connecting(httpcore.SyncBackend):
    """Opens connections to the first of a host's addresses that answers."""

    def __init__(self) -> None:
        self._answered: dict[tuple[str, int], tuple[Address, float]] = {}

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As httpcore's own: ConnectTimeout, ConnectError. `timeout` bounds all attempts together, not the look-up of the name."""
        try:
            addresses = self.preferred(host, port, in_turns(looked_up(host, port)))
            connection, address = first_to_answer(addresses, timeout, local_address)
        except TimeoutError as wrong:
            raise httpcore.ConnectTimeout(str(wrong)) from wrong
        except (OSError, UnicodeError) as wrong:  # the latter: what is no host name
            raise httpcore.ConnectError(str(wrong)) from wrong
        if address != addresses[0]:
            self.remember(host, port, address)
        for option in socket_options or ():
            connection.setsockopt(*option)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return SyncStream(connection)

    def remember(self, host: str, port: int, address: Address) -> None:
        """Another address than the preferred one answered."""
        self._answered[host, port] = address, monotonic()

    def preferred(self, host: str, port: int, addresses: list[Address]) -> list[Address]:
        """The addresses in the order in which they are tried."""
        known, at = self._answered.get((host, port), (None, -inf))
        if known not in addresses or monotonic() - at > _REMEMBERED:
            return addresses
        return [known, *(one for one in addresses if one != known)]


def looked_up(host: str, port: int) -> list[Address]:
    """The host's addresses in the system's order of preference (RFC 6724). OSError where the name is not known."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def in_turns(addresses: Sequence[Address]) -> list[Address]:
    """The addresses with the families in turn, the preferred one first (RFC 8305, section 4)."""
    families = dict.fromkeys(family for family, _ in addresses)
    by_family = ([one for one in addresses if one[0] == family] for family in families)
    return [one for one in chain.from_iterable(zip_longest(*by_family)) if one is not None]


def first_to_answer(
    addresses: Sequence[Address], timeout: float | None, local: str | None = None, *, delay: float = ATTEMPT_DELAY
) -> tuple[socket.socket, Address]:
    """A connection to the first address that answers, and which that is. Each has `delay` seconds alone, and stays in the race.

    TimeoutError where none has answered within `timeout` seconds, else the most telling of their errors.
    """
    until = inf if timeout is None else monotonic() + timeout
    waiting, errors, turn = deque(addresses), list[OSError](), 0.0
    with selectors.DefaultSelector() as under_way, ExitStack() as opened:
        while waiting or under_way.get_map():
            now = monotonic()
            if now >= until:
                raise TimeoutError("no address answered within the time allowed")
            if waiting and (now >= turn or not under_way.get_map()):
                _begin(waiting.popleft(), local, under_way, opened, errors)
                turn = now + delay
                continue
            patience = min(until, turn if waiting else inf) - now
            for key, _ in under_way.select(None if patience == inf else patience):
                connection: socket.socket = key.data[0]
                under_way.unregister(connection)
                error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not error:
                    return _kept(connection), key.data[1]
                errors.append(OSError(error, os.strerror(error)))
                turn = now
    raise most_telling(errors)


def _begin(
    address: Address, local: str | None, under_way: selectors.BaseSelector, opened: ExitStack, errors: list[OSError]
) -> None:
    try:
        connection = opened.enter_context(socket.socket(address[0], socket.SOCK_STREAM))
        connection.setblocking(False)
        if local is not None:
            connection.bind((local, 0))
        with suppress(BlockingIOError):
            connection.connect(address[1])
        under_way.register(connection, selectors.EVENT_WRITE, (connection, address))
    except OSError as wrong:
        errors.append(wrong)


def _kept(connection: socket.socket) -> socket.socket:
    """The connection, out of reach of who closes all that were opened."""
    kept = socket.socket(fileno=connection.detach())
    kept.setblocking(True)
    return kept


def most_telling(errors: Sequence[OSError]) -> OSError:
    """The last error of an address that could be reached at all, else the last of all."""
    telling = [one for one in errors if one.errno not in _NO_WAY]
    return (telling or list(errors) or [OSError("the name has no address")])[-1]
