from __future__ import annotations

import json
import subprocess

import pytest
from prefect.states import State

from flow_runs import Given, outcomes_of, report_of
from flows.update import update
from isomanager.library.opening import library_in_use
from isomanager.model import Assurance, CopyState, Keep, OutcomeKind
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.receipts import receipts_of

pytestmark = pytest.mark.prefect

SERVER = "sample-orchard/server@lts"


def test_a_release_is_fetched_kept_and_replaced_by_the_next(given: Given, upstream: SampleUpstream) -> None:
    given.subscription(SERVER, "sample-lantern")
    first = update()
    assert first.totals == {
        "published": 2, "current": 0, "retired": 0, "skipped": 0, "quarantined": 0, "failed": 0,
        "bytes": sum(copy.size or 0 for copy in given.copies()),
    }  # fmt: skip
    assert set(given.images().values()) <= {one.sha256 for one in upstream.site.state.published}

    fetched = given.fetches()
    second = update()
    assert [one.outcome for one in second.outcomes] == [OutcomeKind.CURRENT] * 2
    assert given.fetches() == fetched

    upstream.publish("orchard")
    third = update()
    assert {(str(one.title and one.title.version), one.outcome.value) for one in third.outcomes} == {
        ("26.04.2", "published"), ("26.04.1", "retired"), ("2.10.1", "current"),
    }  # fmt: skip
    assert given.versions("sample-orchard") == ["26.04.2"]
    assert given.versions("sample-orchard", CopyState.TRASHED) == ["26.04.1"]


def test_a_repository_proves_itself_without_isomanager(given: Given) -> None:
    given.subscription(SERVER, "sample-granite", "sample-beacon")
    update()
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=given.repository, capture_output=True)
    assert checked.returncode == 0
    told = json.loads((given.repository / "inventory.json").read_text())
    held = {copy.path: copy for copy in given.copies()}
    assert {one["filePath"]: one["hash"]["value"] for one in told["isos"]} == given.images()
    assert {one["filePath"]: one["fileSize"] for one in told["isos"]} == {
        path: copy.size for path, copy in held.items()
    }
    with library_in_use() as library:
        assurances = {}
        for copy in held.values():
            (receipt,) = receipts_of(library.store("default"), copy.sha256 or "")
            assert receipt == library.inventory.receipts(copy.sha256 or "")[0]
            assurances[copy.title.product] = receipt.assurance
    # beacon's sums are unsigned and come over plain HTTP
    assert assurances == {
        "sample-orchard": Assurance.SIGNED,
        "sample-granite": Assurance.SIGNED,
        "sample-beacon": Assurance.MIRROR,
    }


def test_two_subscriptions_that_share_one_best_version_keep_it(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-orchard/server@26.04", SERVER)
    report = update()
    assert [one.outcome for one in report.outcomes] == [OutcomeKind.PUBLISHED]
    assert "also wanted by" in report.outcomes[0].reason
    assert given.fetches() == 1
    with library_in_use() as library:
        gone = next(one for one in library.inventory.subscriptions() if str(one.selector) == SERVER)
        library.inventory.remove_subscription(gone.id)
    upstream.publish("orchard")
    given.subscription("sample-orchard/server@26.04.1")
    update()
    assert given.versions("sample-orchard") == ["26.04.1", "26.04.2"], "one subscription still selects the old one"


def test_so_many_versions_stay_as_the_subscription_says(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-lantern", keep=Keep(last=2))
    update()
    for _ in range(2):
        upstream.publish("lantern")
        update()
    assert given.versions("sample-lantern") == ["2.10.2", "2.10.3"]
    assert given.versions("sample-lantern", CopyState.TRASHED) == ["2.10.1"]


def test_a_respin_is_fetched_and_both_are_kept(given: Given, upstream: SampleUpstream) -> None:
    given.subscription(SERVER)
    update()
    upstream.respin("orchard/26.04/orchard-26.04.1-live-server-amd64.iso")
    report = update()
    assert [one.outcome for one in report.outcomes] == [OutcomeKind.PUBLISHED]
    assert "re-spin" in report.outcomes[0].reason
    assert given.versions("sample-orchard") == ["26.04.1", "26.04.1"]
    assert len(set(given.images().values())) == 2


def test_a_dry_run_changes_nothing(given: Given, upstream: SampleUpstream) -> None:
    given.subscription(SERVER)
    report = update(dry_run=True)
    assert report.plan is not None
    assert [action.kind.value for action in report.plan.actions] == ["download"]
    assert given.fetches() == 0
    assert given.images() == {}
    assert given.copies(*CopyState) == ()


def test_force_fetches_again_and_finds_the_same(given: Given) -> None:
    given.subscription(SERVER)
    update()
    before = given.images()
    report = update(force=True)
    assert given.fetches() == 2
    assert given.images() == before
    assert [one.outcome for one in report.outcomes] == [OutcomeKind.CURRENT]
    assert "fetched again" in report.outcomes[0].reason
    assert given.copies(CopyState.RESERVED, CopyState.RECEIVED, CopyState.PUBLISHING) == ()


def test_only_what_is_named_is_updated_and_the_rest_keeps_its_protection(
    given: Given, upstream: SampleUpstream
) -> None:
    given.subscription(SERVER, "sample-lantern")
    assert outcomes_of(update(what=["rescue"])) == {"sample-lantern": "published"}
    assert outcomes_of(update(what=["sample-orchard"])) == {"sample-orchard": "published"}
    upstream.publish("orchard")
    upstream.publish("lantern")
    update(what=["sample-lantern"])
    assert given.versions("sample-orchard") == ["26.04.1"]
    assert given.versions("sample-lantern") == ["2.10.2"]


def test_a_server_that_asks_for_patience_gets_it(given: Given, upstream: SampleUpstream) -> None:
    given.subscription(SERVER)
    upstream.fault(FaultKind.BUSY, "*.iso", times=2)
    assert outcomes_of(update()) == {"sample-orchard": "published"}
    upstream.clear_faults()
    upstream.publish("orchard")
    upstream.fault(FaultKind.BUSY, "*/SHA256SUMS", times=2)
    assert outcomes_of(update()) == {"sample-orchard": "published"}


def test_a_file_upstream_that_changes_during_a_resume_is_never_spliced(
    given: Given, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.subscription(SERVER)
    upstream.fault(FaultKind.TRUNCATE, "*.iso", at=100_000, times=1)
    upstream.fault(FaultKind.CHANGE, "*.iso", skip=1, times=2)  # another file until the third request
    report = report_of(update)
    assert set(given.images().values()) <= {one.sha256 for one in upstream.site.state.published}
    assert [one.outcome for one in report.outcomes] in ([OutcomeKind.PUBLISHED], [OutcomeKind.QUARANTINED])


def test_a_run_in_which_all_is_well_ends_completed(given: Given) -> None:
    given.subscription("sample-lantern")
    state: State[object] = update(return_state=True)
    assert state.is_completed()
