"""What is not read lets nothing go: a plan that asks only about what may matter is the plan that judges everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import Action, ActionKind, Assurance, Copy, CopyState, Keep, Selector, Subscription, Title
from isomanager.planning.deciding import Rules
from isomanager.planning.guarding import let_go
from isomanager.planning.judging import judge_retention
from isomanager.planning.retention import clings, judge_unguarded
from isomanager.planning.shelf import CopiesOnHand, Group
from isomanager.planning.update import plan_from
from isomanager.planning.verdicts import Reason, Verdict
from isomanager.planning.wanting import Guards, Resolution, Scope, Want, scope
from planning.judging import judged_one_by_one
from planning.test_promises import (
    ARCHITECTURES,
    MANY,
    NOW,
    RULES,
    VERSIONS,
    after,
    digests,
    expectation,
    libraries,
    selects,
    title,
)
from planning.test_update import OPEN as NAS_OPEN
from planning.test_update import copy, plan, want

Library = tuple[tuple[Want, ...], tuple[Copy, ...]]


def out_of_support(one: Title) -> date | None:
    return date(2026, 1, 1) if one.version.text.startswith(("22", "24")) else None


def aliased(copies: Sequence[Copy]) -> dict[str, tuple[Reason, ...]]:
    """The newest of each scope in a repository has an alias."""
    newest: dict[tuple[str, Scope], Copy] = {}
    for one in sorted(copies, key=lambda one: one.title.version):
        newest[one.repository, scope(one.title)] = one
    return {one.id: (Reason("aliased", "an alias stands for it"),) for one in newest.values()}


@st.composite
def guards(draw: st.DrawFn) -> Guards:
    """All that a person may have set, and the copies that somebody needs."""
    one = Guards(
        max_deletes=draw(st.sampled_from((0, 1, 2, 1000))),
        max_delete_bytes=draw(st.sampled_from((0, 0, 150, 250))),
        max_delete_share=draw(st.sampled_from((0.1, 1.0))),
        frozen=draw(st.integers(0, 9)) == 0,
        listed=frozenset(draw(st.sampled_from((("nas", "s3"), ("nas", "s3"), ("nas",))))),
        protected={
            f"c{place}": (Reason("pinned", "pinned"),) for place in draw(st.sets(st.integers(0, 11), max_size=3))
        },
    )
    one = replace(one, aliased=aliased) if draw(st.booleans()) else one
    return replace(one, unsupported=out_of_support) if draw(st.booleans()) else one


@st.composite
def crowded(draw: st.DrawFn) -> Library:
    """Subscriptions that upstream answers, each with the newest there is, and of every scope some versions in each repository."""
    keeps = st.builds(
        Keep, last=st.integers(1, 3), days=st.sampled_from((0, 0, 0, 40)), per_major=st.sampled_from((0, 0, 2))
    )
    rules_ = draw(st.sampled_from((RULES[:1], RULES[:1], RULES[:2], (RULES[0], RULES[3]))))
    wished = [
        Subscription(
            id=f"s{place}", selector=Selector.parse(rule, architectures=ARCHITECTURES), repositories=("nas", "s3"),
            keep=draw(keeps), old=draw(st.sampled_from(("trash", "trash", "trash", "keep"))), created_at=NOW,
        )
        for place, rule in enumerate(rules_)
    ]  # fmt: skip
    copies, released = [], [one for one in VERSIONS if "beta" not in one]
    for repository in ("nas", "s3"):
        for machine in ARCHITECTURES:
            for version in draw(st.sets(st.sampled_from(VERSIONS), max_size=5)):
                told, then = digests(version, machine, 0), NOW - timedelta(days=draw(st.sampled_from((1, 90))))
                source = draw(st.sampled_from(("subscription:s0", "subscription:s0", "subscription:s0", "download")))
                copies.append(
                    Copy(
                        id=f"c{len(copies)}", repository=repository, path=f"{version}-{machine}.iso", title=title(version, machine),
                        state=CopyState.HELD, sha256=told["sha256"], size=draw(st.sampled_from((50, 100, 200))), digests=told,
                        assurance=Assurance.SIGNED, source=source, created_at=then, proved_at=then, changed_at=then,
                    )
                )  # fmt: skip
    newest = draw(st.integers(3, len(released)))

    def answer(one: Subscription, machine: str) -> Resolution:
        fitting = [version for version in released[:newest] if selects(one, title(version, machine))]
        return Resolution(expectation=expectation(fitting[-1], machine, 0)) if fitting else Resolution(error="none")

    wants = tuple(Want(one, tuple(answer(one, machine) for machine in ARCHITECTURES)) for one in wished)
    return wants, tuple(copies)


def let_go_of_by(actions: Sequence[Action]) -> list[tuple[str, str]]:
    return [(one.copy_id, one.reason) for one in actions if one.kind is ActionKind.RETIRE]


@MANY
@given(libraries() | crowded(), guards())
def test_the_plan_retires_what_the_judge_of_everything_lets_go(library: Library, limits: Guards) -> None:
    wants, copies = library
    made = plan_from(wants, CopiesOnHand(copies), Rules(selects, limits), now=NOW)
    downloads = made.of_kind(ActionKind.DOWNLOAD)
    there = reduce(after, downloads, copies)
    judged = judged_one_by_one(there, wants, selects=selects, guards=limits, now=NOW)
    assert let_go_of_by(made.actions) == [(one.copy.id, one.reason) for one in judged if not one.stays]


@MANY
@given(libraries() | crowded(), guards())
def test_whoever_clings_to_a_number_of_copies_lets_none_of_them_go(library: Library, limits: Guards) -> None:
    wants, copies = library
    scopes = {(one.repository, scope(one.title)) for one in copies if one.state is CopyState.HELD}
    for repository, here in scopes:
        group = [one for one in copies if (one.repository, scope(one.title)) == (repository, here)]
        concerned = [one for one in wants if repository in one.subscription.repositories]
        if all(clings(one, len(group), limits) for one in concerned):
            judged = judge_unguarded(group, wants, selects=selects, guards=limits, now=NOW)
            assert all(one.stays for one in judged), [str(one.copy.title) for one in judged if not one.stays]


@MANY
@given(libraries() | crowded(), guards(), st.data())
def test_some_copies_are_judged_as_all_of_them_would_be(library: Library, limits: Guards, data: st.DataObject) -> None:
    wants, copies = library
    expected = {one.copy.id: one for one in judged_one_by_one(copies, wants, selects=selects, guards=limits, now=NOW)}
    some = data.draw(st.lists(st.sampled_from(copies), unique_by=lambda one: one.id)) if copies else []
    judged = judge_retention(some, wants, CopiesOnHand(copies), Rules(selects, limits), now=NOW)
    assert judged == {one.id: expected[one.id] for one in some if one.state is CopyState.HELD}


class Counting(CopiesOnHand):
    """Notes which copies were read to be judged."""

    def __init__(self, copies: Sequence[Copy]) -> None:
        super().__init__(copies)
        self.read: list[str] = []
        self.found: list[Group] = []

    def groups(self, products: Collection[str], repositories: Collection[str], more_than: int) -> Iterable[Group]:
        self.found = list(super().groups(products, repositories, more_than))
        return self.found

    def held_of(self, repository: str, product: str, scopes: Collection[Scope]) -> Sequence[Copy]:
        copies = super().held_of(repository, product, scopes)
        self.read += [one.id for one in copies]
        return copies


def test_what_is_kept_whole_is_not_even_looked_for() -> None:
    copies = [copy(one) for one in ("24.04.3", "24.04.4")]
    for kept in (
        want("24.04.4", keep=Keep(last=2)),
        want("24.04.4", old="keep"),
        want(None),
    ):
        shelf = Counting(copies)
        made = plan_from([kept], shelf, Rules(selects, NAS_OPEN), now=NOW)
        assert not made.of_kind(ActionKind.RETIRE)
        assert (shelf.read, shelf.found) == ([], [])


def test_what_support_outweighs_is_looked_at_though_a_rule_keeps_it() -> None:
    copies = [copy(one) for one in ("24.04.3", "26.04")]
    ended = replace(NAS_OPEN, unsupported=out_of_support)
    (gone,) = plan([want("26.04", keep=Keep(last=5))], copies, ended).of_kind(ActionKind.RETIRE)
    assert gone.path == "orchard-24.04.3.iso"


def test_a_repository_that_may_lose_nothing_is_not_read() -> None:
    copies = [copy(one) for one in ("24.04.2", "24.04.3", "24.04.4")]
    for limits in (replace(NAS_OPEN, frozen=True), Guards(), replace(NAS_OPEN, max_deletes=0)):
        shelf = Counting(copies)
        plan_from([want("24.04.4")], shelf, Rules(selects, limits), now=NOW)
        assert shelf.read == []


def renamed(one: Title, product: str) -> Title:
    return one.model_copy(update={"product": product})


def of(product: str, *versions: str) -> list[Copy]:
    return [
        one.model_copy(update={"id": f"{product}-{one.title.version}", "title": renamed(one.title, product)})
        for one in map(copy, versions)
    ]


def wanted(product: str, version: str) -> Want:
    one = want(version)
    (resolution,) = one.resolutions
    assert resolution.expectation is not None
    offer = resolution.expectation.offer
    there = offer.model_copy(update={"title": renamed(offer.title, product)})
    expected = resolution.expectation.model_copy(update={"offer": there})
    selector = one.subscription.selector.model_copy(update={"product": product})
    subscription = one.subscription.model_copy(update={"selector": selector})
    return Want(subscription, (replace(resolution, expectation=expected),))


def two_products(most: int) -> Rules:
    return Rules(lambda one, its: one.selector.product == its.product, replace(NAS_OPEN, max_deletes=most))


def test_products_whose_turn_does_not_come_are_not_read() -> None:
    """Of two products the one with the older versions goes first, and the limit of the run is reached with it."""
    young, old = of("meadow", "30.1", "30.2", "30.3"), of("orchard", "20.1", "20.2", "20.3")
    shelf = Counting([*young, *old])
    made = plan_from([wanted("meadow", "30.3"), wanted("orchard", "20.3")], shelf, two_products(2), now=NOW)
    assert [one.copy_id for one in made.of_kind(ActionKind.RETIRE)] == ["orchard-20.1", "orchard-20.2"]
    assert shelf.read == [one.id for one in old]


def test_no_other_product_is_read_to_judge_a_copy_that_stays() -> None:
    shelf = Counting([*of("meadow", "30.1", "30.2", "30.3"), *of("orchard", "20.1", "20.2", "20.3")])
    wants = [wanted("meadow", "30.3"), wanted("orchard", "20.3")]
    (newest,) = of("meadow", "30.3")
    (verdict,) = judge_retention([newest], wants, shelf, two_products(2), now=NOW).values()
    assert verdict.stays
    assert {one.partition("-")[0] for one in shelf.read} == {"meadow"}


def test_a_copy_whose_turn_does_not_come_stays_for_the_limit_of_the_run() -> None:
    shelf = Counting([*of("meadow", "30.1", "30.2", "30.3"), *of("orchard", "20.1", "20.2", "20.3")])
    wants = [wanted("meadow", "30.3"), wanted("orchard", "20.3")]
    asked = [*of("meadow", "30.1"), *of("orchard", "20.2")]
    verdicts = judge_retention(asked, wants, shelf, two_products(2), now=NOW)
    late, in_time = verdicts["meadow-30.1"], verdicts["orchard-20.2"]
    assert (late.stays, late.reasons[0].code) == (True, "max-deletes")
    assert not in_time.stays


def test_what_is_coming_lets_an_only_copy_go_in_its_turn() -> None:
    copies = [*of("meadow", "30.1", "30.2"), *of("orchard", "20.1")]
    made = plan_from(
        [wanted("meadow", "30.2"), wanted("orchard", "40.1")], CopiesOnHand(copies), two_products(1), now=NOW
    )
    assert [one.copy_id for one in made.of_kind(ActionKind.RETIRE)] == ["orchard-20.1"]


def test_no_more_verdicts_are_asked_for_than_have_their_turn() -> None:
    asked: list[str] = []

    def in_turn() -> Iterator[Verdict]:
        for version in ("24.04.1", "24.04.2", "24.04.3"):
            asked.append(version)
            yield Verdict(copy(version), False, (Reason("replaced", "replaced"),))

    going = let_go("nas", in_turn(), replace(NAS_OPEN, max_deletes=1), 10)
    assert [str(one.copy.title.version) for one in going] == ["24.04.1"]
    assert asked == ["24.04.1"]
