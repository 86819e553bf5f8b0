"""Microsoft's download pages as data: the editions they offer, the release they speak of, the digests, the words of a refusal.

The form: `<select id="product-edition">` with options whose value is the edition's id, "Version 26H2" in the prose, a table of
`LANGUAGE 64-bit` and SHA-256, and the message for those who are refused as a hidden input `msg-01` (also on pages that refuse
nobody).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

_LONGEST_PAGE = 1 << 20
_LONGEST_NAME = 200
_BLOCKS = frozenset(
    {"td", "th", "tr", "p", "li", "div", "br", "dt", "dd", "table", "h1", "h2", "h3", "h4", "h5", "select", "option"}
)
_UNSEEN = frozenset({"script", "style"})
_EDITION = re.compile(r"\d{3,9}")
_RELEASE = re.compile(r"\bVersion\s+(\d\dH\d)\b", re.IGNORECASE)
_DIGEST = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")
_MACHINE = re.compile(r"(?P<language>.*?)[\s(-]*\b(?P<machine>64|32|x64|x86|arm64|arm)(?:[\s-]?bit)?\)?", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{0,2000}>")
_MACHINES = {"64": "x86_64", "x64": "x86_64", "32": "i686", "x86": "i686", "arm64": "aarch64", "arm": "aarch64"}


@dataclass(frozen=True)
class Option:
    """An edition that the page offers, by Microsoft's id."""

    id: str
    text: str


@dataclass(frozen=True)
class PublishedDigest:
    """A SHA-256 of the page's table: for a language as the page spells it; `architecture` is "" where the row says none."""

    language: str
    architecture: str
    sha256: str


@dataclass(frozen=True)
class DownloadPage:
    """What a download page says. `message` is the text for those who are refused, "" where the page has none."""

    options: tuple[Option, ...]
    release: str
    digests: tuple[PublishedDigest, ...]
    message: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.options: list[Option] = []
        self.cells: list[list[str]] = [[]]
        self.message = ""
        self._option: str | None = None
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.cells.append([])
        if tag == "option":
            self._option = given.get("value", "").strip()
            if _EDITION.fullmatch(self._option):
                self.options.append(Option(self._option, ""))
        if tag == "input" and given.get("id", "").lower() == "msg-01":
            self.message = plain_text(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag in _BLOCKS:
            self.cells.append([])
        if tag in ("option", "select"):
            self._option = None

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        self.cells[-1].append(data)
        if self._option is not None and self.options and self.options[-1].id == self._option:
            told = " ".join(f"{self.options[-1].text} {data[:_LONGEST_NAME]}".split())
            self.options[-1] = Option(self._option, told[:_LONGEST_NAME])


def read_page(text: str) -> DownloadPage:
    """The page as data; what it does not say is empty. Only its first MiB is read, several times what a page has."""
    reader = _Reader()
    reader.feed(text[:_LONGEST_PAGE])
    reader.close()
    cells = [told for cell in reader.cells if (told := " ".join("".join(cell).split()))]
    release = _RELEASE.search(" ".join(cells))
    return DownloadPage(
        options=tuple(one for one in reader.options if one.text.lower().startswith("windows")),
        release=release[1].upper() if release else "",
        digests=tuple(_digests(cells)),
        message=reader.message,
    )


def _digests(cells: list[str]) -> list[PublishedDigest]:
    found: list[PublishedDigest] = []
    for place, cell in enumerate(cells):
        digest = _DIGEST.search(cell)
        if digest is None:
            continue
        name = cell[: digest.start()].strip(" :") or (cells[place - 1] if place else "")
        if len(name) > _LONGEST_NAME:
            continue
        split = _MACHINE.fullmatch(name)
        language = split["language"] if split else name
        machine = _MACHINES[split["machine"].lower()] if split else ""
        if language:
            found.append(PublishedDigest(language.strip(), machine, digest[0].lower()))
    return found


def plain_text(markup: str) -> str:
    """The words of a piece of HTML that was itself put into an attribute."""
    return " ".join(unescape(_TAGS.sub(" ", unescape(markup))).split())
