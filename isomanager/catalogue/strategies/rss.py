"""Feeds of files, as SourceForge serves one for each project folder: RSS 2.0 with Media RSS.

An item is a file: its title (or `media:title`) is the path below the project, `media:content` has the size in bytes, and
`media:hash` an MD5. See https://www.rssboard.org/rss-specification and https://www.rssboard.org/media-rss.

Read with expat, and a document type or an entity of the document's own ends the reading: neither belongs in a feed, and both are
ways to make a small document huge or to have it fetch others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from isomanager.catalogue.strategies.candidate import Candidate, clean_name
from isomanager.catalogue.strategies.listing import no_listing
from isomanager.catalogue.xml_reading import read_xml
from isomanager.errors import FetchRefused
from isomanager.model import ALGORITHMS, Digests

_MEDIA = "http://search.yahoo.com/mrss/"
_OLD_MEDIA = "http://video.search.yahoo.com/mrss/"
_MOST_ITEMS = 20_000
_DEEPEST = 32


class _Feed:
    """Gathers what each item says, under its elements' plain names (`media:hash` is `hash`)."""

    def __init__(self) -> None:
        self.items: list[dict[str, str]] = []
        self.is_feed = False
        self._item: dict[str, str] | None = None
        self._path: list[str] = []
        self._algorithm = "md5"

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, plain = name.rpartition(" ")
        known = not space or space in (_MEDIA, _OLD_MEDIA)
        self._path.append(plain if known else "")
        if len(self._path) > _DEEPEST or len(self.items) > _MOST_ITEMS:
            raise ValueError("it is too deep, or too long")
        self.is_feed = self.is_feed or plain in ("rss", "channel", "item")
        if plain == "item" and not space:
            self._item = {}
        if plain == "content" and known and self._item is not None:
            self._item.setdefault("size", attributes.get("filesize", ""))
        if plain == "hash" and known:
            self._algorithm = attributes.get("algo", "md5").lower().replace("-", "")

    def text(self, text: str) -> None:
        if self._item is None or not self._path:
            return
        where = self._path[-1] if self._path[-1] != "hash" else self._algorithm
        # an empty media:title stands inside media:content and must not add to the item's own
        place = f"media {where}" if "content" in self._path and where == "title" else where
        self._item[place] = self._item.get(place, "") + text

    def end(self, name: str) -> None:
        self._path.pop()
        if name == "item" and self._item is not None:
            self.items.append({key: value.strip() for key, value in self._item.items()})
            self._item = None


def candidates(content: bytes, url: str) -> tuple[Candidate, ...]:
    """The files of the feed at `url`; `entry` is a file's path in the project, `published` its time (ISO 8601, UTC).

    Raises FetchRefused: code="html-instead" for a web page, "bad-data" for what is no feed or declares a document type.
    """
    if content.lstrip()[:64].lower().startswith((b"<!doctype html", b"<html")):
        raise no_listing(url)
    feed = _read(content, url)
    found = (_candidate(item) for item in feed.items)
    return tuple(one for one in found if one is not None)


def _read(content: bytes, url: str) -> _Feed:
    feed = _Feed()
    try:
        read_xml(content, feed)
    except ValueError as error:
        raise _bad(url, str(error)) from error
    if not feed.is_feed:
        raise _bad(url, "it has no items")
    return feed


def _bad(url: str, why: str) -> FetchRefused:
    return FetchRefused(
        f"{url} is not a feed that can be read: {why}.",
        code="bad-data",
        hint="Upstream's answer is broken, or its form has changed.",
        url=url,
    )


def _candidate(item: dict[str, str]) -> Candidate | None:
    path = item.get("title") or item.get("media title", "")
    name = clean_name(path)
    if name is None or path.endswith("/"):
        return None
    size = item.get("size", "")
    return Candidate(
        name=name,
        url=item.get("link", ""),
        groups={"entry": path, "published": _moment(item.get("pubDate", ""))},
        size=int(size) if size.isdecimal() else None,
        digests=_digests(item),
    )


def _digests(item: dict[str, str]) -> Digests:
    return {name: item[name].lower() for name in ALGORITHMS if item.get(name)}


def _moment(text: str) -> str:
    """`Fri, 29 Mar 2013 18:38:25 +0000` (or `UT`) as 2013-03-29T18:38:25Z; "" for what is no time."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return ""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if aware > datetime(1970, 1, 2, tzinfo=UTC) else ""
