"""Which subscriptions a run is about, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain_update import answers
from isomanager.errors import InventoryError, UsageError
from isomanager.library.choosing import Narrowing, chosen_subscriptions
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan
from isomanager.library.resolving import resolve_patiently
from isomanager.library.subscribing import Changes, change, subscribe
from isomanager.model import ActionKind, Assurance, Selector, Subscription

Named = Callable[..., list[str]]


def subscribed(library: Library, text: str, **terms: object) -> Subscription:
    terms.setdefault("floor", Assurance.MIRROR)
    return subscribe(library, Selector.parse(text), **terms)  # type: ignore[arg-type]


@pytest.fixture
def named(library: Library) -> Named:
    subscribed(library, "sample-orchard/server@lts", tags=("lab", "Rack-7"), group="nightly")
    subscribed(library, "sample-orchard/desktop")
    subscribed(library, "sample-granite/server", tags=("lab",))
    subscribed(library, "sample-beacon")

    def choose(*words: str, narrowing: Narrowing | None = None) -> list[str]:
        return [str(one.selector) for one in chosen_subscriptions(library, words, narrowing)]

    return choose


ORCHARD_SERVER, ORCHARD_DESKTOP = "sample-orchard/server@lts", "sample-orchard/desktop@latest"
GRANITE, BEACON = "sample-granite/server@latest", "sample-beacon/vanilla@latest"


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["tag:lab"], [ORCHARD_SERVER, GRANITE]),
        (["TAG:rack-7"], [ORCHARD_SERVER]),
        (["group:nightly"], [ORCHARD_SERVER]),
        (["*/server@lts"], [ORCHARD_SERVER]),
        (["*/server"], [ORCHARD_SERVER, GRANITE]),
        (["linux:*"], [ORCHARD_SERVER, ORCHARD_DESKTOP, GRANITE]),
        (["linux:*/desktop"], [ORCHARD_DESKTOP]),
        (["sample-*r*"], [ORCHARD_SERVER, ORCHARD_DESKTOP, GRANITE]),
        (["tag:lab", "appliance"], [ORCHARD_SERVER, GRANITE, BEACON]),
        (["group:weekly"], []),
        (["windows:*"], []),
    ],
)
def test_words_choose_subscriptions(named: Named, words: list[str], chosen: list[str]) -> None:
    assert named(*words) == chosen


@pytest.mark.parametrize("word", ["tag:nowhere", "nonsense", "sample-lantern"])
def test_a_word_that_fits_nothing_is_refused(named: Named, word: str) -> None:
    with pytest.raises(UsageError, match="No subscription fits"):
        named(word)


def test_a_condition_of_no_family_is_refused(named: Named) -> None:
    with pytest.raises(UsageError, match="no condition"):
        named("planet:*")


def test_what_a_run_leaves_out_by_architecture_is_not_chosen(named: Named) -> None:
    assert named(narrowing=Narrowing(architectures=("aarch64",))) == []
    assert len(named(narrowing=Narrowing(architectures=("amd64",)))) == 4


def test_a_target_version_holds_for_one_run_and_lets_nothing_go(library: Library) -> None:
    subscribed(library, "sample-orchard/server@24.04")
    chosen = chosen_subscriptions(library, ["sample-orchard"], Narrowing(target="24.04.2"))
    plan = make_plan(library, resolve_patiently(library, chosen))
    assert [(one.kind, str(one.title and one.title.version)) for one in plan.actions] == [
        (ActionKind.DOWNLOAD, "24.04.2")
    ]
    assert [str(one.selector) for one in library.inventory.subscriptions()] == ["sample-orchard/server@24.04"]


def test_a_target_outside_the_version_rule_is_refused(library: Library) -> None:
    subscribed(library, "sample-orchard/server@24.04")
    with pytest.raises(UsageError, match=r"26\.04\.1 is none that sample-orchard/server@24\.04 accepts"):
        chosen_subscriptions(library, [], Narrowing(target="26.04.1"))


def test_what_is_too_large_is_left_out_and_said(library: Library) -> None:
    subscribed(library, "sample-orchard/server@lts", under=1000)
    (action,) = make_plan(library, answers(library)).actions
    assert (action.kind, action.code) == (ActionKind.SKIP, "too-large")
    assert "only what is smaller than 1000 is wanted" in action.reason
    narrowed = chosen_subscriptions(library, [], Narrowing(under=1))
    assert [one.under for one in narrowed] == [1]


def test_the_version_rule_of_a_subscription_can_be_changed(library: Library) -> None:
    before = subscribed(library, "sample-orchard/server@lts", tags=("lab",))
    after = change(library, before, Changes(version="24.04", keep=3))
    assert (after.id, str(after.selector), after.keep.last, after.tags) == (
        before.id, "sample-orchard/server@24.04", 3, ("lab",),
    )  # fmt: skip
    assert library.inventory.subscriptions() == (after,)
    assert str(change(library, after, Changes(version="lts")).selector) == "sample-orchard/server@lts"


def test_a_change_never_makes_two_of_the_same(library: Library) -> None:
    subscribed(library, "sample-orchard/server@lts")
    other = subscribed(library, "sample-orchard/server@24.04")
    with pytest.raises(InventoryError, match="already a subscription"):
        change(library, other, Changes(version="lts"))
    assert other in library.inventory.subscriptions()


@pytest.mark.parametrize("tag", ["two words", "", "a:b", "x" * 80])
def test_a_tag_is_one_plain_word(library: Library, tag: str) -> None:
    with pytest.raises(UsageError, match="no tag"):
        subscribed(library, "sample-beacon", tags=(tag,))
