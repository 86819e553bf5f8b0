"""XML from elsewhere, read with expat and without what makes a small document huge or has it fetch others."""

from __future__ import annotations

from typing import Any, Protocol
from xml.parsers import expat


class XmlReader(Protocol):
    """What is told of a document as it is read; names are `namespace name`. A ValueError of its own ends the reading."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def text(self, piece: str) -> None:
        """Characters stand here."""

    def end(self, name: str) -> None:
        """An element ends."""


def read_xml(content: bytes, reader: XmlReader) -> None:
    """Tell `reader` of a whole document. ValueError when it is not well-formed or declares a document type or entities."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError) as wrong:  # the latter where it names an encoding that nobody knows
        raise ValueError(str(wrong)) from wrong


def _refuse(*_declared: Any) -> None:
    raise ValueError("it declares a document type or entities, which it has no need of")
