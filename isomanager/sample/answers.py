"""What a static web server answers, as pure functions of the request's headers and what stands at the address.

The rules are RFC 9110's: preconditions in the order of section 13.2.2, ranges as in section 14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Resource:
    """What stands at an address. Sample images are small: the whole content is in memory, no file stays open."""

    content: bytes
    content_type: str = "application/octet-stream"
    etag: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; `Content-Length` is added as it is sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def plain(status: int, **headers: str) -> Answer:
    """A short page that says the status; header names are written with underscores."""
    said = f"{status} {HTTPStatus(status).phrase}\n".encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8", **named}, said)


def answer(method: str, headers: Mapping[str, str], resource: Resource, now: datetime) -> Answer:
    """The answer to GET or HEAD; a HEAD's body is left out by whoever sends it. Header names in lower case."""
    told = _describe(resource, now)
    status = _precondition(headers, resource)
    if status is not None:
        return Answer(status, {name: told[name] for name in ("ETag", "Last-Modified") if name in told})
    size = len(resource.content)
    span = _span(headers, resource) if method == "GET" else None
    if span is None:
        return Answer(200, told, resource.content)
    start, end = span
    if start >= size:
        return Answer(416, {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
    return Answer(206, {**told, "Content-Range": f"bytes {start}-{end}/{size}"}, resource.content[start : end + 1])


def _describe(resource: Resource, now: datetime) -> dict[str, str]:
    told = {"Content-Type": resource.content_type}
    if resource.etag:
        told |= {"ETag": resource.etag, "Accept-Ranges": "bytes"}
    # an origin never claims a time that is still to come (RFC 9110, 8.8.2.1)
    if resource.modified_at is not None and resource.modified_at <= now:
        told["Last-Modified"] = format_datetime(resource.modified_at.astimezone(UTC), usegmt=True)
    return told


def _precondition(headers: Mapping[str, str], resource: Resource) -> int | None:
    """412 or 304 when a precondition fails, None when the request may go on."""
    if "if-match" in headers:
        if not _lists(headers["if-match"], resource.etag):
            return 412
    elif _changed_since(headers.get("if-unmodified-since"), resource) is True:
        return 412
    if "if-none-match" in headers:
        return 304 if _lists(headers["if-none-match"], resource.etag) else None
    return 304 if _changed_since(headers.get("if-modified-since"), resource) is False else None


def _lists(tags: str, etag: str) -> bool:
    return bool(etag) and (tags.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in tags.split(",")))


def _changed_since(date: str | None, resource: Resource) -> bool | None:
    """None when there is no such header, no such date, or nothing to compare it with: the header is then ignored."""
    since = _date(date)
    return None if since is None or resource.modified_at is None else _whole_second(resource.modified_at) > since


def _span(headers: Mapping[str, str], resource: Resource) -> tuple[int, int] | None:
    """First and last byte asked for; None to answer with the whole. `first >= size` means unsatisfiable.

    One range only: several in one request are answered with the whole, as RFC 9110, 14.2 allows.
    """
    asked = _RANGE.fullmatch(headers.get("range", "").strip())
    if asked is None or not resource.etag or not _still_the_same(headers.get("if-range"), resource):
        return None
    size, (first, last) = len(resource.content), asked.groups()
    if not first:
        length = int(last or 0)
        return (size, size) if not length else (max(0, size - length), size - 1)
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) if last else size - 1, size - 1)


def _still_the_same(if_range: str | None, resource: Resource) -> bool:
    """If-Range compares strongly: a weak tag never fits, a date only if it is the very one (RFC 9110, 13.1.5)."""
    if if_range is None:
        return True
    if if_range.strip().startswith(('"', "W/")):
        return if_range.strip() == resource.etag
    return resource.modified_at is not None and _date(if_range) == _whole_second(resource.modified_at)


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        read = parsedate_to_datetime(text)
    except ValueError:  # an invalid date makes the header one to ignore (RFC 9110, 13.1.3)
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
