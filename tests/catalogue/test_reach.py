from __future__ import annotations

import pytest

from isomanager.catalogue.loader import load_catalogue
from isomanager.catalogue.product import Product
from isomanager.catalogue.reach import reachable
from isomanager.model import Assurance

KEY = "A" * 40
SITE = "https://vendor.example/iso/"


def product(**changes: object) -> Product:
    offer = {"strategy": "listing", "file": "x-(?P<version>[0-9.]+)", "steps": [{"url": SITE}]}
    own = {name: changes.pop(name) for name in ("steps", "vendor", "strategy", "url") if name in changes}
    return Product.model_validate(
        {"id": "x", "name": "X", "family": "linux", "offers": [offer | own], **changes}  # type: ignore[operator]
    )


DOCUMENT = {"document": "{folder}SHA256SUMS"}


@pytest.mark.parametrize(
    ("changes", "best"),
    [
        ({}, Assurance.SERVED),
        ({"vendor": False}, Assurance.NONE),
        ({"proof": [DOCUMENT]}, Assurance.PUBLISHED),
        ({"proof": [DOCUMENT | {"vendor": False}]}, Assurance.MIRROR),
        ({"proof": [{"document": "{folder}MD5SUMS"}]}, Assurance.MIRROR),
        ({"proof": [{"document": "{url}.sha1"}]}, Assurance.MIRROR),
        ({"proof": [DOCUMENT | {"signature": {"kind": "clearsigned"}, "keys": KEY}]}, Assurance.SIGNED),
        ({"proof": [DOCUMENT | {"signature": {"kind": "clearsigned"}}]}, Assurance.PUBLISHED),
        ({"proof": [{"document": "{url}.md5", "signature": {"kind": "clearsigned"}, "keys": KEY}]}, Assurance.MIRROR),
        ({"proof": [DOCUMENT], "known": {"x-1": {"sha256": "0" * 64}}}, Assurance.PINNED),
        ({"strategy": "manual", "steps": []}, None),
        (
            {"steps": [{"url": "http://vendor.example/"}], "source": {"allow_http": True}, "proof": [DOCUMENT]},
            Assurance.MIRROR,
        ),
    ],
)
def test_the_product_file_tells_how_far_its_images_can_be_proved(
    changes: dict[str, object], best: Assurance | None
) -> None:
    assert reachable(product(**changes)) == best


def test_a_proof_of_another_flavor_is_none_for_this_one() -> None:
    proof = [DOCUMENT | {"when": {"flavor": ["a"]}}]
    made = product(proof=proof, flavors={"a": {}, "b": {}})
    assert (reachable(made, "a"), reachable(made, "b"), reachable(made)) == (
        Assurance.PUBLISHED,
        Assurance.SERVED,
        Assurance.PUBLISHED,
    )


def test_most_of_the_catalogue_reaches_the_floor_that_subscriptions_have() -> None:
    products = load_catalogue([]).products
    below = [one.id for one in products if (best := reachable(one)) is not None and best < Assurance.PUBLISHED]
    assert {"ubuntu", "debian", "fedora", "archlinux"}.isdisjoint(below)
    assert len(below) < len(products) / 4
