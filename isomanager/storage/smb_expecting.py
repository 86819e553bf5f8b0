"""Answers of an SMB server that are waited for: how many are out, and what came."""

from __future__ import annotations

import threading
from typing import Any

from isomanager.storage.smb_messages import Answer, Bytes

PENDING = 0x103
"""The status of an answer that says only that there will be one."""


class Tally:
    """How many answers are out; wakes its one waiter when few enough are."""

    def __init__(self) -> None:
        self.sent = self.arrived = self.enough = 0
        self.woken = threading.Event()

    @property
    def out(self) -> int:
        """How many have not come."""
        return self.sent - self.arrived

    def arrive(self) -> None:
        """One more has come."""
        self.arrived += 1
        if self.out <= self.enough:
            self.woken.set()


class _Nothing:
    """What smbprotocol's thread looks up in the header of a request."""

    def __getitem__(self, name: str) -> _Nothing:
        return self

    def get_value(self) -> int:
        return 0


class Expected:
    """An answer that is waited for. smbprotocol's thread takes it for a request of its own, when the answer came encrypted, and
    when the connection ends."""

    message = _Nothing()

    def __init__(self, tally: Tally, number: int, tree: Any, outstanding: dict[int, Any]) -> None:
        self.number, self.tree, self.session_id = number, tree, tree.session.session_id
        self.response_event, self.response_event_lock = tally.woken, threading.Lock()
        self.async_id: bytes | None = None
        self.answer: Answer | None = None
        self._tally, self._outstanding = tally, outstanding

    def take(self, status: int, body: Bytes) -> None:
        """The answer, unless it is that there will be one."""
        if status != PENDING and self.answer is None:
            self.answer = Answer(status, body)
            self._outstanding.pop(self.number, None)
            self._tally.arrive()

    @property
    def response(self) -> Answer | None:
        """As smbprotocol's thread looks at it."""
        return self.answer

    @response.setter
    def response(self, header: Any) -> None:
        self.take(header["status"].get_value(), header["data"].get_value())
