"""Releases that exist and stand nowhere else in the tests, called and labelled as their vendors do it: each must be understood."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import pytest

from isomanager.catalogue.loader import load_catalogue
from isomanager.media.guesses import Said
from isomanager.media.identification import identify
from isomanager.media.rules import RuleBook
from isomanager.version import Version
from media.vendors import Medium, every_medium

PRODUCTS = sorted({one.product for one in every_medium()})


@pytest.fixture(scope="module")
def rules() -> RuleBook:
    return RuleBook(load_catalogue())


@cache
def media_of(product: str) -> tuple[Medium, ...]:
    return tuple(dict.fromkeys(one for one in every_medium() if one.product == product))


def misunderstood(
    media: Iterable[Medium], said: Callable[[Medium], Said], rules: RuleBook, *, version: bool
) -> list[str]:
    """What is said of those that are taken for something else."""
    wrong = []
    for medium in media:
        found = identify(said(medium), rules)
        right = found.product == medium.product and (
            not version
            or not medium.version
            or (found.version is not None and Version(found.version).starts_with(Version(medium.version)))
        )
        if not right:
            wrong.append(f"{medium.name} / {medium.label}: {found.product} {found.version}")
    return wrong


@pytest.mark.parametrize("product", PRODUCTS)
def test_name_and_label_together_tell_product_and_version(product: str, rules: RuleBook) -> None:
    labelled = [one for one in media_of(product) if one.label]
    said = lambda one: Said(one.name, {"volume": one.label})  # noqa: E731
    assert misunderstood(labelled, said, rules, version=True) == []


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_name_alone_tells_them_where_it_names_the_product(product: str, rules: RuleBook) -> None:
    named = [one for one in media_of(product) if one.name_tells]
    assert misunderstood(named[::3], lambda one: Said(one.name, {}), rules, version=True) == []


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_label_alone_tells_the_product_and_mostly_the_version(product: str, rules: RuleBook) -> None:
    labels = {one.label: one for one in media_of(product) if one.label}
    for tells in (True, False):
        media = [one for one in labels.values() if one.label_tells is tells]
        assert misunderstood(media, lambda one: Said("x.iso", {"volume": one.label}), rules, version=tells) == []


def test_never_believes_a_name_that_says_too_little(rules: RuleBook) -> None:
    silent = [one for one in every_medium() if not one.name_tells]
    assert silent
    assert {identify(Said(one.name, {}), rules).product for one in silent} == {None}
