"""The sample is honest towards the real judge: good evidence reaches its assurance, and each forgery is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from isomanager.catalogue.loader import load_product
from isomanager.catalogue.resolve import resolve
from isomanager.model import Assurance, Expectation, Refusal, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.transfer.documents import HttpDocuments
from isomanager.transfer.http import FetchPolicy
from isomanager.trust.evidence import gather_evidence
from isomanager.trust.expectation import judge
from isomanager.trust.keyring import Keyring


def judged(upstream: SampleUpstream, product: str) -> Expectation | Refusal:
    with httpx.Client(trust_env=False, verify=False) as client:
        documents = HttpDocuments(client, FetchPolicy(allow_http=True, allow_private=True))
        known = load_product(upstream.catalogue_folder / f"{product}.toml")
        (offer,) = resolve(known, Selector.parse(product), documents)
        keyring = Keyring.of(upstream.site.key.public)
        return judge(offer, gather_evidence(offer, documents), keyring, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("product", "assurance"),
    [
        ("sample-orchard", Assurance.SIGNED),
        ("sample-granite", Assurance.SIGNED),
        ("sample-driftwood", Assurance.SIGNED),
        # unsigned digests count for no more than a mirror's word when they come over plain HTTP
        ("sample-beacon", Assurance.MIRROR),
        ("sample-lantern", Assurance.MIRROR),
    ],
)
def test_good_evidence_reaches_its_assurance(upstream: SampleUpstream, product: str, assurance: Assurance) -> None:
    expected = judged(upstream, product)
    assert isinstance(expected, Expectation)
    assert expected.assurance is assurance
    if assurance is Assurance.SIGNED:
        assert expected.signer is not None
        assert expected.signer.primary == upstream.key_fingerprint


@pytest.mark.parametrize("product", ["sample-orchard", "sample-granite", "sample-driftwood"])
@pytest.mark.parametrize(
    ("kind", "code"),
    [("wrong-signature", "unknown-key"), ("no-signature", "no-signature"), ("corrupt-digests", "bad-signature")],
)
def test_a_forgery_is_refused_by_name(upstream: SampleUpstream, product: str, kind: str, code: str) -> None:
    for documents in ("*SUMS*", "*CHECKSUM*"):
        upstream.fault(kind, documents)
    refused = judged(upstream, product)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_a_respin_changes_what_is_expected(upstream: SampleUpstream) -> None:
    before = judged(upstream, "sample-driftwood")
    upstream.respin("driftwood/ISO-IMAGES/15.1/Driftwood-15.1-RELEASE-amd64-disc1.iso")
    after = judged(upstream, "sample-driftwood")
    assert isinstance(before, Expectation)
    assert isinstance(after, Expectation)
    assert after.offer.filename == before.offer.filename
    assert after.digests != before.digests
