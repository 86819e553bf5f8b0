"""A plain text that tells of one file a line: Gentoo's `latest-iso.txt` (`PATH SIZE`), and its like."""

from __future__ import annotations

from urllib.parse import quote, urljoin

from isomanager.catalogue.patterns import first_match
from isomanager.catalogue.strategies.candidate import Candidate, clean_name
from isomanager.catalogue.strategies.listing import looks_like_html, no_listing
from isomanager.errors import FetchRefused
from isomanager.model import ALGORITHMS

_SPECIAL = {"file", "url", "size", "version", *ALGORITHMS}


def candidates(text: str, url: str, patterns: tuple[str, ...]) -> tuple[Candidate, ...]:
    """One candidate a line that one of `patterns` fits as a whole, its blanks at both ends aside.

    The group `file` or `url` (a path, relative to the document) names the file; `size` is in bytes; digests stand under their
    algorithm's name; every other group is a named group of the candidate. Raises FetchRefused(code="html-instead") for a web
    page and code="no-files" for a text without a single such line.
    """
    if looks_like_html(text):
        raise no_listing(url)
    matched = (first_match(patterns, line.strip()) for line in text.splitlines())
    found = tuple(one for groups in matched if groups is not None for one in _candidate(groups, url))
    if not found:
        raise FetchRefused(
            f"{url} tells of no file in the form that is known.",
            code="no-files",
            hint="Upstream's text is empty or has changed its form; the product file must follow.",
            url=url,
        )
    return found


def _candidate(groups: dict[str, str], url: str) -> tuple[Candidate, ...]:
    place = groups.get("url") or groups.get("file", "")
    name = clean_name(groups.get("file") or place)
    if name is None:
        return ()
    size = groups.get("size", "")
    found = Candidate(
        name=name,
        url=urljoin(url, quote(place, safe=":/+~@=,%")),
        groups={key: value for key, value in groups.items() if key not in _SPECIAL},
        version=groups.get("version", ""),
        size=int(size) if size.isdecimal() else None,
        digests={algorithm: groups[algorithm].lower() for algorithm in ALGORITHMS if groups.get(algorithm)},
    )
    return (found,)
