"""Links that hold for a day: what is known of them, and when Microsoft may be asked for another.

Microsoft refuses whoever asks too often, for days. So a link is kept until it expires, one is asked for at most once a day for an
edition and language, whichever process of the library needs it, and a refusal ends all asking until its time has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import AwareDatetime

from isomanager.errors import IsoManagerError, ResolveError
from isomanager.model import Value

DAY = timedelta(hours=24)
MOST_FAILED_REQUESTS = 3
"""So many link requests that gave no link are made in a day for one edition and language, then none."""
_MARGIN = timedelta(minutes=2)
"""A link that ends within this time is not begun with."""


class LinkedFile(Value):
    """A file and its signed address, which is a secret of this machine: kept here, told to nobody."""

    architecture: str
    filename: str
    url: str
    size: int | None = None
    last_modified: str = ""
    sha256: str = ""


class KnownLinks(Value):
    """What one link request gave: Microsoft's id and names of the language, and the files. `expires` None: nobody said."""

    sku: str
    language: str
    product: str
    files: tuple[LinkedFile, ...]
    asked_at: AwareDatetime
    told_expiry: str = ""
    expires: AwareDatetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether a download may begin with these addresses."""
        return now + _MARGIN < (self.expires or self.asked_at + DAY)


class Asking(Value):
    """What is remembered of one edition and language: the last links, and when requests were made that gave none."""

    links: KnownLinks | None = None
    failed: tuple[AwareDatetime, ...] = ()


class RefusedUntil(Value):
    """Microsoft refused this address: when, for how long nobody asks, in which words, the how-manieth time."""

    at: AwareDatetime
    until: AwareDatetime
    told: dict[str, Any]
    message: str
    times: int = 1


class LinkKeeper(Protocol):
    """Keeps the above for a library, safe with several processes."""

    def now(self) -> datetime:
        """The time."""
        ...

    def turn(self, key: str) -> AbstractContextManager[None]:
        """A context in which nobody else asks for the links of `key`."""
        ...

    def recall(self, key: str) -> Asking:
        """What is remembered of an edition and language."""
        ...

    def remember(self, key: str, asking: Asking) -> None:
        """Remember it."""
        ...

    def refusal(self) -> RefusedUntil | None:
        """The last refusal of this address, over or not."""
        ...

    def note_refusal(self, refusal: RefusedUntil) -> None:
        """Remember that this address was refused."""
        ...


class LinksInMemory:
    """A keeper for one process that asks nobody twice: for saved documents, and for tests."""

    def __init__(self) -> None:
        self._asked: dict[str, Asking] = {}
        self._refusal: RefusedUntil | None = None

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:  # noqa: ARG002 - nobody else is here
        """Nobody else is here."""
        yield

    def recall(self, key: str) -> Asking:
        """What is remembered of an edition and language."""
        return self._asked.get(key, Asking())

    def remember(self, key: str, asking: Asking) -> None:
        """Remember it."""
        self._asked[key] = asking

    def refusal(self) -> RefusedUntil | None:
        """The last refusal."""
        return self._refusal

    def note_refusal(self, refusal: RefusedUntil) -> None:
        """Remember that this address was refused."""
        self._refusal = refusal


def may_not_ask(asking: Asking, refusal: RefusedUntil | None, now: datetime) -> IsoManagerError | None:
    """Why no link may be asked for now, or None when one may. Pure."""
    if refusal is not None and now < refusal.until:
        return ResolveError(
            f"{refusal.message} That was on {refusal.at:%Y-%m-%d at %H:%M} UTC; nobody asks again before "
            f"{refusal.until:%Y-%m-%d %H:%M} UTC.",
            code="blocked",
            **{**refusal.told, "retry": False, "until": refusal.until.isoformat()},
        )
    if asking.links is not None and now < asking.links.asked_at + DAY:
        return _asked_today(asking.links.asked_at, asking.links.asked_at + DAY, "was given and no longer holds")
    recent = [one for one in asking.failed if now < one + DAY]
    if len(recent) >= MOST_FAILED_REQUESTS:
        return _asked_today(recent[-1], recent[0] + DAY, "was refused or not given")
    return None


def _asked_today(at: datetime, until: datetime, what: str) -> ResolveError:
    return ResolveError(
        f"A link was asked for on {at:%Y-%m-%d at %H:%M} UTC and {what}; Microsoft is asked at most once a day for an edition and "
        f"language, next after {until:%Y-%m-%d %H:%M} UTC.",
        code="asked-today",
        until=until.isoformat(),
        retry=False,
    )


def after_refusal(before: RefusedUntil | None, wrong: IsoManagerError, now: datetime) -> RefusedUntil:
    """How long nobody asks: a day, and two when the last refusal is hardly over."""
    again = before is not None and now < before.until + 2 * DAY
    times = before.times + 1 if before is not None and again else 1
    kept = ("type", "message_code", "status")
    told = {name: wrong.data[name] for name in kept if wrong.data.get(name) is not None}
    return RefusedUntil(at=now, until=now + min(times, 2) * DAY, told=told, message=wrong.message, times=times)


def with_failure(asking: Asking, now: datetime) -> Asking:
    """With one more request that gave no link; those of yesterday are forgotten."""
    return asking.model_copy(update={"failed": (*(one for one in asking.failed if now < one + DAY), now)})
