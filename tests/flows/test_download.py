from __future__ import annotations

import hashlib

import pytest

from flow_runs import Given, outcomes_of, report_of
from flows.download import download
from flows.prune import prune
from flows.update import update
from isomanager.model import Assurance, CopyState
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect

LANTERN = "lantern/stable/lantern-2.9.4.iso"


def test_an_image_named_once_comes_and_stays(given: Given, upstream: SampleUpstream) -> None:
    report = download(selector="sample-orchard/desktop@24.04.2")
    assert outcomes_of(report) == {"sample-orchard": "published"}
    assert outcomes_of(download(selector="sample-orchard/desktop@24.04.2")) == {"sample-orchard": "current"}
    given.subscription("sample-orchard/desktop@lts")
    update()
    assert given.versions("sample-orchard") == ["24.04.2", "26.04.1"], "no subscription brought it, so none lets it go"


def test_an_address_with_its_digest_needs_no_catalogue(
    given: Given, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = upstream.image(LANTERN)
    sha256 = hashlib.sha256(content).hexdigest()
    url = f"{upstream.url}/{LANTERN}"
    report = report_of(download, url=url, sha256=sha256, name="Own Lantern")
    (copy,) = given.copies() or (None,)
    assert copy is not None, report.bad
    assert (copy.sha256, copy.assurance, copy.title.family.value) == (sha256, Assurance.PINNED, "custom")
    assert list(given.images().values()) == [sha256]


def test_an_address_with_a_wrong_digest_brings_nothing(given: Given, upstream: SampleUpstream) -> None:
    report = report_of(download, url=f"{upstream.url}/{LANTERN}", sha256="0" * 64)
    assert [one.is_bad for one in report.outcomes] == [True]
    assert given.images() == {}


def test_prune_retires_what_was_replaced_and_nothing_else(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-lantern", old="keep")
    update()
    upstream.publish("lantern")
    update()
    assert given.versions("sample-lantern") == ["2.10.1", "2.10.2"]
    given.subscription("sample-lantern", old="trash")
    shown = prune()
    assert shown.plan is not None
    assert [action.kind.value for action in shown.plan.actions] == ["retire"]
    assert given.versions("sample-lantern") == ["2.10.1", "2.10.2"], "a dry run, unless it is switched off"
    fetched = given.fetches()
    assert [one.outcome.value for one in prune(dry_run=False).outcomes] == ["retired"]
    assert given.versions("sample-lantern") == ["2.10.2"]
    assert given.versions("sample-lantern", CopyState.TRASHED) == ["2.10.1"]
    assert given.fetches() == fetched


def test_prune_empties_the_trash_also_when_nothing_new_goes(
    given: Given, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.subscription("sample-lantern")
    update()
    upstream.publish("lantern")
    update()
    (trashed,) = given.copies(CopyState.TRASHED)
    assert (given.repository / trashed.trash_path).exists()
    monkeypatch.setenv("ISOMANAGER_TRASH_DAYS", "0")
    upstream.fault(FaultKind.BUSY, "*.iso")
    prune(dry_run=False)
    assert not (given.repository / trashed.trash_path).exists()
    assert given.versions("sample-lantern", CopyState.GONE) == ["2.10.1"]
