"""Conditions over the catalogue that the package brings."""

from __future__ import annotations

import pytest

from isomanager.catalogue.globs import expand, is_glob
from isomanager.catalogue.loader import Catalogue, load_catalogue
from isomanager.errors import UsageError
from isomanager.model import Family


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ubuntu", False), ("ubuntu/server@24.04", False), ("tag:lab", False), ("ubuntu*", True), ("linux:ubuntu", True),
        ("*/server@lts", True), ("debian/n?tinst", True),
    ],
)  # fmt: skip
def test_a_condition_is_told_from_a_name(text: str, is_one: bool) -> None:
    assert is_glob(text) is is_one


def test_all_latest_of_a_family_is_each_product_of_it(catalogue: Catalogue) -> None:
    found = expand(catalogue, "linux:*").selectors
    there = {one.id for one in catalogue.products if one.family is Family.LINUX and not one.identify_only}
    assert {one.product for one in found} == there
    assert len(found) == len(there)


def test_everything_of_a_family_is_each_flavor_of_each_product(catalogue: Catalogue) -> None:
    found = {(one.product, one.flavor) for one in expand(catalogue, "linux:*/*").selectors}
    ubuntu = catalogue.product("ubuntu")
    assert {("ubuntu", flavor) for flavor in ubuntu.flavors} <= found


def test_all_long_term_servers_leave_out_what_has_no_long_term_channel(catalogue: Catalogue) -> None:
    found = expand(catalogue, "*/server@lts", architectures=["amd64"])
    assert "ubuntu" in {one.product for one in found.selectors}
    assert {one.channel for one in found.selectors} == {"lts"}
    assert {one.architectures for one in found.selectors} == {("x86_64",)}
    assert any("no channel 'lts'" in reason for reason in found.left_out)


def test_a_condition_that_means_nothing_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="Nothing in the catalogue fits"):
        expand(catalogue, "no-such-thing*")
