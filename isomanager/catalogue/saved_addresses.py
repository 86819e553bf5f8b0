"""Which saved document stands for an address, and what a saved head of an answer says. Pure.

Addresses of one conversation differ each time: session ids, times, numbers a script gave. They do not count, so that saved
answers of one session stand for those of any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

MAX_HEAD_BYTES = 64 << 10
"""No head of an answer is longer."""

_OF_ONE_SESSION = frozenset({"session_id", "sessionid", "mdt", "w", "rticks"})
_STATUS = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})\b.*")


def place_of(url: str) -> str:
    """An address without what servers do not tell apart: https from http, the host's case and default port, escapes, a closing
    slash, `index.html`, the order of a listing.
    """
    parts = urlsplit(url)
    query = "" if parts.query.upper().startswith(("C=", "O=", "F=")) else parts.query
    return f"{_path(url)}{'?' if query else ''}{query}"


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path).rstrip("/")
    path = path.removesuffix("/index.html").removesuffix("/index.htm")
    return f"{parts.netloc.lower().removesuffix(':443').removesuffix(':80')}{path}"


def stands_for(url: str, saved: Iterable[str]) -> str | None:
    """The saved address that stands for `url`: itself or the same place, else one of the same path whose query says nothing else.

    A saved address without a query stands for every query of its path; of several, the one that says most. Names in a query are
    compared whatever their case.
    """
    known = tuple(saved)
    if url in known:
        return url
    place, path, asked = place_of(url), _path(url), _query(url)
    same = next((one for one in known if place_of(one) == place), None)
    if same is not None:
        return same
    fitting = [one for one in known if _path(one).lower() == path.lower() and _query(one) <= asked]
    return max(fitting, key=lambda one: len(_query(one)), default=None)


def _query(url: str) -> frozenset[tuple[str, str]]:
    try:
        said = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=100)
    except ValueError:  # a query without end
        return frozenset({(url, "")})
    return frozenset((name.lower(), value) for name, value in said if name.lower() not in _OF_ONE_SESSION)


def without_session(url: str) -> str:
    """The address as it would be tomorrow too; one that belongs to no session is as it is."""
    place, query, rest = url.partition("?")
    kept = [one for one in rest.split("&") if one.partition("=")[0].lower() not in _OF_ONE_SESSION]
    return f"{place}{query if kept and rest else ''}{'&'.join(kept)}" if len(kept) < len(rest.split("&")) else url


def head_says(url: str, head: bytes) -> dict[str, Any] | None:
    """What the saved head of an answer (`curl -I`, or `curl -IL` with every redirect) says of the file that `url` leads to.

    `final_url`, `size` in bytes, `etag`, `last_modified`, `content_type`; None when it is no head.
    """
    text = head.decode("utf-8", "replace").replace("\r\n", "\n").lstrip("\ufeff \n")
    if not text.startswith("HTTP/"):
        return None
    place, fields = url, dict[str, str]()
    for line in text.split("\n"):
        if _STATUS.fullmatch(line.strip()):
            fields = {}
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
        if colon and name.strip().lower() == "location":
            place = urljoin(place, value.strip())
    length = fields.get("content-length", "")
    is_file = "location" not in fields and length.isdecimal()
    return {
        "final_url": place,
        "size": int(length) if is_file else None,
        "etag": fields.get("etag", ""),
        "last_modified": fields.get("last-modified", ""),
        "content_type": fields.get("content-type", ""),
    }
