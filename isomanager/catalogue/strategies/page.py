"""Files that a text speaks of: release notes, announcements, read-me files, download pages, the body of a release.

What counts are whole words and addresses that the product's own file patterns fit; everything else on the page is prose. A
digest counts for the file it names, or for the file that was spoken of last before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from isomanager.catalogue.checksums import DigestEntry, parse_checksums
from isomanager.catalogue.patterns import first_match
from isomanager.catalogue.strategies import api
from isomanager.catalogue.strategies.candidate import Candidate, clean_name, name_of_url
from isomanager.catalogue.strategies.listing import joined, looks_like_html, no_listing
from isomanager.errors import FetchRefused

_LONGEST_TEXT = 4 << 20  # the notes of a hundred releases fit several times
_WORD = re.compile(r"[^\s\"'<>()\[\]{}|`*,;]+")
_ENDS = ".:!?"
_LINE_ENDS = frozenset(
    {"p", "br", "li", "tr", "td", "th", "div", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "dd", "dt"}
)
_UNSEEN = frozenset({"script", "style"})


class _Text(HTMLParser):
    """A web page as text: its links as addresses, one block a line."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._url = url
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag == "base" and (href := dict(attrs).get("href")):
            self._url = joined(self._url, href)
        if tag in _LINE_ENDS:
            self.pieces.append("\n")
        self.pieces += [f" {_joined(self._url, value)} " for name, value in attrs if value and _is_address(name, value)]

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag in _LINE_ENDS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def candidates(text: str, url: str, *, files: tuple[str, ...], select: str = "") -> tuple[Candidate, ...]:
    """The files that the page, text or (with `select`, JMESPath) texts inside a JSON document at `url` speak of.

    Raises FetchRefused: code="html-instead" for a page that speaks of none (a captive portal, or a page that has changed),
    "bad-data" for data without such a text, "too-large" for a text longer than any announcement.
    """
    prose = "\n".join(api.names(text, url, select)) if select else as_text(text, url)
    if len(prose) > _LONGEST_TEXT:
        raise _too_long(url)
    addresses = dict(_mentions(prose, files))
    if not addresses:
        raise no_listing(url) if looks_like_html(text) or not select else _silent(url)
    entries = parse_checksums(prose, subject=lambda line: _spoken_of(line, files))
    return tuple(_candidate(name, address, entries) for name, address in addresses.items())


def as_text(text: str, url: str) -> str:
    """A web page as plain text with its links' addresses in it; any other text as it is."""
    if not looks_like_html(text) and "</a>" not in text.lower():
        return text
    if len(text) > _LONGEST_TEXT:
        raise _too_long(url)
    page = _Text(url)
    page.feed(text)
    page.close()
    return "".join(page.pieces)


def _mentions(prose: str, files: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every file by name with its address, "" where only the name is said; an address wins over a mere name."""
    named: dict[str, str] = {}
    for name, address in _files(prose, files):
        named[name] = named.get(name) or address
    yield from named.items()


def _files(prose: str, files: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for found in _WORD.finditer(prose):
        word = found[0].rstrip(_ENDS)
        is_address = word.startswith(("https://", "http://"))
        name = _name(word) if is_address else clean_name(word)
        if name is not None and first_match(files, name) is not None:
            yield name, word if is_address else ""


def _name(address: str) -> str | None:
    try:
        return name_of_url(address.removesuffix("/download"))
    except ValueError:  # an address that is none ("https://[")
        return None


def _spoken_of(line: str, files: tuple[str, ...]) -> str:
    names = list(dict.fromkeys(name for name, _ in _files(line, files)))
    return names[0] if len(names) == 1 else ""


def _candidate(name: str, address: str, entries: tuple[DigestEntry, ...]) -> Candidate:
    ours = [entry for entry in entries if clean_name(entry.name) == name]
    digests = {entry.algorithm: entry.digest for entry in ours}
    # a page that contradicts itself claims nothing
    twice = {entry.algorithm for entry in ours if digests[entry.algorithm] != entry.digest}
    return Candidate(name, address, digests={key: value for key, value in digests.items() if key not in twice})


def _is_address(attribute: str, value: str) -> bool:
    """A link, or the address that a button's script is to follow (`data-url`)."""
    return attribute == "href" or (attribute.startswith("data-") and value.startswith("https://"))


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href) if urlsplit(href).scheme in ("", "http", "https") else ""
    except ValueError:  # an address that is none
        return ""


def _too_long(url: str) -> FetchRefused:
    return FetchRefused(
        f"{url} is longer than {_LONGEST_TEXT >> 20} MiB, which no announcement is.", code="too-large", url=url
    )


def _silent(url: str) -> FetchRefused:
    return FetchRefused(
        f"{url} speaks of no file of this product.",
        code="bad-data",
        hint="Upstream's announcement has changed its form; the product file must follow.",
        url=url,
    )
