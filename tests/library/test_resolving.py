from __future__ import annotations

from threading import Barrier
from typing import Any

import pytest

from isomanager.errors import ServerBusy
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_all, resolve_patiently, resolve_selector, resolve_wants
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Expectation, Refusal, Selector, Subscription
from isomanager.planning.wanting import Want
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream


def judged(library: Library, text: str) -> Expectation | Refusal:
    (only,) = resolve_selector(library, library.canonical(Selector.parse(text)))
    return only


@pytest.mark.parametrize(
    ("selector", "assurance"),
    [
        ("sample-orchard/server@lts", Assurance.SIGNED),
        ("sample-granite", Assurance.SIGNED),
        ("sample-driftwood", Assurance.SIGNED),
        ("sample-beacon", Assurance.MIRROR),
        ("sample-lantern", Assurance.MIRROR),
    ],
)
def test_the_evidence_says_what_the_bytes_must_be(
    library: Library, upstream: SampleUpstream, selector: str, assurance: Assurance
) -> None:
    expected = judged(library, selector)
    assert isinstance(expected, Expectation)
    path = expected.offer.urls[0].removeprefix(upstream.url + "/")
    digests = {one.release.path: one.sha256 for one in upstream.site.state.published}
    assert expected.digests.get("sha256", digests.get(path)) == digests.get(path, expected.digests["sha256"])
    assert expected.assurance is assurance
    assert not [one for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")]


@pytest.mark.parametrize(
    ("kind", "pattern", "code"),
    [
        (FaultKind.WRONG_SIGNATURE, "*/SHA256SUMS.gpg", "unknown-key"),
        (FaultKind.NO_SIGNATURE, "*/SHA256SUMS.gpg", "no-signature"),
        (FaultKind.CORRUPT_DIGESTS, "*/SHA256SUMS", "bad-signature"),
    ],
)
def test_evidence_that_is_not_good_refuses_before_any_byte_is_fetched(
    library: Library, upstream: SampleUpstream, kind: FaultKind, pattern: str, code: str
) -> None:
    upstream.fault(kind, pattern)
    refused = judged(library, "sample-orchard/server@lts")
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_a_key_is_fetched_once_and_then_kept(library: Library, upstream: SampleUpstream) -> None:
    judged(library, "sample-orchard/server@lts")
    upstream.fault(FaultKind.NOT_FOUND, "/keys/*")
    assert isinstance(judged(library, "sample-granite"), Expectation)


def test_what_cannot_be_resolved_is_an_answer_and_never_an_older_release(
    library: Library, upstream: SampleUpstream
) -> None:
    subscription = subscribe(library, Selector.parse("sample-orchard/server@lts"))
    upstream.fault(FaultKind.NOT_FOUND, "/orchard/*")
    (want,) = resolve_wants(library, [subscription])
    (answer,) = want.resolutions
    assert answer.expectation is None
    assert answer.error_code
    assert "orchard" in answer.error
    assert not want.is_answered


def test_what_may_pass_is_raised_for_another_try_and_an_answer_for_those_who_only_look(
    library: Library, upstream: SampleUpstream
) -> None:
    subscription = subscribe(library, Selector.parse("sample-orchard/server@lts"))
    upstream.fault(FaultKind.BUSY, "/orchard/*")
    with pytest.raises(ServerBusy):
        resolve_wants(library, [subscription])
    (want,) = resolve_patiently(library, (subscription,))
    assert want.resolutions[0].error_code == "server-busy"


def test_subscriptions_of_one_product_share_its_documents(library: Library, upstream: SampleUpstream) -> None:
    ours = [subscribe(library, Selector.parse(f"sample-orchard/{one}@lts")) for one in ("server", "desktop")]
    resolve_wants(library, ours)
    asked: list[Any] = [one.path for one in upstream.requests if one.path.endswith("26.04/SHA256SUMS")]
    assert len(asked) == 1


def test_below_the_floor_is_a_refusal(library: Library) -> None:
    subscription = subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.SIGNED)
    (want,) = resolve_wants(library, [subscription])
    assert want.resolutions[0].refusal is not None
    assert want.resolutions[0].refusal.code == "below-floor"


def test_all_products_are_asked_at_the_same_time(library: Library) -> None:
    groups = {f"product-{number}": () for number in range(40)}
    together = Barrier(len(groups), timeout=60)

    def answer(_library: Library, _group: tuple[Subscription, ...]) -> tuple[Want, ...]:
        together.wait()
        return ()

    assert resolve_all(library, groups, answer) == ()


def test_a_second_look_at_what_has_not_changed_brings_no_body(library: Library, upstream: SampleUpstream) -> None:
    judged(library, "sample-orchard/server@lts")
    before = len(upstream.requests)
    judged(library, "sample-orchard/server@lts")
    again = upstream.requests[before:]
    assert {one.status for one in again if one.path.endswith(("SHA256SUMS", ".gpg"))} == {304}
    assert not sum(one.sent for one in again if one.path.endswith(("SHA256SUMS", ".gpg")))
