"""smbprotocol's connection, with an end to every waiting, and a way to have many small requests under way at once.

Negotiation, log-on, trees, keys and encryption are smbprotocol's. What is asked by `exchange` is packed into frames of its own:
each chain is a compound of related requests ([MS-SMB2] 3.2.4.1.4), and as many are sent together as the server's credits pay for.
Chains are never joined to larger compounds: related and unrelated requests must not be mixed in one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException

from isomanager.storage.smb_expecting import Expected, Tally
from isomanager.storage.smb_messages import HEADER, PROTOCOL, Answer, Asked
from isomanager.storage.smb_signing import DFS, RELATED, SIGNED, Signer, is_signed
from isomanager.storage.smb_transport import QuickTransport

_ENOUGH_CREDITS, _MORE_CREDITS = 512, 64
_TOGETHER = 1 << 20
"""Bytes of frames that are sent by one call."""
_REQUEST = 1 << 20
"""On loopback that is as fast as the protocol's own client, larger ones are slower."""
_LOOKED_AGAIN = 1.0
_PREFIX = 4

Chain = Sequence[Asked]


class PatientConnection(Connection):  # type: ignore[misc]
    """Waits for an answer no longer than `patience` seconds; a connection that kept silent is not used again."""

    patience = 60.0

    def __init__(self, *given: Any, **named: Any) -> None:
        self._quick: QuickTransport | None = None
        self._sending = threading.Lock()
        self._room = bytearray(_TOGETHER)
        self._signer = Signer(self)
        super().__init__(*given, **named)

    @property
    def transport(self) -> Any:
        """Ours, whatever smbprotocol makes."""
        return self._quick

    @transport.setter
    def transport(self, made: Any) -> None:
        self._quick = None if made is None else QuickTransport(made, self._take, self.patience)

    # smbprotocol's own requests

    def _send(self, messages: list[Any], *given: Any, **named: Any) -> Any:
        """Wait until the server's credits pay for all of `messages`; ask for more of them while there are few."""
        cost, until = sum(map(self._calculate_credit_charge, messages)), monotonic() + self.patience
        while True:
            with self._sending:
                if self.credits >= cost or not self.outstanding_requests or monotonic() > until:
                    if self.credits < _ENOUGH_CREDITS and self.session_table:
                        named["credit_request"] = max(named.get("credit_request") or 0, _MORE_CREDITS)
                    return super()._send(messages, *given, **named)
            sleep(0.001)

    def receive(
        self, request: Any, wait: bool = True, timeout: float | None = None, resolve_symlinks: bool = True
    ) -> Any:
        """As smbprotocol, with an end."""
        try:
            return super().receive(request, wait, timeout or self.patience, resolve_symlinks)
        except SMBException:
            if not request.response_event.is_set():
                self.drop()
            raise

    def drop(self) -> None:
        """Close the socket: every answer still waited for fails, and the next call connects anew."""
        with suppress(Exception):
            self.transport.close()

    @property
    def credits(self) -> int:
        """How many the server has granted and nobody has spent."""
        return int(self.sequence_window["high"] - self.sequence_window["low"])

    # ours

    def exchange(self, tree: Any, chains: Iterable[Chain]) -> list[list[Answer]]:
        """The answers to each message of each chain. SMBException when they do not all come."""
        under_way = UnderWay(self, tree)
        under_way.send(deque(chains))
        return under_way.answers()

    def begin(self, tree: Any, chain: Chain, kept: int = 0) -> UnderWay | None:
        """One chain, sent if the server's credits pay for it and leave `kept`; None otherwise."""
        under_way = UnderWay(self, tree)
        return under_way if under_way.send_now(deque([chain]), kept) else None

    def send_chains(self, waiting: deque[Chain], tally: Tally, tree: Any, kept: int = 0) -> list[list[Expected]]:
        """Send those of `waiting`, from the first on, that credits pay for, and take them off."""
        sent: list[list[Expected]] = []
        with self._sending:
            while waiting and self._cost(waiting[0]) + kept <= self.credits:
                size = 0
                while waiting and size < _TOGETHER and self._cost(waiting[0]) + kept <= self.credits:
                    chain = waiting.popleft()
                    sent.append([self._expect(asked, tally, tree) for asked in chain])
                    size = self._add_frame(chain, sent[-1], tree, size)
                self._check_worker_running()
                self.transport.send_frames(memoryview(self._room)[:size])
        return sent

    def _cost(self, chain: Chain) -> int:
        return sum(one.charge for one in chain) if self.supports_multi_credit else len(chain)

    def _expect(self, asked: Asked, tally: Tally, tree: Any) -> Expected:
        """Spend the credits."""
        with self.sequence_lock:
            number = self.sequence_window["low"]
            self.sequence_window["low"] += asked.charge if self.supports_multi_credit else 1
            expected = self.outstanding_requests[number] = Expected(tally, number, tree, self.outstanding_requests)
        tally.sent += 1
        return expected

    def _add_frame(self, chain: Chain, expected: Sequence[Expected], tree: Any, at: int) -> int:
        """Pack a chain into the room for frames; where the next one goes."""
        begins = at = at + _PREFIX
        self._make_room(begins + sum(map(_padded, chain)))
        for asked, one in zip(chain, expected, strict=True):
            at = self._pack(asked, one, tree, at, is_first=one is expected[0], is_last=one is expected[-1])
        if tree.session.encrypt_data or tree.encrypt_data:
            sealed = self._encrypt(bytes(memoryview(self._room)[begins:at]), tree.session).pack()
            at = begins + len(sealed)
            self._make_room(at)
            self._room[begins:at] = sealed
        self._room[begins - _PREFIX : begins] = (at - begins).to_bytes(_PREFIX, "big")
        return at

    def _make_room(self, size: int) -> None:
        if len(self._room) < size:
            self._room.extend(bytes(size + _TOGETHER - len(self._room)))

    def _pack(self, asked: Asked, expected: Expected, tree: Any, at: int, *, is_first: bool, is_last: bool) -> int:
        """One message; where it ends."""
        size = len(asked.body) + len(asked.data) + HEADER.size if is_last else _padded(asked)
        charge, signed = asked.charge if self.supports_multi_credit else 0, is_signed(tree)
        flags = (0 if is_first else RELATED) | (SIGNED if signed else 0) | (DFS if tree.is_dfs_share else 0)
        wanted = max(charge, _MORE_CREDITS if self.credits < _ENOUGH_CREDITS else 1)
        HEADER.pack_into(
            self._room, at, PROTOCOL, HEADER.size, charge, 0, asked.command, wanted, flags, 0 if is_last else size,
            expected.number, 0, tree.tree_connect_id, tree.session.session_id, b"",
        )  # fmt: skip
        body = at + HEADER.size
        data = body + len(asked.body)
        ends = data + len(asked.data)
        self._room[body:data], self._room[data:ends] = asked.body, asked.data
        self._room[ends : at + size] = bytes(at + size - ends)
        if signed:
            with memoryview(self._room)[at : at + size] as message:
                self._signer.sign(message, tree, expected.number, asked.command)
        return at + size

    # what comes

    def _take(self, frame: bytearray) -> bool:
        """Whether the answers in a frame were all of `exchange`: those of a chain are never with others'. Called by the thread that
        reads; what is wrong with an answer ends the connection."""
        if frame[:4] != PROTOCOL or not isinstance(self.outstanding_requests.get(_number(frame, 0)), Expected):
            return False
        at = granted = 0
        while at < len(frame):
            next_one = int.from_bytes(frame[at + 20 : at + 24], "little")
            ends = at + next_one if next_one else len(frame)
            expected = self.outstanding_requests.get(_number(frame, at))
            if not isinstance(expected, Expected) or ends > len(frame) or ends - at < HEADER.size:
                raise SMBException("the server answered what it was not asked")
            granted += self._take_one(memoryview(frame)[at:ends], expected)
            at = ends
        with self.sequence_lock:
            self.sequence_window["high"] += granted
        return True

    def _take_one(self, message: memoryview, expected: Expected) -> int:
        """The credits that came with it."""
        self._signer.verify(message, expected.tree)
        _, _, _, status, _, granted, *_ = HEADER.unpack_from(message)
        expected.take(status, message[HEADER.size :])
        return int(granted) or (0 if self.supports_multi_credit else 1)


def bytes_a_request(connection: Any) -> int:
    """How many bytes are written or read at once."""
    return int(min(_REQUEST, connection.max_write_size, connection.max_read_size))


def _number(frame: bytearray, at: int) -> int:
    return int.from_bytes(frame[at + 24 : at + 32], "little")


def _padded(asked: Asked) -> int:
    return (HEADER.size + len(asked.body) + len(asked.data) + 7) // 8 * 8


class UnderWay:
    """Chains that were sent, or wait to be."""

    def __init__(self, connection: PatientConnection, tree: Any) -> None:
        self._connection, self._tree = connection, tree
        self._tally = Tally()
        self._expected: list[list[Expected]] = []

    def send_now(self, waiting: deque[Chain], kept: int = 0) -> bool:
        """Send what credits pay for; whether that was anything."""
        sent = self._connection.send_chains(waiting, self._tally, self._tree, kept)
        self._expected += sent
        return bool(sent)

    def send(self, waiting: deque[Chain]) -> None:
        """Send all, waiting for answers where that brings the credits."""
        until = monotonic() + self._connection.patience
        while waiting:
            if self.send_now(waiting):
                until = monotonic() + self._connection.patience
            elif self._tally.out:
                self._wait(self._tally.out // 2)
            elif self._connection.outstanding_requests and monotonic() < until:
                sleep(0.001)  # another thread's answers will bring credits
            else:
                self._ask_for_credits()

    def _ask_for_credits(self) -> None:
        before = self._connection.credits
        if before:
            self._connection.echo(sid=self._tree.session.session_id, credit_request=_MORE_CREDITS)
        if self._connection.credits <= before:
            raise SMBException(f"the server lets no more than {before} requests be under way")

    def answers(self) -> list[list[Answer]]:
        """All answers, chain by chain."""
        self._wait(0)
        return [[one.answer for one in chain if one.answer is not None] for chain in self._expected]

    def _wait(self, enough: int) -> None:
        """Until no more than so many are out. Whenever one comes, patience begins anew."""
        tally, heard, until = self._tally, self._tally.arrived, monotonic() + self._connection.patience
        tally.enough = enough
        while True:
            tally.woken.clear()
            if tally.out <= enough:
                return
            if tally.arrived != heard:
                heard, until = tally.arrived, monotonic() + self._connection.patience
            elif monotonic() > until:
                self._connection.drop()
                raise SMBException(f"the server did not answer within {self._connection.patience:.0f} seconds")
            self._connection._check_worker_running()
            tally.woken.wait(min(_LOOKED_AGAIN, max(0.01, until - monotonic())))
