"""What a repository publishes for other programs besides its own three files, in their forms. Pure: copies in, documents out.

pulp            `PULP_MANIFEST`: a line a file of path, SHA-256 and size, as pulp_file syncs it
simplestreams   `streams/v1/index.json` and the products it names, as simplestreams' and cloud tools' readers know them
atom            `feed.xml`: what was published lately, newest first (RFC 4287)
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
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
PUBLISHED_PATHS = frozenset({_INDEX, _PRODUCTS, _MANIFEST, _FEED})
"""Every path that these forms have."""


def build_publications(
    copies: Sequence[Copy], formats: Iterable[Publication], repository: RepositoryRecord
) -> dict[str, bytes]:
    """The documents of these formats by their paths; the same copies always give the same bytes."""
    documents: dict[str, bytes] = {}
    for name in formats:
        documents |= _BUILDERS[name](copies, repository)
    return documents


def _pulp(copies: Sequence[Copy], _repository: RepositoryRecord) -> dict[str, bytes]:
    """A path with a comma cannot be said in this form, and is left out."""
    lines = (f"{one.path},{one.sha256},{one.size}\n" for one in copies if "," not in one.path)
    return {_MANIFEST: "".join(lines).encode()}


def _simplestreams(copies: Sequence[Copy], _repository: RepositoryRecord) -> dict[str, bytes]:
    products: dict[str, dict[str, Any]] = {}
    for copy in copies:
        product = products.setdefault(_product_name(copy), _product(copy))
        # versions sort as text in this form, and a day may have several
        version = f"{copy.created_at.astimezone(UTC):%Y%m%d%H%M%S}"
        items = product["versions"].setdefault(version, {"label": "release", "items": {}})["items"]
        items["iso" if not items else f"iso-{len(items) + 1}"] = {
            "ftype": "iso", "path": copy.path, "sha256": copy.sha256, "size": copy.size, "version": copy.title.version.text,
            "edition": copy.title.edition, "assurance": copy.assurance.value,
        }  # fmt: skip
    told = {"content_id": _CONTENT, "datatype": "image-downloads", "updated": format_datetime(_newest(copies))}
    index = {**told, "format": "products:1.0", "path": _PRODUCTS, "products": sorted(products)}
    del index["content_id"]
    return {
        _INDEX: _json({"format": "index:1.0", "updated": told["updated"], "index": {_CONTENT: index}}),
        _PRODUCTS: _json({"format": "products:1.0", **told, "products": products}),
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


def _newest(copies: Iterable[Copy]) -> datetime:
    return max((one.created_at for one in copies), default=datetime.fromtimestamp(0, UTC)).astimezone(UTC)


def _atom(copies: Sequence[Copy], repository: RepositoryRecord) -> dict[str, bytes]:
    feed = ElementTree.Element("feed", xmlns=_ATOM)
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{repository.name} {repository.created_at.astimezone(UTC).isoformat()}")
    _add(feed, "id", identity.urn)
    _add(feed, "title", f"ISO images published in {repository.name}")
    _add(feed, "updated", _newest(copies).isoformat())
    _add(_add(feed, "author", ""), "name", "isomanager")
    _add(feed, "link", "", rel="self", href=_FEED)
    newest = sorted(copies, key=lambda one: (one.created_at, one.path), reverse=True)
    for copy in newest[:_FEED_ENTRIES]:
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


_BUILDERS: Mapping[Publication, Callable[[Sequence[Copy], RepositoryRecord], dict[str, bytes]]] = {
    "pulp": _pulp,
    "simplestreams": _simplestreams,
    "atom": _atom,
}
