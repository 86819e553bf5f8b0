"""Where a file can be had is decided from what sources say, in the order a person prefers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.errors import UsageError
from isomanager.model import MIRRORS, VENDOR, Family, Offer, SourceRecord, Title
from isomanager.planning.sourcing import address_at, document_at, in_order, require_usable
from isomanager.version import Version

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
LAYOUT = "Linux/Ubuntu - Server/ubuntu.server-24.04.3.iso"
OFFER = Offer(
    title=Title(
        family=Family.LINUX, product="ubuntu", flavor="server", version=Version("24.04.3"), architecture="x86_64"
    ),
    filename="ubuntu-24.04.3-live-server-amd64.iso",
    urls=(
        "https://releases.ubuntu.example/24.04/ubuntu%2B24.iso",
        "https://one.example/ubuntu.iso",
        "https://two.example/ubuntu.iso",
    ),
)


def source(name: str = "internal", **changes: Any) -> SourceRecord:
    return SourceRecord(**{"name": name, "base": "https://mirror.example/isos/", "created_at": NOW, **changes})


@pytest.mark.parametrize(
    ("maps", "below"),
    [
        ("path", "24.04/ubuntu%2B24.iso"),
        ("name", "ubuntu-24.04.3-live-server-amd64.iso"),
        ("layout", "Linux/Ubuntu%20-%20Server/ubuntu.server-24.04.3.iso"),
        ("{product}/{version}/{file}", "ubuntu/24.04.3/ubuntu-24.04.3-live-server-amd64.iso"),
        ("{host}/{path}", "releases.ubuntu.example/24.04/ubuntu%2B24.iso"),
    ],
)
def test_a_base_maps_to_an_image_in_one_of_four_ways(maps: str, below: str) -> None:
    assert address_at(source(maps=maps), OFFER, LAYOUT) == f"https://mirror.example/isos/{below}"


def test_an_image_without_an_address_of_its_own_still_has_a_name() -> None:
    bare = OFFER.model_copy(update={"urls": ()})
    assert address_at(source(maps="path"), bare, LAYOUT) is None
    assert (
        address_at(source(maps="name"), bare, LAYOUT)
        == "https://mirror.example/isos/ubuntu-24.04.3-live-server-amd64.iso"
    )


@given(st.text(max_size=30), st.sampled_from(["name", "{file}/x", "{product}"]))
def test_nothing_upstream_says_leads_out_of_the_base(name: str, maps: str) -> None:
    found = address_at(source(maps=maps), OFFER.model_copy(update={"filename": name}), LAYOUT)
    assert found is None or found.startswith("https://mirror.example/isos/")
    assert found is None or not any(one in found.split("/") for one in ("..", "."))


def names(*sources: SourceRecord) -> list[str]:
    return [one.source for one in in_order(sources, OFFER, LAYOUT, NOW)]


def test_a_source_of_ones_own_comes_first_then_the_vendor_then_its_mirrors() -> None:
    assert names() == [VENDOR, MIRRORS, MIRRORS]
    assert names(source()) == ["internal", VENDOR, MIRRORS, MIRRORS]
    assert names(source("second", priority=50, maps="name"), source()) == [
        "second",
        "internal",
        VENDOR,
        MIRRORS,
        MIRRORS,
    ]


def test_the_order_a_person_prefers_holds() -> None:
    first = source(VENDOR, base="", priority=10)
    assert names(source(priority=20), first) == [VENDOR, "internal", MIRRORS, MIRRORS]
    assert names(source(priority=20), source(MIRRORS, base="", priority=5)) == [MIRRORS, MIRRORS, "internal", VENDOR]


def test_a_source_that_failed_again_and_again_lately_is_asked_last() -> None:
    ailing = source(failures=3, seen_at=NOW - timedelta(hours=2))
    assert names(ailing) == [VENDOR, MIRRORS, MIRRORS, "internal"]
    assert names(source(failures=3, seen_at=NOW - timedelta(days=2)))[0] == "internal"
    assert names(source(failures=2, seen_at=NOW))[0] == "internal"


@pytest.mark.parametrize(
    "base",
    [
        "",
        "mirror.example",
        "ftp://mirror.example",
        "https://me:hunter2@mirror.example/",
        "https://mirror.example/?sig=hunter2",
        "https://[x/",
    ],
)
def test_a_base_that_is_no_plain_address_is_refused(base: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_usable(source(base=base))
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("maps", ["", "somewhere", "{nothing}", "{", "{file", "{0}", "{}"])
def test_a_mapping_that_means_nothing_is_refused(maps: str) -> None:
    with pytest.raises(UsageError, match="where images stand"):
        require_usable(source(maps=maps))


@pytest.mark.parametrize("maps", ["{file.__class__}", "{file[0]}", "{file!r}", "{file:>99999999}"])
def test_a_template_reaches_nothing_but_its_fields(maps: str) -> None:
    with pytest.raises(UsageError):
        require_usable(source(maps=maps))


@pytest.mark.parametrize("base", ["https://mirror.example/{nope}", "https://mirror.example/{host}/", "https://{host}/"])
def test_a_base_fills_nothing_in_and_says_where_fields_belong(base: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_usable(source(base=base))
    assert "--maps" in refused.value.hint
    assert "{version}" in refused.value.hint


@pytest.mark.parametrize(
    ("maps", "at"),
    [
        ("path", "https://mirror.example/isos/24.04/SHA256SUMS"),
        ("{host}/{path}", "https://mirror.example/isos/vendor.example/24.04/SHA256SUMS"),
        ("name", None),
        ("layout", None),
        ("{product}/{path}", None),
        ("{host}/{file}", None),
    ],
)
def test_only_a_copy_of_the_vendors_tree_has_the_vendors_documents(maps: str, at: str | None) -> None:
    record = source(base="https://mirror.example/isos/", maps=maps)
    assert document_at(record, "https://vendor.example/24.04/SHA256SUMS") == at
    assert document_at(record, "https://vendor.example/list?page=2") is None
    assert document_at(record, "https://vendor.example/../secret") is None
