"""Selectors read as people write them, and values survive the way through JSON."""

from datetime import UTC, datetime

import pytest

from isomanager.errors import ConnectionFailed, IsoManagerError, UsageError
from isomanager.model import (
    Assurance,
    Document,
    Family,
    Offer,
    Receipt,
    Selector,
    Title,
    architecture,
    strongest,
)
from isomanager.version import Version, VersionRule


@pytest.mark.parametrize(
    ("text", "product", "flavor", "rule", "channel"),
    [
        ("ubuntu/server@24.04", "ubuntu", "server", VersionRule("24.04"), "stable"),
        ("ubuntu", "ubuntu", "", VersionRule(), "stable"),
        ("ubuntu/server@lts", "ubuntu", "server", VersionRule(), "lts"),
        ("fedora/workstation@beta", "fedora", "workstation", VersionRule(), "preview"),
        ("ubuntu@Nightly", "ubuntu", "", VersionRule(), "daily"),
        ("debian@oldstable", "debian", "", VersionRule(), "previous"),
        ("debian@current", "debian", "", VersionRule(), "stable"),
        ("ubuntu@24.04 LTS", "ubuntu", "", VersionRule("24.04"), "stable"),
        ("debian/netinst@latest", "debian", "netinst", VersionRule(), "stable"),
        ("ubuntu/server@24.latest", "ubuntu", "server", VersionRule("24"), "stable"),
    ],
)
def test_a_selector_is_product_flavor_and_rule(
    text: str, product: str, flavor: str, rule: VersionRule, channel: str
) -> None:
    selector = Selector.parse(text)
    assert (selector.product, selector.flavor, selector.rule, selector.channel) == (product, flavor, rule, channel)


def test_a_selector_without_product_is_refused() -> None:
    with pytest.raises(UsageError, match="names no product"):
        Selector.parse("@24.04")


def test_upstreams_architectures_are_aliases_of_ours() -> None:
    assert Selector.parse("alpine", architectures=("amd64", "arm64", "i386")).architectures == (
        "x86_64",
        "aarch64",
        "i686",
    )
    assert architecture("AMD64") == "x86_64"
    assert architecture("s390x") == "s390x"


def test_assurances_are_ordered_by_strength() -> None:
    assert max(Assurance) is Assurance.SIGNED
    assert sorted([Assurance.SIGNED, Assurance.NONE, Assurance.PUBLISHED]) == [
        Assurance.NONE,
        Assurance.PUBLISHED,
        Assurance.SIGNED,
    ]
    assert Assurance.MIRROR >= Assurance.MIRROR


def test_a_receipt_survives_the_way_through_json_with_its_documents_verbatim() -> None:
    receipt = Receipt(
        title=Title(family=Family.LINUX, product="orchard", version=Version("24.04.3")),
        sha256="a" * 64,
        size=1,
        digests={"sha256": "a" * 64},
        filename="orchard.iso",
        assurance=Assurance.SIGNED,
        evidence=(Document(url="https://example.org/SHA256SUMS", content=b"\xff\x00 not utf-8 \r\n"),),
        proved_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert Receipt.model_validate_json(receipt.model_dump_json()) == receipt


def test_an_offers_fingerprint_is_its_strongest_digest_else_size_and_validators() -> None:
    title = Title(family=Family.LINUX, product="orchard", version=Version("1"))
    offer = Offer(title=title, filename="a.iso", urls=(), size=5, etag='"x"')
    assert offer.fingerprint == 'size:5|etag:"x"|modified:'
    assert offer.model_copy(update={"digests": {"md5": "1", "sha256": "2"}}).fingerprint == "sha256:2"
    assert strongest({"md5": "1", "sha512": "3", "sha256": "2"}) == "sha512"


def test_errors_tell_machines_their_code_and_people_what_to_do() -> None:
    error = ConnectionFailed(
        "mirror.example does not answer.", hint="Try another source.", url="https://mirror.example"
    )
    assert error.transient
    assert error.as_json() == {
        "error": "connection-failed",
        "message": "mirror.example does not answer.",
        "hint": "Try another source.",
        "data": {"url": "https://mirror.example"},
    }


def _leaves(kind: type[IsoManagerError]) -> list[type[IsoManagerError]]:
    children = kind.__subclasses__()
    return [leaf for child in children for leaf in _leaves(child)] if children else [kind]


@pytest.mark.parametrize("kind", _leaves(IsoManagerError), ids=lambda kind: kind.__name__)
def test_every_error_crosses_process_borders_whole(kind: type[IsoManagerError]) -> None:
    import pickle

    error = pickle.loads(pickle.dumps(kind("what happened", hint="what to do", code="own-code", file="a.iso")))
    assert (type(error), error.message, error.hint, error.code, error.data) == (
        kind, "what happened", "what to do", "own-code", {"file": "a.iso"},
    )  # fmt: skip
