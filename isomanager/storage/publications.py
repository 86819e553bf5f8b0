"""What a repository publishes for other programs besides its own three files, in their forms. Pure: copies in, documents out.

pulp            `PULP_MANIFEST`: a line a file of path, SHA-256 and size, as pulp_file syncs it
simplestreams   `streams/v1/index.json` and the products it names, as simplestreams' and cloud tools' readers know them
atom            `feed.xml`: what was published lately, newest first (RFC 4287)
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import quote
from xml.etree import ElementTree

from isomanager.model import Copy, Publication, RepositoryRecord

_FEED_ENTRIES = 100
_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "isomanager:isos"
_INDEX = "streams/v1/index.json"
_PRODUCTS = "streams/v1/isos.json"
_MANIFEST = "PULP_MANIFEST"
_FEED = "feed.xml"
_LONG_AGO = datetime.fromtimestamp(0, UTC)
PUBLISHED_PATHS = frozenset({_INDEX, _PRODUCTS, _MANIFEST, _FEED})
"""Every path that these forms have."""


class Publications:
    """The documents of some formats, from copies that are looked at once, one after the other."""

    def __init__(self, formats: Iterable[Publication], repository: RepositoryRecord) -> None:
        self._forms = [_FORMS[name](repository) for name in dict.fromkeys(formats)]

    def add(self, copy: Copy) -> None:
        """One copy more; they come by path."""
        for form in self._forms:
            form.add(copy)

    def documents(self) -> dict[str, bytes]:
        """The documents by their paths; the same copies always give the same bytes."""
        return {path: data for form in self._forms for path, data in form.documents().items()}


class _Form(Protocol):
    """One format."""

    def __init__(self, repository: RepositoryRecord) -> None: ...
    def add(self, copy: Copy) -> None: ...
    def documents(self) -> dict[str, bytes]: ...


class _Pulp:
    def __init__(self, _repository: RepositoryRecord) -> None:
        self._lines: list[str] = []

    def add(self, copy: Copy) -> None:
        """A path with a comma cannot be said in this form, and is left out."""
        if "," not in copy.path:
            self._lines.append(f"{copy.path},{copy.sha256},{copy.size}\n")

    def documents(self) -> dict[str, bytes]:
        return {_MANIFEST: "".join(self._lines).encode()}


class _Simplestreams:
    def __init__(self, _repository: RepositoryRecord) -> None:
        self._products: dict[str, dict[str, Any]] = {}
        self._newest = _LONG_AGO

    def add(self, copy: Copy) -> None:
        self._newest = max(self._newest, copy.created_at)
        product = self._products.setdefault(_product_name(copy), _product(copy))
        # versions sort as text in this form, and a day may have several
        version = f"{copy.created_at.astimezone(UTC):%Y%m%d%H%M%S}"
        items = product["versions"].setdefault(version, {"label": "release", "items": {}})["items"]
        items["iso" if not items else f"iso-{len(items) + 1}"] = {
            "ftype": "iso", "path": copy.path, "sha256": copy.sha256, "size": copy.size, "version": copy.title.version.text,
            "edition": copy.title.edition, "assurance": copy.assurance.value,
        }  # fmt: skip

    def documents(self) -> dict[str, bytes]:
        updated = format_datetime(self._newest.astimezone(UTC))
        told = {"datatype": "image-downloads", "updated": updated}
        index = {**told, "format": "products:1.0", "path": _PRODUCTS, "products": sorted(self._products)}
        return {
            _INDEX: _json({"format": "index:1.0", "updated": updated, "index": {_CONTENT: index}}),
            _PRODUCTS: _json({"format": "products:1.0", "content_id": _CONTENT, **told, "products": self._products}),
        }


def _product_name(copy: Copy) -> str:
    title = copy.title
    parts = (title.product, title.flavor, title.version.text, title.architecture, title.language, title.edition)
    return ":".join(["isomanager", *(part for part in parts if part)])


def _product(copy: Copy) -> dict[str, Any]:
    title = copy.title
    return {
        "os": title.product, "flavor": title.flavor, "arch": title.architecture, "release": title.version.text,
        "version": title.version.text, "language": title.language, "release_title": str(title), "versions": {},
    }  # fmt: skip


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


class _Atom:
    def __init__(self, repository: RepositoryRecord) -> None:
        self._repository = repository
        self._latest: list[Copy] = []

    def add(self, copy: Copy) -> None:
        self._latest.append(copy)
        if len(self._latest) > 2 * _FEED_ENTRIES:
            self._latest = self._newest_first()

    def _newest_first(self) -> list[Copy]:
        return sorted(self._latest, key=lambda one: (one.created_at, one.path), reverse=True)[:_FEED_ENTRIES]

    def documents(self) -> dict[str, bytes]:
        repository, copies = self._repository, self._newest_first()
        feed = ElementTree.Element("feed", xmlns=_ATOM)
        identity = uuid.uuid5(
            uuid.NAMESPACE_URL, f"{repository.name} {repository.created_at.astimezone(UTC).isoformat()}"
        )
        newest = copies[0].created_at if copies else _LONG_AGO
        _add(feed, "id", identity.urn)
        _add(feed, "title", f"ISO images published in {repository.name}")
        _add(feed, "updated", newest.astimezone(UTC).isoformat())
        _add(_add(feed, "author", ""), "name", "isomanager")
        _add(feed, "link", "", rel="self", href=_FEED)
        for copy in copies:
            _entry(feed, copy)
        ElementTree.indent(feed)
        return {_FEED: ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True) + b"\n"}


def _entry(feed: ElementTree.Element, copy: Copy) -> None:
    entry, place = _add(feed, "entry", ""), quote(copy.path)
    # a file stays the same under its path for good: path and digest name it
    _add(entry, "id", uuid.uuid5(uuid.NAMESPACE_URL, f"{copy.repository}/{copy.path}#{copy.sha256}").urn)
    _add(entry, "title", str(copy.title))
    _add(entry, "updated", copy.created_at.astimezone(UTC).isoformat())
    _add(entry, "link", "", rel="alternate", href=place)
    _add(
        entry, "link", "", rel="enclosure", href=place, length=str(copy.size), type="application/x-iso9660-image",
    )  # fmt: skip
    _add(entry, "summary", f"{copy.size} bytes, SHA-256 {copy.sha256}, assurance {copy.assurance.value}")


def _add(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, name, attributes)
    made.text = text or None
    return made


_FORMS: Mapping[Publication, Callable[[RepositoryRecord], _Form]] = {
    "pulp": _Pulp,
    "simplestreams": _Simplestreams,
    "atom": _Atom,
}
