"""What the head of an answer says, and whether its body is what was asked for. Pure: decided before a byte of it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from isomanager.errors import FetchRefused, UpstreamChanged
from isomanager.storage.contract import PartialRef, Validators
from isomanager.transfer.resuming import same_file

_NUMBER = "[0-9]{1,19}"  # hostile text: what needs more digits is no number of bytes
_CONTENT_RANGE = re.compile(rf"bytes +({_NUMBER})-({_NUMBER})/({_NUMBER}|\*)")
_ENCODINGS_OF_THE_FILE = {".gz": ("gzip", "x-gzip"), ".bz2": ("bzip2", "x-bzip2"), ".xz": ("xz", "x-xz")}
"""Servers that are told nothing else announce a packed file's own packing as if they had packed it for the journey."""


@dataclass(frozen=True)
class ContentRange:
    """`Content-Range: bytes first-last/total`; all in bytes, `total` None for `*`."""

    first: int
    last: int
    total: int | None


def content_range(text: str) -> ContentRange | None:
    """Read a Content-Range header; None when it is missing or contradicts itself (RFC 9110, section 14.4)."""
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    return None if last < first or (total is not None and last >= total) else ContentRange(first, last, total)


def whole_size(status: int, headers: Mapping[str, str]) -> int | None:
    """The whole file's size in bytes, of whichever part this answer is; None when it does not say."""
    span = content_range(headers.get("content-range", ""))
    if status == 206:
        return span.total if span else None
    length = headers.get("content-length", "").strip()
    return int(length) if status == 200 and re.fullmatch(_NUMBER, length) else None


def agreed_start(
    told: str,
    status: int,
    headers: Mapping[str, str],
    known: PartialRef | None,
    validators: Validators,
    *,
    proved_later: bool = False,
) -> int:
    """Where the body begins: 0 for a whole answer, the front of `known` for a part that provably continues it.

    Where a digest decides at the end (`proved_later`), the same size is enough: another address may have the same file.
    UpstreamChanged when `known` cannot be continued, and the file must be fetched from its start; FetchRefused when even the
    start is refused, or something else was sent in its place.
    """
    if status == 200:
        return 0
    if known is None:
        what = "refuses to send the file from its start" if status == 416 else "sends a part that was not asked for"
        raise FetchRefused(f"{told} {what} ({status}).", code="bad-range", url=told)
    if status == 416:
        # the front is at or past the end of what upstream has now
        raise UpstreamChanged(f"{told} is no longer as long as the part already fetched.", url=told)
    span = content_range(headers.get("content-range", ""))
    if span is None or span.first != known.front:
        raise UpstreamChanged(f"{told} answered with another part than the one that was asked for.", url=told)
    sized = proved_later and None is not validators.size == known.validators.size
    if not sized and not same_file(known.validators, validators):
        raise UpstreamChanged(f"{told} changed since its first part was fetched.", url=told)
    return known.front


def refuse_nonsense(
    told: str, headers: Mapping[str, str], size: int | None, *, expected_size: int | None, max_bytes: int
) -> None:
    """FetchRefused when the head already shows that this is not the file: packed, a web page, of the wrong size."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", *_ENCODINGS_OF_THE_FILE.get(PurePosixPath(urlsplit(told).path).suffix, ())):
        raise FetchRefused(
            f"{told} comes {encoding}-encoded though plain bytes were asked for.", code="content-encoding", url=told
        )
    if headers.get("content-type", "").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        raise html_instead(told)
    if expected_size is not None and size not in (None, expected_size):
        raise FetchRefused(
            f"{told} is {size} bytes long; the evidence says {expected_size}.",
            code="wrong-size",
            url=told,
            expected=expected_size,
            got=size,
        )
    if size == 0:
        raise empty(told)
    if (size or 0) > max_bytes:
        raise FetchRefused(f"{told} is larger than {max_bytes} bytes.", code="too-large", url=told)


def looks_like_html(beginning: bytes | bytearray) -> bool:
    """Whether the first bytes are those of a web page."""
    start = bytes(beginning[:512]).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml"))


def html_instead(told: str) -> FetchRefused:
    """The error of an address that gives a web page."""
    return FetchRefused(
        f"{told} sends a web page instead of an image.",
        code="html-instead",
        hint="A login page, a captive portal or a moved file: open the address in a browser to see which.",
        url=told,
    )


def empty(told: str) -> FetchRefused:
    """The error of an address that gives nothing at all."""
    return FetchRefused(f"{told} sends an empty file.", code="empty", url=told)
