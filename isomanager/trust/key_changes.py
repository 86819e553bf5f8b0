"""What a fetched copy of a certificate brought: in plain words, for whoever refreshes keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from isomanager.trust.certificates import Certificate, Key


def describe_changes(before: Certificate | None, after: Certificate) -> tuple[str, ...]:
    """What `after` has that `before` had not; nothing when both say the same of every key."""
    if before is None:
        return ("it is here now",)
    known = {key.fingerprint: key for key in before.keys}
    return tuple(said for key in after.keys for said in _changes(known.get(key.fingerprint), key, key is after.primary))


def _changes(before: Key | None, after: Key, is_primary: bool) -> Iterator[str]:
    name = "the key" if is_primary else f"its subkey {after.fingerprint}"
    if before is None:
        yield f"{name} is new{', and revoked' if after.revoked else ''}"
        return
    if after.revoked and not before.revoked:
        yield f"{name} has been revoked"
    if after.expires_at != before.expires_at:
        yield f"{name} {_expiry(after.expires_at)} instead of {_moment(before.expires_at)}"
    if before.weakly_bound and not after.weakly_bound:
        yield f"{name} has a sound self-signature now"


def _expiry(moment: datetime | None) -> str:
    return f"expires on {moment:%Y-%m-%d}" if moment else "never expires"


def _moment(moment: datetime | None) -> str:
    return f"on {moment:%Y-%m-%d}" if moment else "never"
