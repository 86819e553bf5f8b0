"""Metalinks: XML that tells of a file its size, its digests and where it can be had. Pure.

Version 3 (`<verification><hash type="sha256">`, addresses below `<resources>`), as MirrorManager serves it, and version 4 (RFC
5854: `<hash type="sha-256">`, `<url>`), as MirrorCache does. Digests of pieces are left out. Read with expat; a document type or
an entity of the document's own ends the reading, as do too many elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from isomanager.catalogue.checksum_forms import DigestEntry, algorithm_named, tidy
from isomanager.catalogue.xml_reading import read_xml

_MOST_FILES = 1000
_MOST_URLS = 1000
_BEGINNING = 4096
_LAST = 1 << 20
"""Where an address comes that has neither priority (RFC 5854: the lower the better) nor preference (the higher the better)."""


@dataclass
class MetalinkFile:
    """A file of a metalink: its name, size in bytes, digests as `(algorithm, hexadecimal)`, and https addresses, best first."""

    name: str
    size: int | None = None
    digests: list[tuple[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    @property
    def entries(self) -> tuple[DigestEntry, ...]:
        """Its digests as entries of a checksum document."""
        return tuple(DigestEntry(tidy(self.name), algorithm, digest, self.size) for algorithm, digest in self.digests)


def is_metalink(text: str) -> bool:
    """Whether a text is a metalink, by its root element."""
    beginning = text[:_BEGINNING].lstrip("\ufeff \t\r\n")
    return beginning.startswith("<") and "<metalink" in beginning


def read_metalink(text: str) -> tuple[MetalinkFile, ...]:
    """The files of a metalink; () for what is not well-formed."""
    reader = _Reader()
    try:
        read_xml(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"), reader)
    except ValueError:
        return ()
    return tuple(reader.files)


class _Reader:
    def __init__(self) -> None:
        self.files: list[MetalinkFile] = []
        self._path: list[str] = []
        self._said = ""
        self._kind = ""
        self._rank = _LAST
        self._ranked: list[tuple[int, str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        plain = name.rpartition(" ")[2].lower()
        self._path.append(plain)
        self._said = ""
        self._kind, self._rank = attributes.get("type", ""), _rank(attributes)
        if plain == "file" and len(self.files) < _MOST_FILES:
            self.files.append(MetalinkFile(attributes.get("name", "")))
            self._ranked = []

    def text(self, text: str) -> None:
        self._said += text

    def end(self, _name: str) -> None:
        plain, said = self._path.pop(), self._said.strip()
        if "file" in self._path and "pieces" not in self._path:
            self._keep(plain, said)
        elif plain == "file" and self.files:
            self.files[-1].urls = [url for _, url in sorted(self._ranked, key=lambda one: one[0])]
        self._said = ""

    def _keep(self, plain: str, said: str) -> None:
        file = self.files[-1]
        algorithm = algorithm_named(self._kind) if plain == "hash" else None
        if plain == "size" and said.isdecimal():
            file.size = int(said)
        elif algorithm and said:
            file.digests.append((algorithm, said.lower()))
        elif plain == "url" and said.startswith("https://") and len(self._ranked) < _MOST_URLS:
            self._ranked.append((self._rank, said))


def _rank(attributes: dict[str, str]) -> int:
    for name, turn in (("priority", 1), ("preference", -1)):
        text = attributes.get(name, "")
        if text.isascii() and text.isdigit() and len(text) <= 6:
            return turn * int(text)
    return _LAST
