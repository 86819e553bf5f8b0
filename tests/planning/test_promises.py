"""What holds for any subscriptions, holdings and answers: nothing wanted goes, a plan that was done leaves nothing to do, and a
crash between any two steps leaves every subscription with a proved image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.model import (
    Action,
    ActionKind,
    Assurance,
    Copy,
    CopyState,
    Expectation,
    Family,
    Keep,
    Offer,
    Plan,
    Refusal,
    Selector,
    Subscription,
    Title,
)
from isomanager.planning.update import plan_update
from isomanager.planning.wanting import Guards, Resolution, Want
from isomanager.version import Version
from planning.judging import judge_all

NOW = datetime(2026, 11, 27, tzinfo=UTC)
OPEN = Guards(max_deletes=1000, max_delete_share=1.0, listed=frozenset({"nas", "s3"}))
VERSIONS = ("22.04.5", "24.04.1", "24.04.2", "24.04.3", "24.10", "25.04", "26.04", "26.04.1", "26.10-beta", "26.10")
RULES = ("orchard/server", "orchard/server@24.04", "orchard/server@lts", "orchard/server@26", "orchard/server@24.04.2")
ARCHITECTURES = ("x86_64", "aarch64")


def selects(one: Subscription, title: Title) -> bool:
    """As the catalogue's matcher: rule, channel, architecture; a beta only where one is named."""
    lts = one.selector.channel != "lts" or title.version.text.startswith(("22.04", "24.04", "26.04"))
    machine = not one.selector.architectures or title.architecture in one.selector.architectures
    return lts and machine and one.selector.rule.accepts(title.version) and not title.version.is_pre_release


def title(version: str, architecture: str) -> Title:
    words = {"family": Family.LINUX, "product": "orchard", "flavor": "server", "architecture": architecture}
    return Title(version=Version(version), **words)  # type: ignore[arg-type]


def digests(version: str, architecture: str, spin: int) -> dict[str, str]:
    return {"sha256": f"{version}{architecture}{spin}".encode().hex().ljust(64, "0")[-64:]}


def expectation(version: str, architecture: str, spin: int) -> Expectation:
    told = digests(version, architecture, spin)
    offer = Offer(
        title=title(version, architecture), filename=f"{version}.iso", urls=("https://vendor.example/",), digests=told
    )
    return Expectation(offer=offer, digests=told, size=100, assurance=Assurance.SIGNED)


@st.composite
def subscriptions(draw: st.DrawFn) -> tuple[Subscription, ...]:
    found = []
    for place, rule in enumerate(draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=4, unique=True))):
        machines = tuple(sorted(draw(st.sets(st.sampled_from(ARCHITECTURES), min_size=1))))
        keep = Keep(last=draw(st.integers(1, 3)), days=draw(st.sampled_from((0, 0, 40))))
        found.append(
            Subscription(
                id=f"s{place}",
                selector=Selector.parse(rule, architectures=machines),
                repositories=tuple(sorted(draw(st.sets(st.sampled_from(("nas", "s3")), min_size=1)))),
                keep=keep,
                old=draw(st.sampled_from(("trash", "trash", "keep"))),
                paused=draw(st.integers(0, 9)) == 0,
                created_at=NOW,
            )
        )
    return tuple(found)


@st.composite
def holdings(draw: st.DrawFn, owners: Sequence[Subscription]) -> tuple[Copy, ...]:
    shape = st.tuples(
        st.sampled_from(VERSIONS), st.sampled_from(ARCHITECTURES), st.integers(0, 1), st.sampled_from(("nas", "s3"))
    )
    found = []
    for place, (version, machine, spin, repository) in enumerate(draw(st.lists(shape, max_size=12, unique=True))):
        then = NOW - timedelta(days=draw(st.integers(0, 90)))
        owner = draw(st.sampled_from([*(f"subscription:{one.id}" for one in owners), "download"]))
        states = (CopyState.HELD, CopyState.HELD, CopyState.HELD, CopyState.SUSPECT)
        told = digests(version, machine, spin)
        found.append(
            Copy(
                id=f"c{place}",
                repository=repository,
                path=f"{version}-{machine}-{spin}.iso",
                title=title(version, machine),
                state=draw(st.sampled_from(states)),
                sha256=told["sha256"],
                size=100,
                digests=told,
                assurance=Assurance.SIGNED,
                source=owner,
                created_at=then,
                proved_at=then,
                changed_at=then,
            )
        )
    return tuple(found)


@st.composite
def answers(draw: st.DrawFn, wished: Sequence[Subscription]) -> tuple[Want, ...]:
    """Upstream releases some versions, each in its newest spin; some questions fail, some answers are refused."""
    released = {machine: draw(st.sets(st.sampled_from(VERSIONS), min_size=1)) for machine in ARCHITECTURES}
    spins = {version: draw(st.integers(0, 1)) for version in VERSIONS}
    wants = []
    for one in wished:
        resolutions = []
        for machine in one.selector.architectures:
            fitting = [Version(v) for v in released[machine] if selects(one, title(v, machine))]
            luck = draw(st.integers(0, 9))
            if not fitting or luck == 0:
                resolutions.append(Resolution(error="no answer", error_code="connection-failed"))
                continue
            newest = max(fitting).text
            told = expectation(newest, machine, spins[newest])
            refused = Refusal(offer=told.offer, code="bad-signature", reason="the signature does not fit")
            resolutions.append(Resolution(refusal=refused) if luck == 1 else Resolution(expectation=told))
        wants.append(Want(one, tuple(resolutions)))
    return tuple(wants)


@st.composite
def libraries(draw: st.DrawFn) -> tuple[tuple[Want, ...], tuple[Copy, ...]]:
    wished = draw(subscriptions())
    return draw(answers(wished)), draw(holdings(wished))


def planned(wants: Sequence[Want], copies: Sequence[Copy], guards: Guards = OPEN) -> Plan:
    return plan_update(wants, copies, selects=selects, guards=guards, now=NOW)


def after(copies: Sequence[Copy], action: Action) -> tuple[Copy, ...]:
    """The library once one action is done."""
    if action.kind is ActionKind.RETIRE:
        return tuple(
            one.model_copy(update={"state": CopyState.TRASHED}) if one.id == action.copy_id else one for one in copies
        )
    if action.kind is ActionKind.DOWNLOAD:
        assert action.expectation is not None
        assert action.title is not None
        came = Copy(
            id=f"new:{action.repository}:{action.title}:{len(copies)}",
            repository=action.repository,
            path=f"new-{action.title}.iso",
            title=action.title,
            state=CopyState.HELD,
            sha256=action.expectation.digests["sha256"],
            size=100,
            digests=action.expectation.digests,
            assurance=Assurance.SIGNED,
            source=action.source,
            created_at=NOW,
            proved_at=NOW,
            changed_at=NOW,
        )
        return (*copies, came)
    return tuple(copies)


def stages(copies: tuple[Copy, ...], plan: Plan) -> Iterator[tuple[Copy, ...]]:
    """What there is before, between and after all actions of the plan."""
    yield copies
    for action in plan.actions:
        copies = after(copies, action)
        yield copies


def served(wants: Sequence[Want], copies: Sequence[Copy]) -> set[tuple[str, str, str]]:
    """Which subscriptions have a proved image, by repository and architecture."""
    return {
        (want.subscription.id, repository, one.title.architecture)
        for want in wants
        for repository in want.subscription.repositories
        for one in copies
        if one.state is CopyState.HELD and one.repository == repository and selects(want.subscription, one.title)
    }


MANY = settings(max_examples=150, deadline=None)


@MANY
@given(libraries())
def test_nothing_that_a_subscription_selects_now_ever_goes(given_: tuple[tuple[Want, ...], tuple[Copy, ...]]) -> None:
    wants, copies = given_
    going = {action.copy_id for action in planned(wants, copies).of_kind(ActionKind.RETIRE)}
    for one in copies:
        current = any(
            one.repository in want.subscription.repositories and str(one.title) in want.current_titles for want in wants
        )
        unanswered = any(
            not want.is_answered
            and one.repository in want.subscription.repositories
            and selects(want.subscription, one.title)
            for want in wants
        )
        if current or unanswered or one.source == "download" or one.state is not CopyState.HELD:
            assert one.id not in going, one.title


@MANY
@given(libraries())
def test_a_subscription_that_was_served_is_served_between_any_two_steps(
    given_: tuple[tuple[Want, ...], tuple[Copy, ...]],
) -> None:
    wants, copies = given_
    before = served(wants, copies)
    for there in stages(copies, planned(wants, copies)):
        assert before <= served(wants, there)


@MANY
@given(libraries())
def test_a_run_that_goes_on_after_a_crash_ends_where_the_whole_one_does(
    given_: tuple[tuple[Want, ...], tuple[Copy, ...]],
) -> None:
    wants, copies = given_

    def content(there: Sequence[Copy]) -> set[tuple[str, str, str | None]]:
        return {(one.repository, str(one.title), one.sha256) for one in there if one.state is CopyState.HELD}

    *between, whole = stages(copies, planned(wants, copies))
    for there in between:
        *_, done = stages(there, planned(wants, there))
        assert content(done) == content(whole)


@MANY
@given(libraries())
def test_a_plan_that_was_done_leaves_nothing_to_do(given_: tuple[tuple[Want, ...], tuple[Copy, ...]]) -> None:
    wants, copies = given_
    *_, done = stages(copies, planned(wants, copies))
    again = planned(wants, done)
    assert again.of_kind(ActionKind.DOWNLOAD, ActionKind.RETIRE) == ()


@MANY
@given(libraries())
def test_what_is_fetched_comes_before_anything_goes(given_: tuple[tuple[Want, ...], tuple[Copy, ...]]) -> None:
    kinds = [one.kind for one in planned(*given_).actions if one.kind in (ActionKind.DOWNLOAD, ActionKind.RETIRE)]
    assert kinds == sorted(kinds, key=lambda kind: kind is ActionKind.RETIRE)


@MANY
@given(libraries(), st.data())
def test_a_download_that_fails_lets_nothing_go_that_it_was_to_replace(
    given_: tuple[tuple[Want, ...], tuple[Copy, ...]], data: st.DataObject
) -> None:
    """Retirements are judged again as they are done: with what really came."""
    wants, copies = given_
    plan = planned(wants, copies)
    there = copies
    for action in plan.of_kind(ActionKind.DOWNLOAD):
        if data.draw(st.booleans()):
            there = after(there, action)
    before = served(wants, there)
    verdicts = judge_all(there, wants, selects=selects, guards=OPEN, now=NOW)
    stays = [one.copy for one in verdicts if one.stays]
    assert before == served(wants, stays)
    for want in wants:
        missing = [
            one.title for one in want.resolutions if one.title and one.title not in {copy.title for copy in there}
        ]
        for one in verdicts:
            if any(
                selects(want.subscription, title_) and title_.architecture == one.copy.title.architecture
                for title_ in missing
            ):
                held_here = one.copy.repository in want.subscription.repositories
                assert one.stays or not held_here or not selects(want.subscription, one.copy.title)


@pytest.mark.parametrize("limit", [0, 1, 2])
@given(libraries())
@settings(max_examples=50, deadline=None)
def test_no_run_lets_go_of_more_than_it_may(limit: int, given_: tuple[tuple[Want, ...], tuple[Copy, ...]]) -> None:
    guards = Guards(max_deletes=limit, max_delete_share=1.0, listed=frozenset({"nas", "s3"}))
    for repository in ("nas", "s3"):
        going = planned(*given_, guards).of_kind(ActionKind.RETIRE)
        assert sum(one.repository == repository for one in going) <= limit
