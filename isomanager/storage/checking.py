"""Whether a repository can be used: a probe is written, read, renamed and deleted, and what is wrong is said in plain words."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from isomanager.errors import IsoManagerError, StoreError
from isomanager.storage.contract import INTERNAL, Store, Validators

TOLERABLE_SKEW = timedelta(minutes=5)
"""What S3's signatures and Kerberos tolerate at most is 15 and 5 minutes."""
_PROBE = b"isomanager was here\n"


@dataclass(frozen=True)
class Step:
    """One thing that was tried: its name, whether it worked, and what to know about it."""

    name: str
    ok: bool
    told: str
    code: str = ""


@dataclass(frozen=True)
class StoreCheck:
    """What came of trying a store. `free` in bytes, None where the store cannot say."""

    url: str
    steps: tuple[Step, ...]
    free: int | None = None

    @property
    def ok(self) -> bool:
        """Whether everything worked."""
        return all(step.ok for step in self.steps)

    @property
    def wrong(self) -> str:
        """What is wrong, "" when nothing is."""
        return " ".join(step.told for step in self.steps if not step.ok)


def check_store(store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> StoreCheck:
    """Try everything that a repository needs, under `.isomanager/`; nothing of the probe is left. Never raises for what is wrong
    with the store: the first thing that does not work ends the trying, and its step says why."""
    probe = _Probe(store, now)
    steps: list[Step] = []
    try:
        for name, attempt in probe.attempts:
            steps.append(_tried(name, attempt))
            if not steps[-1].ok:
                break
    finally:
        probe.clean()
    return StoreCheck(store.url, tuple(steps), probe.free)


def check_place(
    told: str, opening: Callable[[], Store], now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> StoreCheck:
    """`check_store` of the store that `opening` opens; `told` is what to call a place that cannot even be opened."""
    try:
        store = opening()
    except IsoManagerError as wrong:
        return StoreCheck(told, (Step("open", False, str(wrong), wrong.code),))
    return check_store(store, now)


def _tried(name: str, attempt: Callable[[], str]) -> Step:
    try:
        return Step(name, True, attempt())
    except IsoManagerError as wrong:
        return Step(name, False, str(wrong), wrong.code)


class _Probe:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._name = f"{INTERNAL}/probe-{secrets.token_hex(6)}"
        self._renamed = f"{self._name}-renamed"
        self.free: int | None = None
        self.attempts: tuple[tuple[str, Callable[[], str]], ...] = (
            ("reach", self._reach),
            ("write", self._write),
            ("read", self._read),
            ("create only", self._create_only),
            ("clock", self._clock),
            ("unfinished file", self._unfinished),
            ("rename", self._rename),
            ("delete", self._delete),
        )

    def _reach(self) -> str:
        self._store.stat(self._name)
        next(iter(self._store.list(f"{INTERNAL}/receipts")), None)
        self.free = self._store.space().free
        return "the place is there and can be listed"

    def _write(self) -> str:
        self._store.put_small(self._name, _PROBE)
        return "a file can be written"

    def _read(self) -> str:
        found = self._store.read(self._name, 0, len(_PROBE) + 1)
        if found != _PROBE:
            raise StoreError("What was written is not what is read.", code="changed", hint="Do not use this place.")
        return "and reads as it was written"

    def _create_only(self) -> str:
        try:
            self._store.put_small(self._name, _PROBE[::-1])
        except StoreError as taken:
            if taken.code == "name-taken":
                return "a name that is taken stays what it is"
            raise
        raise StoreError(
            "The server replaces a file though it was asked to create one only.",
            code="changed",
            hint="It does not know conditional writes: two writers could destroy each other's images there.",
        )

    def _clock(self) -> str:
        entry = self._store.stat(self._name)
        skew = abs(self._now() - entry.modified_at) if entry else timedelta()
        if skew > TOLERABLE_SKEW:
            minutes = round(skew.total_seconds() / 60)
            raise StoreError(
                f"This machine's clock and the store's differ by {minutes} minutes.",
                code="clock",
                hint="Set both by a time server.",
            )
        return "the clocks agree"

    def _unfinished(self) -> str:
        key = self._name.rpartition("/")[2]
        partial = self._store.begin(f"{key}.iso", 1, Validators(), key=key)
        try:
            partial.write(0, b"x")
            partial.checkpoint()
            self._store.partial(key)
        finally:
            partial.discard()
        return "an unfinished image can be kept and dropped"

    def _rename(self) -> str:
        self._store.move(self._name, self._renamed)
        return "a file can be renamed"

    def _delete(self) -> str:
        self._store.delete(self._renamed)
        if self._store.stat(self._renamed) is not None:
            raise StoreError("A file that was removed is still there.", hint="Look at the rights of this account.")
        return "and removed"

    def clean(self) -> None:
        """Remove what is left of the probe, as far as it can be."""
        for name in (self._name, self._renamed):
            with suppress(IsoManagerError):
                self._store.delete(name)
