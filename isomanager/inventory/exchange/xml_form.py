"""XML. Read with expat; a document type ends the reading, because its entities make small documents huge and fetch others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from isomanager.inventory.exchange.items import MAX_ITEMS, Listing, bad_inventory, read_items
from isomanager.inventory.exchange.json_form import item_of
from isomanager.model import Copy

_PLAIN = (
    "name", "type", "flavor", "version", "architecture", "language", "edition", "repository", "path", "size", "added_at",
    "source",
)  # fmt: skip
_DEEPEST = 8


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
    """Gathers the items as expat tells of them."""

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

    def text(self, text: str) -> None:
        self._text += text

    def end(self, _name: str) -> None:
        last, row = self._path.pop(), self._row
        if row is None:
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
    reading, parser = _Reading(), expat.ParserCreate()
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError) as wrong:
        raise bad_inventory(place, f"it is no XML inventory ({str(wrong)[:100]})") from wrong
    return Listing(form="xml", items=tuple(read_items(reading.rows, place)))


def _refuse_doctype(*_declared: Any) -> None:
    raise ValueError("it declares a document type, which no inventory needs")
