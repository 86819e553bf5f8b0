"""The update plan and retention, decided from plain values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import (
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

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OPEN = Guards(listed=frozenset({"nas", "s3"}))


def title(version: str, flavor: str = "server", architecture: str = "x86_64") -> Title:
    return Title(
        family=Family.LINUX, product="orchard", flavor=flavor, version=Version(version), architecture=architecture
    )


def digest(version: str, spin: str = "") -> dict[str, str]:
    return {"sha256": f"{version}{spin}".encode().hex().ljust(64, "0")}


def expectation(version: str, *, spin: str = "", flavor: str = "server") -> Expectation:
    offer = Offer(
        title=title(version, flavor),
        filename=f"orchard-{version}.iso",
        urls=("https://x/",),
        digests=digest(version, spin),
    )
    return Expectation(offer=offer, digests=digest(version, spin), size=100, assurance=Assurance.SIGNED)


def copy(
    version: str,
    *,
    by: str = "a",
    state: CopyState = CopyState.HELD,
    repository: str = "nas",
    spin: str = "",
    age: int = 30,
) -> Copy:
    then = NOW - timedelta(days=age)
    return Copy(
        id=f"{repository}-{version}{spin}-{by}",
        repository=repository,
        path=f"orchard-{version}{spin}.iso",
        title=title(version),
        state=state,
        sha256=digest(version, spin)["sha256"],
        size=100,
        digests=digest(version, spin),
        assurance=Assurance.SIGNED,
        source=f"subscription:{by}" if by else "download",
        created_at=then,
        proved_at=then,
        changed_at=then,
    )


def subscription(name: str = "a", rule: str = "orchard/server", **changes: object) -> Subscription:
    return Subscription.model_validate(
        {"id": name, "selector": Selector.parse(rule), "repositories": ("nas",), "created_at": NOW, **changes}
    )


def want(version: str | None, name: str = "a", rule: str = "orchard/server", **changes: object) -> Want:
    resolutions = (
        (Resolution(expectation=expectation(version)),)
        if version
        else (Resolution(error="no answer", error_code="connection-failed"),)
    )
    return Want(subscription(name, rule, **changes), resolutions)


def selects(one: Subscription, candidate: Title) -> bool:
    lts = one.selector.channel != "lts" or str(candidate.version).startswith(("24.04", "26.04"))
    return candidate.product == "orchard" and one.selector.rule.accepts(candidate.version) and lts


def plan(wants: list[Want], copies: list[Copy], guards: Guards = OPEN, **options: object) -> Plan:
    return plan_update(wants, copies, selects=selects, guards=guards, now=NOW, **options)  # type: ignore[arg-type]


def told(made: Plan) -> list[tuple[str, str]]:
    return [(action.kind.value, str(action.title.version) if action.title else "") for action in made.actions]


def test_what_is_not_held_is_fetched_and_says_so() -> None:
    made = plan([want("24.04.3")], [])
    assert told(made) == [("download", "24.04.3")]
    assert made.actions[0].reason == "not held; to be proved as signed"
    assert made.cost == 100


def test_what_is_held_is_kept_and_costs_nothing() -> None:
    made = plan([want("24.04.3")], [copy("24.04.3")])
    assert told(made) == [("keep", "24.04.3")]
    assert made.cost == 0


def test_a_point_release_is_fetched_and_the_old_one_retired() -> None:
    made = plan([want("24.04.4")], [copy("24.04.3")])
    assert told(made) == [("download", "24.04.4"), ("retire", "24.04.3")]
    assert made.actions[0].reason.startswith("newer than 24.04.3")
    assert made.actions[1].reason == "24.04.4 replaces it: orchard/server@latest keeps 1"
    assert made.frees == 100


def test_keep_two_keeps_two() -> None:
    made = plan([want("24.04.4", keep=Keep(last=2))], [copy("24.04.3"), copy("24.04.2")])
    assert told(made) == [("download", "24.04.4"), ("retire", "24.04.2")]


def test_keep_days_keeps_what_was_proved_lately() -> None:
    made = plan([want("24.04.4", keep=Keep(last=1, days=60))], [copy("24.04.3", age=30), copy("24.04.2", age=90)])
    assert told(made) == [("download", "24.04.4"), ("retire", "24.04.2")]


def test_never_retires_what_another_subscription_selects() -> None:
    wants = [want("26.10", "a"), want("26.04.1", "b", "orchard/server@lts")]
    made = plan(wants, [copy("26.04.1", by="a")])
    assert told(made) == [("download", "26.10"), ("keep", "26.04.1")]


def test_the_best_version_of_two_subscriptions_is_fetched_once() -> None:
    made = plan([want("26.04.1", "a"), want("26.04.1", "b", "orchard/server@lts")], [])
    assert told(made) == [("download", "26.04.1")]
    assert "also wanted by orchard/server@lts" in made.actions[0].reason


def test_nothing_is_retired_when_upstream_does_not_answer() -> None:
    made = plan([want(None)], [copy("24.04.3"), copy("24.04.2")])
    assert [action.kind for action in made.actions] == [ActionKind.FAIL]
    assert made.actions[0].reason == "no answer"


def test_nothing_is_retired_for_one_subscription_that_another_cannot_judge() -> None:
    made = plan([want("26.10", "a"), want(None, "b", "orchard/server@lts")], [copy("26.04.1")])
    assert ActionKind.RETIRE not in [action.kind for action in made.actions]


def test_a_refusal_is_told_and_keeps_the_old_version() -> None:
    refusal = Refusal(offer=expectation("24.04.4").offer, code="bad-signature", reason="the signature does not fit")
    made = plan([Want(subscription(), (Resolution(refusal=refusal),))], [copy("24.04.3")])
    assert told(made) == [("refuse", "24.04.4")]
    assert made.actions[0].code == "bad-signature"


def test_an_older_offer_than_what_is_held_is_not_believed() -> None:
    made = plan([want("24.04.2")], [copy("24.04.3")])
    assert told(made) == [("refuse", "24.04.2")]
    assert made.actions[0].code == "implausible"


def test_an_exact_older_version_is_fetched_on_request() -> None:
    made = plan([want("24.04.2", "b", "orchard/server@24.04.2")], [copy("24.04.3")])
    assert told(made) == [("download", "24.04.2")]


def test_a_respin_is_fetched_beside_what_is_held() -> None:
    answer = Want(subscription(), (Resolution(expectation=expectation("24.04.3", spin="new")),))
    made = plan([answer], [copy("24.04.3")])
    assert told(made) == [("download", "24.04.3")]
    assert "re-spin" in made.actions[0].reason


def test_what_was_refused_is_not_fetched_again_until_the_evidence_changes() -> None:
    made = plan([want("24.04.4")], [copy("24.04.3")], refused_before=lambda *_: "wrong digest")
    assert told(made) == [("refuse", "24.04.4")]
    assert made.actions[0].code == "quarantined"


def test_force_fetches_what_is_held() -> None:
    assert told(plan([want("24.04.3")], [copy("24.04.3")], force=True))[0] == ("download", "24.04.3")


def test_a_suspect_copy_is_replaced_and_neither_counted_nor_deleted() -> None:
    made = plan([want("24.04.3")], [copy("24.04.3", state=CopyState.SUSPECT), copy("24.04.2")])
    assert told(made) == [("download", "24.04.3"), ("retire", "24.04.2")]


def test_what_a_person_added_stays() -> None:
    made = plan([want("24.04.4")], [copy("24.04.3", by="")])
    assert told(made) == [("download", "24.04.4")]


def test_a_paused_subscription_fetches_nothing_and_still_protects() -> None:
    wants = [want("26.10", "a"), want("26.04.1", "b", "orchard/server@lts", paused=True)]
    made = plan(wants, [copy("26.04.1")])
    assert told(made) == [("download", "26.10")]


def test_the_number_of_deletions_is_bounded() -> None:
    old = [copy(f"24.04.{patch}") for patch in range(1, 8)]
    made = plan([want("24.04.9")], old, guards=Guards(max_deletes=3, listed=frozenset({"nas"})))
    assert [str(action.title.version) for action in made.of_kind(ActionKind.RETIRE) if action.title] == [
        "24.04.1",
        "24.04.2",
        "24.04.3",
    ]


@pytest.mark.parametrize(
    "guards",
    [
        Guards(frozen=True, listed=frozenset({"nas"})),
        Guards(listed=frozenset()),
        Guards(max_deletes=0, listed=frozenset({"nas"})),
    ],
)
def test_nothing_is_retired_while_frozen_or_unlisted_or_forbidden(guards: Guards) -> None:
    made = plan([want("24.04.4")], [copy("24.04.3")], guards=guards)
    assert made.of_kind(ActionKind.RETIRE) == ()


def test_nothing_goes_before_its_replacement_is_published_and_proved() -> None:
    verdicts = judge_all([copy("24.04.3"), copy("24.04.2")], [want("24.04.4")], selects=selects, guards=OPEN, now=NOW)
    assert {str(one.copy.title.version): one.stays for one in verdicts} == {"24.04.2": True, "24.04.3": True}
    assert any("replacement" in one.reason for one in verdicts)


versions = st.sampled_from(["24.04.1", "24.04.2", "24.04.3", "26.04", "26.04.1", "26.10"])
rules = st.sampled_from(["orchard/server", "orchard/server@lts", "orchard/server@24.04", "orchard/server@26"])
states = st.sampled_from(list(CopyState))


@given(
    st.lists(st.tuples(versions, states), max_size=6, unique_by=lambda one: one[0]),
    st.lists(st.tuples(versions, rules, st.integers(1, 3), st.booleans()), min_size=1, max_size=4),
)
def test_no_subscription_ever_loses_its_last_proved_copy(
    held: list[tuple[str, CopyState]], wanted: list[tuple[str, str, int, bool]]
) -> None:
    copies = [copy(version, state=state) for version, state in held]
    wants = [
        want(version if answers else None, f"s{place}", rule, keep=Keep(last=last))
        for place, (version, rule, last, answers) in enumerate(wanted)
    ]
    going = {action.copy_id for action in plan(wants, copies).of_kind(ActionKind.RETIRE)}
    now_going = {
        one.copy.id for one in judge_all(copies, wants, selects=selects, guards=OPEN, now=NOW) if not one.stays
    }
    for one in wants:
        mine = [c for c in copies if c.state is CopyState.HELD and selects(one.subscription, c.title)]
        newest = sorted({c.title.version for c in mine}, reverse=True)
        assert not mine or any(c.id not in now_going for c in mine)
        if one.is_answered:
            current = [c for c in mine if str(c.title) in one.current_titles]
            assert all(c.id not in going | now_going for c in current)
        else:
            assert all(c.id not in going | now_going for c in mine)
        kept = {c.title.version for c in mine if c.id not in now_going}
        assert len(kept) >= min(len(newest), one.subscription.keep.last)
    assert all(c.id not in going for c in copies if c.state is not CopyState.HELD)
