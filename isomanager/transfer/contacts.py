"""The addresses of one file in one run: what each said of it, how much it brought, and why it is asked no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isomanager.errors import FetchRefused, IsoManagerError, ServerBusy, UpstreamChanged
from isomanager.model import SourceUse
from isomanager.storage.contract import Validators
from isomanager.transfer.answers import content_range
from isomanager.transfer.policy import FetchPolicy
from isomanager.transfer.resuming import contradicts, same_file
from isomanager.trust.urls import without_secrets

MOST_FAILURES = 3
"""Broken connections with next to nothing between them, after which an address is given up."""
_CONVINCING = 1 << 20


@dataclass(eq=False)
class Contact:
    """One address. `place` is where its redirects ended, and `most` how many connections it bears."""

    url: str
    policy: FetchPolicy
    place: str = ""
    validators: Validators | None = None
    most: int = 1 << 16
    open: int = 0
    came: int = 0
    connections: int = 0
    failures: int = 0
    seconds: float = 0.0
    dropped: IsoManagerError | None = None
    pieces: dict[tuple[int, int], bytes] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The address without secrets."""
        return without_secrets(self.url)

    @property
    def use(self) -> SourceUse:
        """What it was good for, for the report."""
        return SourceUse(
            url=self.told,
            bytes=self.came,
            seconds=self.seconds,
            connections=self.connections,
            dropped=self.dropped.message if self.dropped else "",
            code=self.dropped.code if self.dropped else "",
        )

    def failed(self, wrong: IsoManagerError) -> None:
        """A connection ended with `wrong`. One that breaks while others bring bytes costs a connection, not the address."""
        self.failures += 1
        lasting = isinstance(wrong, UpstreamChanged) or (isinstance(wrong, FetchRefused) and not self.came)
        if lasting or not self.open or self.failures > MOST_FAILURES:
            self.dropped = wrong
        elif isinstance(wrong, FetchRefused | ServerBusy):
            self.most = self.open  # it bears no more of them

    def delivered(self, offset: int, length: int, digest: bytes = b"") -> None:
        """It brought `length` bytes for `offset`. Their digest is kept where somebody else brings others: who lied can be told."""
        self.came += length
        if length >= _CONVINCING:
            self.failures = 0
        if digest:
            self.pieces[offset, length] = digest


def require_part(
    told: str, status: int, headers: Mapping[str, str], *, at: int, size: int, seen: Validators | None, now: Validators
) -> None:
    """Refuse an answer that is not the part of the same file that begins at `at`.

    `seen` is what this very address said before, `size` what the whole file must have. FetchRefused(code="bad-range") where
    parts are not given at all, UpstreamChanged where it is another file, or another part.
    """
    if status == 200 and at > 0:
        raise FetchRefused(f"{told} gives no parts of the file.", code="bad-range", url=told)
    if status == 416:
        raise UpstreamChanged(f"{told} has a shorter file than the one that is being fetched.", url=told)
    span = content_range(headers.get("content-range", ""))
    if status == 206 and (span is None or span.first != at):
        raise UpstreamChanged(f"{told} answered with another part than the one that was asked for.", url=told)
    if now.size != size:
        raise UpstreamChanged(f"{told} has a file of {now.size} bytes, not of {size}.", url=told, got=now.size)
    if seen is not None and contradicts(seen, now):
        raise UpstreamChanged(f"{told} changed while it was being fetched.", url=told)


def joins(first: Validators, now: Validators, *, proved_later: bool) -> bool:
    """Whether an address may bring parts of the file that another one began.

    Its length must be the same; and a digest decides at the end (`proved_later`), or validators prove that it is the same.
    """
    return now.size is not None and now.size == first.size and (proved_later or same_file(first, now))
