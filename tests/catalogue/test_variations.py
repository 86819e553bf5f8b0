"""Every product's answer stays the same, or becomes the right error, when its upstream's documents change their dress."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from isomanager.catalogue.documents import NO_HEADERS, Located, located_by_head
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.naming import meant
from isomanager.catalogue.product import Product
from isomanager.catalogue.resolve import resolve
from isomanager.catalogue.saved_addresses import stands_for
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError
from isomanager.model import Document, Family, Selector
from isomanager.version import Version, VersionRule
from tests.catalogue.variations import BREAKING, KEEPING, Variation, entries, nginx

BUILT = Path(__file__).parent.parent / "documents" / "catalogue"
CASES: list[dict[str, Any]] = [
    case for file in sorted(BUILT.glob("cases*.json")) for case in json.loads(file.read_text(encoding="utf-8"))
]
ERRORS = {
    "html-instead",
    "no-checksums",
    "no-files",
    "bad-data",
    "document-missing",
    "not-found",
    "beta-only",
    "no-release",
    "http-status",
    "unavailable",
    "torrent-only",
    "not-an-iso",
    "too-large",
    "manual",
    "empty",
    "blocked",
    "configuration",
    "language-not-offered",
    "architecture-not-offered",
    "edition-not-offered",
    "implausible",
}


class Given:
    """Saved documents as texts; what is not among them is missing."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(self.texts)

    def fetch(self, url: str, *, max_bytes: int = 1 << 24, headers: Mapping[str, str] = NO_HEADERS) -> Document:
        saved = stands_for(url, self.texts)
        if saved is None:
            raise ResolveError(f"{url} is not there.", code="document-missing", url=url)
        return Document(url=url, final_url=url, content=self.texts[saved].encode())

    def locate(self, url: str) -> Located:
        saved = stands_for(url, self.texts)
        found = located_by_head(url, self.texts[saved].encode()) if saved else None
        if found is None:
            raise FetchRefused(f"{url} is not there.", code="http-status", status=404, url=url)
        return found


def asked_of(case: dict[str, Any], catalogue: Catalogue) -> tuple[Product, Selector]:
    architectures, languages = ((case[one],) if case.get(one) else () for one in ("arch", "language"))
    return meant(catalogue, Selector.parse(case["selector"], architectures=architectures, languages=languages))


def outcome(case: dict[str, Any], texts: dict[str, str], catalogue: Catalogue) -> tuple[str, Version | None]:
    """The file's address and version, or the error's code."""
    architectures, languages = ((case[one],) if case.get(one) else () for one in ("arch", "language"))
    asked = Selector.parse(case["selector"], architectures=architectures, languages=languages)
    try:
        (offer,) = resolve(*meant(catalogue, asked), Given(texts))
    except IsoManagerError as error:
        return error.code, None
    return offer.urls[0], offer.title.version


def texts_of(case: dict[str, Any]) -> dict[str, str]:
    return {url: (BUILT / file).read_text(encoding="utf-8") for url, file in case["documents"].items()}


def varied(case: dict[str, Any], vary: Variation) -> Iterator[dict[str, str]]:
    """The case's documents with all that the variation applies to varied at once."""
    texts = texts_of(case)
    changed = {url: new for url, text in texts.items() if (new := vary(text, url)) is not None}
    if changed:
        yield texts | changed


def told(case: dict[str, Any], given: object, expected: object) -> str:
    return f"{case['selector']} {case['arch']}: {given} instead of {expected}"


@pytest.mark.parametrize("name", KEEPING)
def test_the_answer_survives(name: str, catalogue: Catalogue) -> None:
    wrong, tried = [], 0
    for case in CASES:
        if "older" in name and "@previous" in case["selector"]:
            continue  # an older release may be the previous one
        for texts in varied(case, KEEPING[name]):
            tried += 1
            expected, given = outcome(case, texts_of(case), catalogue), outcome(case, texts, catalogue)
            wrong += [told(case, given, expected)] if given != expected else []
    print(f"{name}: {tried - len(wrong)} of {tried} hold")
    assert tried
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", BREAKING)
def test_a_broken_document_never_makes_another_answer(name: str, catalogue: Catalogue) -> None:
    wrong, tried = [], 0
    for case in CASES:
        texts = texts_of(case)
        expected = outcome(case, texts, catalogue)
        for url, text in texts.items():
            given = outcome(case, texts | {url: BREAKING[name](text, url)}, catalogue)
            tried += 1
            wrong += [told(case, given, expected)] if given != expected and given[0] not in ERRORS else []
    print(f"{name}: {tried - len(wrong)} of {tried} hold")
    assert not wrong, "\n".join(wrong)


def test_the_list_alone_is_enough_for_an_exact_version(catalogue: Catalogue) -> None:
    wrong, tried = [], 0
    for case in CASES:
        texts = texts_of(case)
        product, selector = asked_of(case, catalogue)
        try:
            (offer,) = resolve(product, selector, Given(texts))
        except IsoManagerError:
            continue
        (listed,) = offer.listed_at or ("",)
        # a session with Microsoft takes several answers, and a day's image has no version to name
        if listed not in texts or selector.channel == "daily" or product.family == Family.WINDOWS:
            continue
        tried += 1
        exact = VersionRule.parse(f"={offer.title.version.text}")
        channel = selector.channel.replace("previous", "stable")
        asked = selector.model_copy(update={"rule": exact, "channel": channel})
        given = _address(product, asked, {listed: texts[listed]})
        wrong += [told(case, given, offer.urls[0])] if given != offer.urls[0] else []
    print(f"the list alone: {tried - len(wrong)} of {tried} hold")
    assert tried
    assert not wrong, "\n".join(wrong)


def _address(product: Product, selector: Selector, texts: dict[str, str]) -> str:
    try:
        (offer,) = resolve(product, selector, Given(texts))
    except IsoManagerError as error:
        return f"{error.code}: {error}"
    return offer.urls[0]


def test_an_empty_folder_is_passed_over_for_an_older_release_or_said(catalogue: Catalogue) -> None:
    wrong, tried = [], 0
    for case in CASES:
        texts = texts_of(case)
        expected = outcome(case, texts, catalogue)
        for url, text in texts.items():
            if not entries(text, url):
                continue
            tried += 1
            given = outcome(case, texts | {url: nginx(url, [])}, catalogue)
            is_older = given[1] is not None and expected[1] is not None and given[1] < expected[1]
            wrong += (
                [told(case, given, expected)] if given != expected and given[0] not in ERRORS and not is_older else []
            )
    print(f"an empty listing: {tried - len(wrong)} of {tried} hold")
    assert not wrong, "\n".join(wrong)
