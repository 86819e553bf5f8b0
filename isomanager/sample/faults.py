"""What can go wrong at an upstream, on demand: each fault is a kind, the paths it befalls, and how often.

Faults come in three sorts, by where they act:
the resource (what stands at the address), the answer (status and headers), the delivery (how the body leaves).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from isomanager.sample.forgery import SIGNATURE_SUFFIXES, Forger
from isomanager.sample.signing import clearsigned_payload


class FaultKind(StrEnum):
    """The kinds. In brackets: the sort, and the numbers of `Fault` it reads."""

    NOT_FOUND = "not-found"  # resource
    HTML = "html"  # resource: 200 with a page, as captive portals and some sites' missing pages answer
    FLIP_BIT = "flip-bit"  # resource [at]: one bit of byte `at` is wrong (negative: from the end)
    CHANGE = "change"  # resource: other bytes of the same length, with a new ETag and date
    CORRUPT_DIGESTS = "corrupt-digests"  # resource: every digest in the document is wrong
    WRONG_SIGNATURE = "wrong-signature"  # resource: good, but by a key that nobody pinned
    NO_SIGNATURE = "no-signature"  # resource: a detached signature is missing, a clearsigned document is plain text
    REWRITE = "rewrite"  # resource [find, to]: the text `find` in the document is the text `to`
    REDIRECT = "redirect"  # answer [to]: 302 to the address `to`
    BUSY = "busy"  # answer [status, retry_after]: 503 with Retry-After
    IGNORE_RANGE = "ignore-range"  # answer: 200 and the whole, whatever was asked
    WRONG_RANGE = "wrong-range"  # answer [shift]: 206, but for bytes `shift` further than asked
    WRONG_LENGTH = (
        "wrong-length"  # answer [shift]: Content-Length says `shift` more bytes than come; then the connection ends
    )
    GZIP = "gzip"  # answer: Content-Encoding: gzip, asked or not
    CHUNKED = "chunked"  # delivery: no length, chunked transfer coding
    SLOW = "slow"  # delivery [rate]: bytes a second
    STALL = "stall"  # delivery [at]: after `at` bytes nothing more comes until `release()`
    TRUNCATE = "truncate"  # delivery [at]: after `at` bytes the connection ends


_BODY_ONLY = {FaultKind.SLOW, FaultKind.STALL, FaultKind.TRUNCATE, FaultKind.CHUNKED, FaultKind.WRONG_RANGE}


_COMPLEMENT = bytes(255 - value for value in range(256))  # turns every byte into another
_DIGEST = re.compile(rb"\b[0-9a-f]{32,128}\b")


@dataclass
class Fault:
    """One fault. `pattern` is a shell pattern over the request's path, query left out (`*.iso`, `/orchard/*/SHA256SUMS`).

    The first `skip` matching requests pass untouched, then `times` requests are befallen (None: all from then on).
    Faults of the delivery wait for requests with a body: a HEAD neither suffers nor uses them up.
    """

    kind: FaultKind
    pattern: str = "*"
    times: int | None = None
    skip: int = 0
    at: int = 0
    rate: int = 1 << 20
    shift: int = 1024
    status: int = 503
    retry_after: int = 1
    to: str = ""
    find: str = ""
    befallen: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False, repr=False)
    _reached: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _released: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def release(self) -> None:
        """Let stalled bodies go on."""
        self._released.set()

    def wait_reached(self, seconds: float = 10.0) -> bool:
        """Wait until a request has been befallen (a stall: until its last byte before the pause is sent)."""
        return self._reached.wait(seconds)

    def mark_reached(self) -> None:
        """The server says so."""
        self._reached.set()

    def wait_released(self, seconds: float) -> bool:
        """The server's side of `release`."""
        return self._released.wait(seconds)

    def concerns(self, method: str, path: str) -> bool:
        """Whether this request is one to count."""
        return fnmatchcase(path, self.pattern) and not (method == "HEAD" and self.kind in _BODY_ONLY)

    def befalls(self) -> bool:
        """Count one matching request, and say whether it is befallen."""
        if self._passed < self.skip:
            self._passed += 1
            return False
        if self.times is not None and self.befallen >= self.times:
            return False
        self.befallen += 1
        if self.kind is not FaultKind.STALL:
            self._reached.set()
        return True


class FaultBook:
    """The faults in force. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """All is well again; stalled bodies go on."""
        with self._lock:
            faults, self._faults = self._faults, []
        for fault in faults:
            fault.release()

    def take(self, method: str, path: str) -> Befallen:
        """The faults that befall this request, counted as used."""
        with self._lock:
            return Befallen(one for one in self._faults if one.concerns(method, path) and one.befalls())


class Befallen:
    """The faults that befall one request, by kind."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._by_kind = {fault.kind: fault for fault in faults}

    def __getitem__(self, kind: FaultKind) -> Fault | None:
        return self._by_kind.get(kind)

    def __contains__(self, kind: FaultKind) -> bool:
        return kind in self._by_kind

    def hides(self, path: str) -> bool:
        """Whether nothing stands at the address."""
        return FaultKind.NOT_FOUND in self or (FaultKind.NO_SIGNATURE in self and path.endswith(SIGNATURE_SUFFIXES))

    def rewrite(self, path: str, content: bytes, forge: Forger | None) -> bytes:
        """What stands at the address once the faults of the resource have acted on it."""
        if flip := self[FaultKind.FLIP_BIT]:
            content = flip_bit(content, flip.at)
        if FaultKind.CHANGE in self:
            content = content.translate(_COMPLEMENT)
        if rewrite := self[FaultKind.REWRITE]:
            content = content.replace(rewrite.find.encode(), rewrite.to.encode())
        if FaultKind.CORRUPT_DIGESTS in self:
            content = corrupt_digests(content)
        if FaultKind.WRONG_SIGNATURE in self and forge is not None:
            content = forge(path, content)
        if FaultKind.NO_SIGNATURE in self:
            content = clearsigned_payload(content) or content
        return content


def flip_bit(content: bytes, at: int) -> bytes:
    """The same bytes but for the lowest bit of byte `at` (negative: from the end)."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def corrupt_digests(content: bytes) -> bytes:
    """The document with the first digit of every digest of 32 digits or more replaced by another."""
    return _DIGEST.sub(lambda found: (b"1" if found[0][:1] == b"0" else b"0") + found[0][1:], content)


HTML_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in to the network</h1></body></html>\n"
"""What a captive portal says to everything."""
