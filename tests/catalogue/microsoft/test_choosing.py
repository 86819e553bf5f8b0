"""The choices within the connector's answers: never a neighbour for what was asked."""

from __future__ import annotations

import pytest

from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.microsoft import choosing
from isomanager.catalogue.microsoft.download_page import DownloadPage, Option, PublishedDigest
from isomanager.catalogue.microsoft.replies import Sku
from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.wanted import Wanted, wanted
from isomanager.errors import ResolveError
from isomanager.model import Selector

MULTI = Option("1", "Windows 11 (multi-edition ISO for x64 devices)")
CHINA = Option("2", "Windows 11 Home China (ISO for x64 devices)")
PRO_CHINA = Option("3", "Windows 11 Pro China (ISO for x64 devices)")
LANGUAGES = (
    ("English", "English (United States)"), ("English (United Kingdom)", "English International"), ("Spanish", "Spanish"),
    ("Spanish (Mexico)", "Spanish (Mexico)"), ("French Canadian", "French (Canada)"), ("Serbian Latin", "Serbian (Latin)"),
    ("Chinese (Simplified)", "Chinese Simplified"), ("Chinese (Traditional)", "Chinese Traditional"), ("Norwegian", "Norwegian"),
    ("Portuguese", "Portuguese"), ("Brazilian Portuguese", "Portuguese (Brazil)"),
)  # fmt: skip
SKUS = tuple(Sku(str(number), *names, "Windows 11") for number, names in enumerate(LANGUAGES))


def asked(catalogue: Catalogue, language: str = "", edition: str = "") -> Wanted:
    selector = Selector(
        product="windows", languages=(language,) if language else (), editions=(edition,) if edition else ()
    )
    return wanted(catalogue.product("windows"), selector)[0]


def page(*options: Option, digests: tuple[PublishedDigest, ...] = ()) -> DownloadPage:
    return DownloadPage(options, "26H2", digests, "")


@pytest.fixture
def entry(catalogue: Catalogue) -> OfferRule:
    return catalogue.product("windows").offers[0]


@pytest.mark.parametrize(
    ("edition", "number"), [("", "1"), ("Pro", "1"), ("home", "1"), ("Education N", "1"), ("Home China", "2"), ("pro-china", "3")]
)  # fmt: skip
def test_an_edition_is_the_one_that_holds_it(edition: str, number: str, catalogue: Catalogue, entry: OfferRule) -> None:
    assert choosing.edition(page(CHINA, MULTI, PRO_CHINA), entry, asked(catalogue, edition=edition)) == number


@pytest.mark.parametrize("edition", ["Enterprise", "China", "Home Chin"])
def test_an_edition_that_is_not_offered_is_not_replaced(edition: str, catalogue: Catalogue, entry: OfferRule) -> None:
    with pytest.raises(ResolveError) as wrong:
        choosing.edition(page(MULTI, CHINA), entry, asked(catalogue, edition=edition))
    assert (wrong.value.code, wrong.value.data["editions"]) == ("edition-not-offered", [MULTI.text, CHINA.text])


@pytest.mark.parametrize(
    ("language", "number"),
    [
        ("English", 0), ("en-us", 0), ("English International", 1), ("en_GB", 1), ("es-ES", 2), ("Spanish (Mexico)", 3),
        ("fr-CA", 4), ("sr-latn-rs", 5), ("zh-cn", 6), ("Chinese Traditional", 7), ("nb-NO", 8), ("Portuguese", 9),
        ("pt-BR", 10), ("portuguese (brazil)", 10), ("Brazilian Portuguese", 10),
    ],
)  # fmt: skip
def test_a_language_is_found_by_either_name_or_its_culture(language: str, number: int, catalogue: Catalogue) -> None:
    assert choosing.sku(SKUS, asked(catalogue, language)).id == str(number)


@pytest.mark.parametrize("language", ["French", "Eng", "Chinese", "de", "Portugese", "en-AU"])
def test_a_language_that_only_resembles_one_is_not_offered(language: str, catalogue: Catalogue) -> None:
    with pytest.raises(ResolveError) as wrong:
        choosing.sku(SKUS, asked(catalogue, language))
    assert wrong.value.code == "language-not-offered"
    assert "Spanish (Mexico)" in wrong.value.data["languages"]


def test_all_thirty_eight_languages_have_a_culture(catalogue: Catalogue) -> None:
    languages = catalogue.product("windows").map.language
    spelled = {choosing.plain_language(name) for names in languages.values() for name in names}
    assert len(languages) == 38
    assert len(spelled) == sum(len(set(map(choosing.plain_language, names))) for names in languages.values())


def test_a_page_that_contradicts_itself_is_refused(catalogue: Catalogue) -> None:
    twice = tuple(PublishedDigest("English", "x86_64", digit * 64) for digit in "ab")
    with pytest.raises(ResolveError) as wrong:
        choosing.digest(page(MULTI, digests=twice), asked(catalogue))
    assert wrong.value.code == "implausible"


def test_a_digest_for_another_architecture_or_language_is_not_ours(catalogue: Catalogue) -> None:
    others = (
        PublishedDigest("English", "aarch64", "a" * 64),
        PublishedDigest("English International", "x86_64", "b" * 64),
    )
    assert choosing.digest(page(MULTI, digests=others), asked(catalogue)) == ""
    ours = (*others, PublishedDigest("English (United States)", "", "c" * 64))
    assert choosing.digest(page(MULTI, digests=ours), asked(catalogue)) == "c" * 64
