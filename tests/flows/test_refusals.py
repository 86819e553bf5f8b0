"""One bad image never stops the rest, never turns green, and leaves the old copy as it was."""

from __future__ import annotations

from typing import Any

import pytest

from flow_runs import Given, outcomes_of, report_of
from flows.reporting import RunFailed
from flows.update import update
from isomanager.library.opening import library_in_use
from isomanager.library.recovering import INTERRUPTED
from isomanager.model import CopyState
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect

SERVER = "sample-orchard/server@lts"
NEW = "*26.04.2*.iso"

BAD: dict[str, tuple[FaultKind, str, dict[str, Any], str, str]] = {
    "wrong checksum": (FaultKind.FLIP_BIT, NEW, {"at": 1000}, "quarantined", "upstream-broken"),
    "wrong digests in the document": (
        FaultKind.CORRUPT_DIGESTS,
        "*/26.04/SHA256SUMS",
        {},
        "quarantined",
        "bad-signature",
    ),
    "wrong signature": (FaultKind.WRONG_SIGNATURE, "*/26.04/SHA256SUMS.gpg", {}, "quarantined", "unknown-key"),
    "no signature": (FaultKind.NO_SIGNATURE, "*/26.04/SHA256SUMS.gpg", {}, "quarantined", "no-signature"),
    "truncated for ever": (FaultKind.TRUNCATE, NEW, {"at": 1000}, "failed", "body-truncated"),
    "a web page": (FaultKind.HTML, NEW, {}, "failed", "html-instead"),
    "not there": (FaultKind.NOT_FOUND, NEW, {}, "failed", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_image_fails_the_run_and_nothing_else(
    case: str, given: Given, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_RETRY_COUNT", "1")
    kind, pattern, numbers, outcome, code = BAD[case]
    given.subscription(SERVER, "sample-lantern")
    update(what=[SERVER])
    before = given.images()
    upstream.publish("orchard")
    upstream.fault(kind, pattern, **numbers)

    state = update(return_state=True)
    assert state.is_failed()
    failed = state.result(raise_on_failure=False)
    assert isinstance(failed, RunFailed)
    (bad,) = failed.report.bad
    assert bad.outcome.value == outcome
    assert bad.selector.startswith("sample-orchard")
    assert bad.code == code or not code
    assert bad.reason in str(state.message)
    assert "orchard" in str(state.message)

    assert outcomes_of(failed.report)["sample-lantern"] == "published"
    assert {path: digest for path, digest in given.images().items() if "lantern" not in path} == before
    assert given.versions("sample-orchard") == ["26.04.1"]

    upstream.clear_faults()
    if outcome == "failed":
        update()
        assert given.versions("sample-orchard") == ["26.04.2"]
        assert given.copies(*INTERRUPTED) == ()


def test_a_wrong_digest_is_looked_at_twice_and_remembered_until_the_evidence_changes(
    given: Given, upstream: SampleUpstream
) -> None:
    given.subscription(SERVER)
    upstream.fault(FaultKind.FLIP_BIT, "*server*.iso", at=-1000)
    assert outcomes_of(report_of(update)) == {"sample-orchard": "quarantined"}
    assert given.fetches() == 2
    assert given.copies(*INTERRUPTED) == ()
    again = report_of(update)
    assert outcomes_of(again) == {"sample-orchard": "quarantined"}
    assert "refused before" in again.outcomes[0].reason
    assert given.fetches() == 2

    upstream.clear_faults()
    assert outcomes_of(report_of(update)) == {"sample-orchard": "quarantined"}, "the evidence has not changed"
    upstream.respin("orchard/26.04/orchard-26.04.1-live-server-amd64.iso")
    assert outcomes_of(update()) == {"sample-orchard": "published"}


def test_what_was_refused_is_tried_again_by_force_and_then_no_longer_held_against_it(
    given: Given, upstream: SampleUpstream
) -> None:
    given.subscription(SERVER)
    upstream.fault(FaultKind.FLIP_BIT, "*server*.iso", at=5)
    assert outcomes_of(report_of(update)) == {"sample-orchard": "quarantined"}
    upstream.clear_faults()
    assert outcomes_of(update(force=True)) == {"sample-orchard": "published"}
    with library_in_use() as library:
        assert library.inventory.quarantined() == ()


def test_nothing_is_retired_while_upstream_does_not_answer(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-orchard/server@24.04.2", SERVER)
    update()
    with library_in_use() as library:
        whole = next(one for one in library.inventory.subscriptions() if "24.04.2" in str(one.selector))
        library.inventory.remove_subscription(whole.id)
    before = given.images()
    upstream.fault(FaultKind.NOT_FOUND, "/orchard/*")
    report = report_of(update)
    assert outcomes_of(report) == {}
    assert [one.outcome.value for one in report.outcomes] == ["failed"]
    assert given.images() == before
    assert given.copies(CopyState.TRASHED, CopyState.RETIRING) == ()
