"""From names and identifiers to what an image is; the namings stand in `namings.txt` and `no_systems.txt` beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest

from isomanager.catalogue.loader import Catalogue, load_catalogue
from isomanager.catalogue.product import Product
from isomanager.media.guesses import Identification, Said
from isomanager.media.identification import THRESHOLD, identify
from isomanager.media.rules import RuleBook
from isomanager.version import Version

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def rules() -> RuleBook:
    return RuleBook(load_catalogue())


def lines_of(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text().splitlines()
    return [[cell.strip() for cell in line.split(" | ")] for line in lines if line and not line.startswith("#")]


def said_by(cells: list[str]) -> Said:
    name, volume, *others = cells
    texts = {"volume": volume} if volume != "-" else {}
    return Said(name if name != "-" else "x.iso", texts | dict(other.split("=", 1) for other in others))


NAMINGS = lines_of("namings.txt")
NO_SYSTEMS = lines_of("no_systems.txt")


@pytest.mark.parametrize("cells", NAMINGS, ids=[" ".join(cells[:3]) for cells in NAMINGS])
def test_a_vendors_naming_is_understood(cells: list[str], rules: RuleBook) -> None:
    product, _, version = cells[0].partition(" ")
    found = identify(said_by(cells[1:]), rules)
    assert found.product == product, found
    assert found.version is not None, found
    assert Version(found.version).starts_with(Version(version)), found
    assert found.confidence >= THRESHOLD
    assert found.evidence


@pytest.mark.parametrize("cells", NO_SYSTEMS, ids=[cells[0] for cells in NO_SYSTEMS])
def test_what_is_no_operating_system_is_said_to_be_unknown(cells: list[str], rules: RuleBook) -> None:
    found = identify(said_by(cells), rules)
    assert found.product is None, found
    assert (found.version, found.evidence) == (None, ())


def answer(rules: RuleBook, name: str, **texts: str) -> Identification:
    return identify(
        Said(name, {text.replace("__", ":").replace("_", "-"): value for text, value in texts.items()}), rules
    )


def test_a_renamed_file_is_what_its_volume_says_and_the_name_is_an_alternative(rules: RuleBook) -> None:
    found = answer(rules, "ubuntu-22.04-desktop-amd64.iso", volume="Debian 12.5.0 amd64 n")
    assert (found.product, found.version) == ("debian", "12.5.0")
    assert [(one.product, one.version) for one in found.alternatives] == [("ubuntu", "22.04")]
    agreeing = answer(rules, "debian-12.5.0-amd64-netinst.iso", volume="Debian 12.5.0 amd64 n")
    assert agreeing.confidence > found.confidence


def test_content_is_believed_before_the_volume_and_the_name(rules: RuleBook) -> None:
    info = 'Ubuntu-Server 24.04.2 LTS "Noble Numbat" - Release amd64 (20250216.1)'
    found = answer(rules, "ubuntu-22.04-live-server-amd64.iso", marker__disk_info=info)
    assert (found.product, found.version, found.flavor, found.architecture) == ("ubuntu", "24.04.2", "server", "x86_64")
    assert "22.04" in [one.version for one in found.alternatives]


def test_the_more_exact_of_two_versions_that_agree_is_told(rules: RuleBook) -> None:
    assert answer(rules, "CentOS-7.0-1406-x86_64-DVD.iso", volume="CentOS 7 x86_64").version == "7.0"
    assert (
        answer(rules, "eos-eos3.9-amd64-amd64.201109-162018.base.iso", volume="Endless-OS-3-9-0-base").version
        == "3.9.0"
    )


def test_windows_labels_that_two_versions_share_leave_the_version_open(rules: RuleBook) -> None:
    found = answer(rules, "x.iso", volume="CCCOMA_X64FRE_EN-GB_DV9")
    assert (found.product, found.version, found.architecture, found.language) == ("windows", None, "x86_64", "en-GB")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("client|10.0|26100.1742|x86_64|en-us|Core, Professional", ("windows", "11.24H2.26100.1742", "x86_64", "en-US", None)),
        ("client|10.0|19045.3803|i686|de-de|Enterprise", ("windows", "10.22H2.19045.3803", "i686", "de-DE", "Enterprise")),
        ("client|10.0|29999.1|aarch64|en-us|Core", ("windows", "11.29999.1", "aarch64", "en-US", "Core")),
        ("server|10.0|20348.1|x86_64|en-us|ServerStandard, ServerDatacenter", ("windows-server", "2022.21H2.20348.1", "x86_64", "en-US", None)),
        ("client|6.1|7601.17514|x86_64|fr-fr|Ultimate", ("windows", "7 SP1", "x86_64", "fr-FR", "Ultimate")),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
def test_the_build_in_the_imaging_file_tells_windows_apart(
    line: str, expected: tuple[str | None, ...], rules: RuleBook
) -> None:
    found = answer(rules, "x.iso", volume="CCCOMA_X64FRE_EN-US_DV9" if "client" in line else "", marker__windows=line)
    assert (found.product, found.version, found.architecture, found.language, found.edition) == expected


def test_nothing_at_all_is_unknown(rules: RuleBook) -> None:
    assert answer(rules, "x.iso") == Identification()


def tied() -> RuleBook:
    texts = [
        {"id": name, "name": name, "family": "custom", "identify": {"volume": "SHARED"}} for name in ("one", "two")
    ]
    return RuleBook(Catalogue(tuple(map(Product.model_validate, texts))))


def test_a_label_that_two_products_share_is_unknown_rather_than_guessed() -> None:
    found = answer(tied(), "x.iso", volume="SHARED")
    assert found.product is None
    assert found.confidence < THRESHOLD
    assert {one.product for one in found.alternatives} == {"one", "two"}


def test_a_shared_label_and_a_telling_name_are_enough() -> None:
    products = [
        {"id": "one", "name": "One", "family": "custom", "identify": {"volume": "SHARED", "file": r"one-(?P<version>\d+)\.iso"}},
        {"id": "two", "name": "Two", "family": "custom", "identify": {"volume": "SHARED"}},
    ]  # fmt: skip
    found = answer(RuleBook(Catalogue(tuple(map(Product.model_validate, products)))), "one-3.iso", volume="SHARED")
    assert (found.product, found.version) == ("one", "3")


def test_all_of_a_rules_identifiers_must_fit() -> None:
    rule = {"volume": "LIVE", "publisher": "(?i)the maker", "values": {"version": "9"}}
    book = RuleBook(
        Catalogue((Product.model_validate({"id": "made", "name": "M", "family": "custom", "identify": [rule]}),))
    )
    assert answer(book, "x.iso", volume="LIVE").product is None
    assert answer(book, "x.iso", volume="LIVE", publisher="THE MAKER").version == "9"


@pytest.mark.parametrize("text", ["../../../etc/passwd", "1" * 900, "12 <b>", "-", "x\\y"])
def test_what_stands_in_the_place_of_a_version_and_is_none_is_not_told_as_one(text: str, rules: RuleBook) -> None:
    found = identify(Said("x.iso", {"marker:os-release": f"debian|{text}|"}), rules)
    assert (found.product, found.version) == ("debian", None)
