"""The catalogue in Prefect: a product added by a form, the health of all of them as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flow_runs import Given, eventually, outcomes_of, report_of
from flows.add_product import add_product
from flows.check_catalogue import check_catalogue
from flows.update import update
from isomanager.errors import CatalogueError, PermanentError, UsageError
from isomanager.model import Family
from isomanager.sample.upstream import SampleUpstream


def test_a_form_makes_a_product_that_is_tried(upstream: SampleUpstream, tmp_path: Path) -> None:
    base = f"{upstream.url}/beacon/iso"
    found = add_product(
        id="mine", family=Family.APPLIANCE, example=f"{base}/beacon-ve_9.2-1.iso", checksums=f"{base}/SHA256SUMS"
    )
    assert (found.state, found.version, found.status) == ("ok", "9.2-1", "unconfirmed")
    assert (tmp_path / "data" / "catalogue" / "mine.toml").exists()


def test_a_whole_file_may_be_pasted_instead_and_a_wrong_one_is_told_where(upstream: SampleUpstream) -> None:
    with pytest.raises(CatalogueError, match=r"the form: family"):
        add_product(whole='{"id": "mine", "name": "Mine", "family": "gadget", "offers": [{"strategy": "manual"}]}')
    found_by_hand = '{"id": "mine", "name": "Mine", "family": "custom", "offers": [{"strategy": "manual"}]}'
    assert add_product(whole=found_by_hand).state == "degraded"
    with pytest.raises(UsageError, match="short name"):
        add_product(name="no address")


def test_what_does_not_resolve_is_kept_and_the_run_says_so(upstream: SampleUpstream, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="does not resolve yet"):
        add_product(id="mine", example=f"{upstream.url}/nowhere/mine-1.0.iso")
    assert (tmp_path / "data" / "catalogue" / "mine.toml").exists()


def test_a_broken_resolver_is_an_event_and_the_result_is_data(
    upstream: SampleUpstream, client: SyncPrefectClient
) -> None:
    check_catalogue(what=["sample-beacon"])
    upstream.fault("not-found", "/beacon/*")
    broken, well = sorted(check_catalogue(what=["sample-beacon", "sample-lantern"]), key=lambda one: one.product)
    assert (broken.state, broken.good_version, well.state) == ("broken", "9.2-1", "ok")

    def told() -> bool:
        answer = client._client.post(
            "/events/filter", json={"filter": {"event": {"name": ["isomanager.resolver.broken"]}}}
        )
        return any(one["resource"]["prefect.resource.name"] == "sample-beacon" for one in answer.json()["events"])

    assert eventually(told)


def test_a_surprising_answer_turns_the_run_red_and_is_believed_once_it_is_accepted(
    given: Given, upstream: SampleUpstream
) -> None:
    given.subscription("sample-beacon")
    assert outcomes_of(report_of(update)) == {"sample-beacon": "published"}
    upstream.fault("rewrite", "/beacon/iso/", find="beacon-ve_9.2-1.iso", to="gone.txt")
    held_back = report_of(update)
    assert outcomes_of(held_back) == {"sample-beacon": "quarantined"}
    assert [one.code for one in held_back.bad] == ["surprising"]
    assert given.versions("sample-beacon") == ["9.2-1"]
    assert outcomes_of(report_of(update, accept=True)) == {"sample-beacon": "published"}
    assert given.versions("sample-beacon") == ["9.0-1", "9.2-1"]
