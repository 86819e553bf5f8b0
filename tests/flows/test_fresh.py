"""Updates that find fresh answers ask nobody; a refresh brings them, and publishes them."""

from __future__ import annotations

import json

import pytest

from flow_runs import Given, outcomes_of
from flows.refresh_catalogue import refresh_catalogue
from flows.update import update
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect


@pytest.fixture(autouse=True)
def _an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_CATALOGUE_MAX_AGE", "3600")


def test_an_update_with_nothing_to_do_asks_nobody_until_it_is_told_to(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-orchard/server@lts", "sample-lantern")
    update()
    asked = len(upstream.requests)
    upstream.publish("lantern")
    assert outcomes_of(update()) == {"sample-orchard": "current", "sample-lantern": "current"}
    assert len(upstream.requests) == asked
    assert outcomes_of(update(refresh=True)) == {"sample-orchard": "current", "sample-lantern": "published"}
    assert given.versions("sample-lantern") == ["2.10.2"]


def test_a_refresh_finds_what_the_next_update_fetches_and_publishes_it(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-lantern", "sample-beacon")
    update()
    upstream.publish("lantern")
    upstream.fault(FaultKind.BUSY, "/beacon/*", status=500)
    done = refresh_catalogue(publish=["default"])
    assert done.answered == 1
    assert [told.partition(":")[0] for told in done.unanswered] == ["sample-beacon/vanilla@latest"]
    assert done.published == (str(given.repository / "catalogue.json"),)
    told = json.loads((given.repository / "catalogue.json").read_text())
    assert {one["selector"]["product"] for one in told["answers"]} == {"sample-lantern", "sample-beacon"}
    asked = [one.path for one in upstream.requests]
    assert outcomes_of(update(what=["sample-lantern"])) == {"sample-lantern": "published"}
    assert {one.path.rpartition(".")[2] for one in upstream.requests[len(asked) :]} == {"iso"}
