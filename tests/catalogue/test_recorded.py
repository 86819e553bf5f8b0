"""Every expectation about the bundled products, on the real documents that were recorded from their upstreams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from isomanager.catalogue.documents import SavedDocuments
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.resolve import resolve
from isomanager.model import Selector
from recorded_expectations import (
    ADDRESSES,
    all_expectations,
    documents_of,
    expectations,
    selector_of,
    verdict,
)


def test_there_are_expectations_for_many_products(recorded: Path) -> None:
    told = expectations(recorded)
    assert {one["family"] for one in told} >= {
        "ubuntu", "debian", "fedora", "archlinux", "freebsd", "rocky", "almalinux", "alpine", "fedora-coreos", "kali",
        "linuxmint", "opensuse", "manjaro", "elementary", "qubes", "gentoo", "tails",
    }  # fmt: skip
    assert len(expectations(recorded)) >= 82


def test_every_recorded_document_answers_as_expected(recorded: Path, catalogue: Catalogue) -> None:
    told = [(one, verdict(one, recorded, catalogue)) for one in all_expectations(recorded)]
    wrong = [f"{one['fixture']} {one['query']}: {found.told}" for one, found in told if found.state == "wrong"]
    assert not wrong, "\n".join(wrong)
    assert sum(found.state == "right" for _, found in told) >= 102


def test_a_wrong_answer_is_told(recorded: Path, catalogue: Catalogue) -> None:
    for one in all_expectations(recorded):
        expect = {name: f"not {value}" if isinstance(value, str) else value for name, value in one["expect"].items()}
        if any(isinstance(value, str) for name, value in expect.items() if name not in ("not_filename", "note")):
            assert verdict({**one, "expect": expect}, recorded, catalogue).state == "wrong", one["fixture"]


def test_a_document_that_nobody_asks_about_is_not_counted_as_right(recorded: Path, catalogue: Catalogue) -> None:
    told = [verdict(one, recorded, catalogue) for one in all_expectations(recorded)]
    assert [one for one in told if one.state == "unasked"] == []
    strange = {"fixture": "x", "family": "x", "query": {}, "expect": {}}
    assert verdict(strange, recorded, catalogue).state == "unasked"


def test_the_digest_of_a_named_file_leads_to_its_image(recorded: Path, catalogue: Catalogue) -> None:
    (kde,) = [one for one in expectations(recorded) if one["fixture"] == "manjaro/kde.sha256"]
    (offer,) = resolve(catalogue.product("manjaro"), Selector.parse("manjaro@26.1.1"), documents_of(kde, recorded))
    assert (offer.filename, offer.digests["sha256"]) == (kde["expect"]["filename"], kde["expect"]["sha256"])


NOT_ASKED_FOR_A_FILE = (
    "ubuntu/meta-release",
    "freebsd/iso-images-index.html",
    "opensuse/distributions.json",
    "mint/stable-index.html",
    "manjaro/kde.sha256",
)


@pytest.mark.parametrize(
    "fixture", [one for one in ADDRESSES if one not in NOT_ASKED_FOR_A_FILE and not one.startswith("appliances/")]
)
def test_a_captive_portal_in_place_of_any_document_is_an_error(
    recorded: Path, catalogue: Catalogue, fixture: str, tmp_path: Path
) -> None:
    portal = tmp_path / "portal.html"
    portal.write_text("<!DOCTYPE html><html><body><h1>Sign in to Wi-Fi</h1><a href='/login'>Log in</a></body></html>")
    one = next(one for one in expectations(recorded) if one["fixture"] == fixture)
    with pytest.raises(Exception, match="no listing"):
        resolve(catalogue.product(one["family"]), _plain(one), SavedDocuments({ADDRESSES[fixture]: portal}))


def _plain(one: dict[str, Any]) -> Selector:
    return selector_of(
        one | {"query": {**one["query"], "flavour": one["query"].get("flavour", "").replace("any-iso", "server")}}
    )
