"""When an unfinished file may be continued: only if the file upstream is provably the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from isomanager.model import Digests
from isomanager.storage.contract import PartialRef, Store, Validators

_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"')
"""An entity tag as RFC 9110, section 8.8.3 writes it, but for bytes beyond ASCII, which no header can safely send back."""


def partial_named(store: Store, key: str) -> PartialRef | None:
    """The unfinished file named `key`, if it is there."""
    return store.partial(key)


def http_date(text: str) -> datetime | None:
    """The moment that a header names, in UTC; None when it names none."""
    try:
        read = parsedate_to_datetime(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def validators_of(headers: Mapping[str, str], size: int | None, expected: Digests) -> Validators:
    """What an answer says of the file it comes from, and what it was begun for.

    A Last-Modified date that is not at least a second older than the answer proves nothing: the file may change again within
    that second (RFC 9110, section 8.8.2.2).
    """
    modified = headers.get("last-modified", "")
    changed, answered = http_date(modified), http_date(headers.get("date", ""))
    fresh = changed is not None and answered is not None and answered - changed < timedelta(seconds=1)
    return Validators(
        etag=headers.get("etag", ""),
        last_modified="" if changed is None or fresh else modified,
        size=size,
        digests=tuple(sorted(expected.items())),
    )


def resume_headers(ref: PartialRef) -> dict[str, str]:
    """Range and If-Range for the rest of `ref`; empty when nothing guards the resume.

    A weak or malformed ETag guards nothing (RFC 9110, section 13.1.5); a Last-Modified date does if the size is known too.
    """
    before = ref.validators
    if _STRONG_TAG.fullmatch(before.etag):
        return {"Range": f"bytes={ref.front}-", "If-Range": before.etag}
    if http_date(before.last_modified) and before.last_modified.isascii() and before.size is not None:
        return {"Range": f"bytes={ref.front}-", "If-Range": before.last_modified}
    return {}


def range_headers(known: PartialRef | None, *, guarded: bool) -> dict[str, str]:
    """What asks for the rest of `known`; without `guarded`, also where this address may have other validators for it."""
    if known is None:
        return {}
    return (resume_headers(known) if guarded else {}) or {"Range": f"bytes={known.front}-"}


def contradicts(before: Validators, now: Validators) -> bool:
    """Whether two answers say different things of what both speak of."""
    pairs = [(before.etag, now.etag), (before.last_modified, now.last_modified), (before.size, now.size)]
    return any(one != other for one, other in pairs if one not in ("", None) and other not in ("", None))


def same_file(before: Validators, now: Validators) -> bool:
    """Whether two answers speak of the same bytes: nothing that both say differs, and a strong validator is among it."""
    if contradicts(before, now):
        return False
    strong = bool(_STRONG_TAG.fullmatch(before.etag)) and before.etag == now.etag
    dated = bool(before.last_modified) and before.last_modified == now.last_modified and before.size == now.size
    return strong or (dated and before.size is not None)
