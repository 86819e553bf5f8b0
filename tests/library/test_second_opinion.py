"""A surprising answer is held back until others bear it out, on an upstream that really lies."""

from __future__ import annotations

import pytest

from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan
from isomanager.library.resolving import resolve_patiently, resolve_selector, resolve_wants
from isomanager.library.subscribing import subscribe
from isomanager.model import ActionKind, Assurance, Expectation, Outcome, OutcomeKind, Plan, Refusal, Selector
from isomanager.sample.releases import MIB, Release, day
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from library.conftest import Clock, held

BEACON = "beacon-ve_9.2-1.iso"
FLAT = """
id = "sample-flat"
name = "Flat"
family = "appliance"
source = { allow_http = true, allow_private = true }
[[offers]]
strategy = "checksums"
file = 'beacon-ve_(?P<version>\\d+\\.\\d+-\\d+)\\.iso'
steps = [{ url = "@BASE@/beacon/iso/SHA256SUMS" }]
[[proof]]
document = "{sums}"
"""
"""The checksum document is the listing, and nobody signed it: there is no witness."""

LIST = """
[[witnesses]]
form = "api"
url = "@BASE@/witness.json"
select = "[@][]"
version = "latest"
"""


def leap(upstream: SampleUpstream, to: str = "beacon-ve_92.0-1.iso") -> None:
    """From now on the vendor's listing and checksums speak of a release far beyond the one there is."""
    for document in ("/beacon/iso/", "/beacon/iso/SHA256SUMS"):
        upstream.fault("rewrite", document, find=BEACON, to=to)
    upstream.fault("redirect", f"/beacon/iso/{to}", to=f"{upstream.url}/beacon/iso/{BEACON}")


def witness(upstream: SampleUpstream, library: Library, newest: str) -> None:
    """The product file names a list of releases, kept beside the vendor's, whose newest is this."""
    (upstream.site.www / "witness.json").write_text(f'[{{"latest": "9.0-1"}}, {{"latest": "{newest}"}}]')
    file = upstream.catalogue_folder / "sample-flat.toml"
    if "witnesses" not in file.read_text():
        file.write_text(file.read_text() + LIST.replace("@BASE@", upstream.url))
    library.__dict__.pop("catalogue", None)


@pytest.fixture
def flat(upstream: SampleUpstream) -> None:
    """A product without a witness."""
    (upstream.catalogue_folder / "sample-flat.toml").write_text(FLAT.replace("@BASE@", upstream.url))


@pytest.fixture
def holding(flat: None, library: Library) -> Library:
    """Its newest is held."""
    subscribe(library, Selector.parse("sample-flat"), floor=Assurance.MIRROR)
    (published,) = update(library)
    assert published.outcome is OutcomeKind.PUBLISHED
    return library


def only(outcomes: tuple[Outcome, ...]) -> Outcome:
    (one,) = outcomes
    return one


def test_a_leap_that_nobody_bears_out_is_held_back_and_nothing_is_fetched_or_retired(
    holding: Library, upstream: SampleUpstream
) -> None:
    leap(upstream)
    before = [one for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")]
    outcome = only(update(holding))
    assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "surprising")
    assert "92.0-1 is 83 series beyond 9.2-1 (held)" in outcome.reason
    assert "isomanager update sample-flat --accept" in outcome.reason
    assert [str(copy.title.version) for copy in held(holding)] == ["9.2-1"]
    assert [one for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")] == before


def test_a_checksum_document_beside_the_listing_bears_out_a_leap(library: Library, upstream: SampleUpstream) -> None:
    subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)
    update(library)
    leap(upstream)
    assert "the checksum document agrees" in reasons(library)


def test_a_leap_that_a_release_list_knows_is_believed(holding: Library, upstream: SampleUpstream) -> None:
    leap(upstream)
    witness(upstream, holding, "92.0-1")
    assert "the release list at 127.0.0.1 agrees (its newest is 92.0-1)" in reasons(holding)


def test_a_leap_that_a_release_list_does_not_know_is_held_back_whatever_others_say(
    holding: Library, upstream: SampleUpstream
) -> None:
    leap(upstream)
    witness(upstream, holding, "9.2-1")
    outcome = only(update(holding))
    assert outcome.code == "surprising"
    assert "does not know 92.0-1; its newest is 9.2-1" in outcome.reason


def test_a_person_may_accept_it_and_then_it_surprises_no_more(holding: Library, upstream: SampleUpstream) -> None:
    leap(upstream)
    assert "Taken as it is, though surprising: 92.0-1 is 83 series beyond 9.2-1" in reasons(holding, accept=True)
    assert "surprising" not in reasons(holding)


def reasons(library: Library, *, accept: bool = False) -> str:
    """Why the one answer is believed."""
    (want,) = resolve_wants(library, library.inventory.subscriptions(), accept=accept)
    (answer,) = want.resolutions
    assert answer.expectation is not None, answer
    return " ".join(answer.expectation.reasons)


def planned(library: Library, *, accept: bool = False) -> Plan:
    return make_plan(library, resolve_wants(library, library.inventory.subscriptions(), accept=accept))


def test_a_step_back_is_held_back_though_every_digest_is_right(holding: Library, upstream: SampleUpstream) -> None:
    upstream.fault("rewrite", "/beacon/iso/SHA256SUMS", find=BEACON, to="gone.txt")
    outcome = only(update(holding))
    assert outcome.code == "surprising"
    assert "9.0-1 is older than 9.2-1 (held)" in outcome.reason
    witness(upstream, holding, "9.2-1")
    assert only(update(holding)).code == "surprising"
    (action,) = planned(holding, accept=True).of_kind(ActionKind.DOWNLOAD)
    assert str(action.title).startswith("sample-flat/vanilla@9.0-1")


def test_an_answer_older_than_the_last_good_one_is_held_back_though_nothing_is_held(
    library: Library, upstream: SampleUpstream, clock: Clock
) -> None:
    subscription = subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)
    resolve_wants(library, [subscription])
    clock.pass_(days=3)
    upstream.fault("rewrite", "/beacon/iso/", find=BEACON, to="gone.txt")
    (want,) = resolve_wants(library, [subscription])
    assert want.resolutions[0].refusal is not None
    assert "the last good answer" in want.resolutions[0].refusal.reason


def test_an_answer_that_fails_says_how_old_the_last_good_one_is(
    library: Library, upstream: SampleUpstream, clock: Clock
) -> None:
    subscription = subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)
    resolve_wants(library, [subscription])
    clock.pass_(days=3)
    upstream.fault("not-found", "/beacon/*")
    (want,) = resolve_wants(library, [subscription])
    assert want.resolutions[0].note == "the last good answer was 9.2-1, 3 days ago"
    upstream.clear_faults()
    upstream.fault("busy", "/beacon/*", retry_after=0)
    (want,) = resolve_patiently(library, (subscription,))
    assert "3 days ago" in want.resolutions[0].note


def test_a_vendors_signature_bears_out_a_leap(library: Library, upstream: SampleUpstream) -> None:
    subscribe(library, Selector.parse("sample-driftwood/bootonly"))
    update(library)
    path = "driftwood/ISO-IMAGES/51.1/Driftwood-51.1-RELEASE-amd64-bootonly.iso"
    upstream.site.publish_release(Release("driftwood", "51.1", "bootonly", path, day("2026-10-01"), MIB))
    assert "the signature agrees" in reasons(library)


def test_a_web_page_in_place_of_the_image_is_seen_before_it_is_fetched(
    library: Library, upstream: SampleUpstream
) -> None:
    upstream.fault("html", f"/beacon/iso/{BEACON}")
    (want,) = resolve_wants(library, [subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)])
    assert want.resolutions[0].error_code == "html-instead"


def test_without_a_library_only_what_is_surprising_by_itself_is_held_back(flat: None, upstream: SampleUpstream) -> None:
    leap(upstream)
    with Library(load_settings()) as library:
        (judged,) = resolve_selector(library, Selector.parse("sample-flat"))
        assert isinstance(judged, Expectation)
        upstream.clear_faults()
        leap(upstream, "beacon-ve_91.12-1.iso")
        (refused,) = resolve_selector(library, Selector.parse("sample-flat"))
        assert isinstance(refused, Refusal)
        assert "a date that is still to come" in refused.reason
    assert not (library.settings.data_folder / "isomanager.db").exists()


def test_facts_nobody_confirmed_are_told_with_every_action(library: Library, upstream: SampleUpstream) -> None:
    file = upstream.catalogue_folder / "sample-beacon.toml"
    file.write_text(file.read_text().replace("\n[source]", '\nstatus = "unconfirmed"\n[source]'))
    subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.MIRROR)
    (action,) = planned(library).actions
    assert "unconfirmed" in action.why
    assert "unconfirmed" in only(update(library)).why
    upstream.fault("not-found", "/beacon/*")
    assert "unconfirmed" in only(update(library)).why
