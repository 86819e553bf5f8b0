"""XML. A document type ends the reading, because its entities make small documents huge and fetch others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from isomanager.catalogue.xml_reading import read_xml as read_document
from isomanager.inventory.exchange.items import MAX_ITEMS, Listing, bad_inventory, read_items
from isomanager.inventory.exchange.json_form import item_of
from isomanager.model import Copy

_PLAIN = (
    "name", "type", "flavor", "version", "architecture", "language", "edition", "repository", "path", "size", "added_at",
    "source",
)  # fmt: skip
_DEEPEST = 8
_LONGEST = 64 << 10
"""Letters between two marks: far more than any text may have."""


def write_xml(copies: Iterable[Copy], *, now: datetime, digests: bool = True) -> Iterator[str]:
    """Pieces of a document `<inventory><iso><name>…</name>…</iso></inventory>`."""
    generated = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<inventory version="1.0" generated="{generated}">\n'
    for copy in copies:
        yield _element(copy, digests)
    yield "</inventory>\n"


def _element(copy: Copy, digests: bool) -> str:
    item = item_of(copy)
    told = item.model_dump(mode="json")
    lines = [f"<{name}>{_text(told[name])}</{name}>" for name in _PLAIN if told[name] not in (None, "")]
    if digests:
        lines += [f"<digest algorithm={quoteattr(name)}>{value}</digest>" for name, value in item.digests.items()]
    lines += [f"<metadata name={quoteattr(name)}>{_text(value)}</metadata>" for name, value in item.metadata.items()]
    return "  <iso>\n" + "".join(f"    {line}\n" for line in lines) + "  </iso>\n"


def _text(value: Any) -> str:
    """Escaped, and without what XML 1.0 cannot hold at all."""
    return escape("".join(one if one >= " " and one not in "\ufffe\uffff" else "\ufffd" for one in str(value)))


class _Reading:
    """Gathers the items as they are read."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._path: list[str] = []
        self._row: dict[str, Any] | None = None
        self._key = ""
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.lower())
        if len(self._path) > _DEEPEST or len(self.rows) > MAX_ITEMS:
            raise ValueError("it is too deep, or too long")
        if self._path[0] != "inventory":
            raise ValueError(f"its root is <{name[:40]}>, not <inventory>")
        if self._path[-1] == "iso":
            self._row = {"digests": {}, "metadata": {}}
        self._key, self._text = attributes.get("algorithm") or attributes.get("name") or "", ""

    def text(self, piece: str) -> None:
        self._text += piece
        if len(self._text) > _LONGEST:
            raise ValueError("a text in it is too long")

    def end(self, name: str) -> None:  # noqa: ARG002 - what begins last ends first
        last, row = self._path.pop(), self._row
        if row is None:
            self._text = ""
            return
        if last == "iso":
            self.rows.append(row)
            self._row = None
        elif last == "digest":
            row["digests"][self._key] = self._text.strip()
        elif last == "metadata":
            row["metadata"][self._key] = self._text.strip()
        elif last in _PLAIN:
            row[last] = self._text.strip()
        self._text = ""


def read_xml(data: bytes, place: str) -> Listing:
    """The listing in an XML document. InventoryError(code="bad-inventory") for one with a document type, or none at all."""
    reading = _Reading()
    try:
        read_document(data, reading)
    except ValueError as wrong:
        raise bad_inventory(place, f"it is no XML inventory ({str(wrong)[:100]})") from wrong
    return Listing(form="xml", items=tuple(read_items(reading.rows, place)))
