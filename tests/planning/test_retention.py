"""Retention beside pins, holds, archives and guards: a reason for whatever stays or goes, and nothing wanted ever goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import ActionKind, Copy, CopyState, Keep, Pin, Selector, Title
from isomanager.planning.pinning import covers, held_back, reasons_to_stay
from isomanager.planning.update import plan_update
from isomanager.planning.verdicts import Reason, Verdict
from isomanager.planning.wanting import Guards, Want
from planning.judging import judge_all
from planning.test_update import NOW, copy, plan, rules, selects, states, subscription, title, told, versions, want

OPEN = Guards(listed=frozenset({"nas"}))
MAJOR = "the newest of {} (kept for each of 2 major versions)"


def judged(wants: list[Want], copies: list[Copy], guards: Guards = OPEN) -> dict[str, Verdict]:
    found = judge_all(copies, wants, selects=selects, guards=guards, now=NOW)
    return {str(one.copy.title.version): one for one in found}


def pin(kind: str = "pin", name: str = "orchard/server@24.04", **changes: object) -> Pin:
    told = {"id": "p", "kind": kind, "name": name, "selector": Selector.parse(name), "created_at": NOW, **changes}
    return Pin.model_validate(told)


def fits(one: Pin, candidate: Title) -> bool:
    return one.selector is not None and one.selector.rule.accepts(candidate.version)


def test_every_copy_has_its_reasons_and_what_would_change_them() -> None:
    """The whole of a small library, word for word."""
    copies = [copy(one) for one in ("22.04.5", "24.04.2", "24.04.3", "26.04", "26.04.1")] + [copy("20.04", by="")]
    verdicts = judged([want("26.04.1", keep=Keep(last=2, per_major=2))], copies)
    name = "orchard/server@latest"
    assert {version: (one.stays, one.reason) for version, one in verdicts.items()} == {
        "26.04.1": (
            True,
            f"it is what {name} selects now; among the newest 2 of {name}; {MAJOR.format(26)} of {name}",
        ),
        "26.04": (True, f"among the newest 2 of {name}"),
        "24.04.3": (True, f"{MAJOR.format(24)} of {name}"),
        "24.04.2": (False, f"26.04.1 replaces it: {name} keeps 2, one for each of 2 major versions"),
        "22.04.5": (False, f"26.04.1 replaces it: {name} keeps 2, one for each of 2 major versions"),
        "20.04": (True, "it was added by hand, not by a subscription"),
    }
    assert all(reason.change for one in verdicts.values() for reason in one.reasons)


def test_what_is_protected_stays_whatever_subscriptions_say() -> None:
    old = copy("24.04.2")
    guards = Guards(listed=OPEN.listed, protected={old.id: (Reason("pinned", "pinned as it is", "release"),)})
    verdicts = judged(
        [want("24.04.4", old="archive", archive="attic")], [copy("24.04.4"), copy("24.04.3"), old], guards
    )
    assert verdicts["24.04.2"].stays
    assert verdicts["24.04.2"].reason == "pinned as it is"
    assert verdicts["24.04.2"].archives == ()
    assert not verdicts["24.04.3"].stays


def test_an_archived_version_is_copied_before_it_goes() -> None:
    made = plan([want("24.04.4", old="archive", archive="attic")], [copy("24.04.3")])
    (going,) = made.of_kind(ActionKind.RETIRE)
    assert going.archives == ("attic",)
    assert going.reason.endswith("it is copied to attic first")


def test_a_hold_keeps_newer_versions_out_and_the_run_green() -> None:
    holds = [pin("hold", "orchard/server@24.04", reason="the course runs")]
    made = plan_update(
        [want("24.04.4")], [copy("24.04.3")], selects=selects, guards=OPEN, now=NOW,
        held_back=lambda repository, offered: held_back(repository, offered, holds, fits),
    )  # fmt: skip
    assert told(made) == [("skip", "24.04.4")]
    assert made.actions[0].code == "on-hold"
    assert "the course runs" in made.actions[0].reason


def test_a_hold_on_an_image_holds_its_line_there_and_no_other() -> None:
    one = copy("24.04.3")
    hold = pin("hold", one.path, selector=None, repository="nas", sha256=one.sha256, title=one.title)
    assert held_back("nas", title("24.04.4"), [hold], fits)
    assert held_back("s3", title("24.04.4"), [hold], fits) is None
    assert held_back("nas", title("24.04.4", "desktop"), [hold], fits) is None
    assert held_back("nas", title("24.04.4"), [hold.model_copy(update={"kind": "pin"})], fits) is None


def test_a_pin_speaks_of_what_it_covers() -> None:
    one, moved = copy("24.04.3"), copy("24.04.3").model_copy(update={"path": "elsewhere.iso", "id": "new"})
    image = pin(name=one.path, selector=None, repository="nas", sha256=one.sha256, title=one.title)
    assert covers(image, moved, fits), "an image is known again under another name"
    assert not covers(image, copy("24.04.2"), fits)
    (reason,) = reasons_to_stay(one, [pin(reason="exam")], fits)
    assert (reason.code, reason.text) == ("pinned", "pinned as orchard/server@24.04 (exam)")
    assert "isomanager release" in reason.change


def test_no_more_bytes_go_than_a_run_may_retire() -> None:
    old = [copy(f"24.04.{patch}") for patch in range(1, 8)]
    guards = Guards(max_delete_bytes=250, listed=OPEN.listed)
    assert len(plan([want("24.04.9")], old, guards=guards).of_kind(ActionKind.RETIRE)) == 2
    verdicts = judged([want("24.04.9")], [*old, copy("24.04.9")], guards)
    assert "max_delete_bytes" in verdicts["24.04.7"].reason


def test_no_larger_share_of_a_repository_goes_than_a_run_may_retire() -> None:
    old = [copy(f"24.04.{patch}") for patch in range(1, 16)]
    guards = Guards(max_deletes=100, max_delete_share=0.25, listed=OPEN.listed)
    assert len(plan([want("24.04.19")], old, guards=guards).of_kind(ActionKind.RETIRE)) == 4
    few = plan([want("24.04.19")], old[:4], guards=guards)
    assert len(few.of_kind(ActionKind.RETIRE)) == 3, "a small library goes on"


keeps = st.builds(
    Keep,
    last=st.integers(1, 3),
    per_major=st.integers(0, 2),
    per_minor=st.integers(0, 2),
    days=st.sampled_from([0, 60]),
)
olds = st.sampled_from([{"old": "trash"}, {"old": "keep"}, {"old": "archive", "archive": "attic"}])


@given(
    st.lists(st.tuples(versions, states), max_size=6, unique_by=lambda one: one[0]),
    st.lists(st.tuples(versions, rules, keeps, olds, st.booleans()), min_size=1, max_size=4),
    st.sets(versions, max_size=2),
    st.integers(0, 3),
)
def test_never_retires_what_is_wanted_protected_or_the_last_proved(
    held: list[tuple[str, CopyState]],
    wanted: list[tuple[str, str, Keep, dict[str, str], bool]],
    pinned: set[str],
    max_deletes: int,
) -> None:
    copies = [copy(version, state=state) for version, state in held]
    wants = [
        Want(subscription(f"s{place}", rule, keep=keep, **old), want(version if answers else None).resolutions)
        for place, (version, rule, keep, old, answers) in enumerate(wanted)
    ]
    protected = {one.id: (Reason("pinned", "pinned"),) for one in copies if str(one.title.version) in pinned}
    guards = Guards(max_deletes=max_deletes, listed=OPEN.listed, protected=protected)
    verdicts = judge_all(copies, wants, selects=selects, guards=guards, now=NOW)
    proved = [one for one in copies if one.state is CopyState.HELD]
    going = {one.copy.id for one in verdicts if not one.stays}
    assert {one.copy.id for one in verdicts} == {one.id for one in proved}
    assert all(one.reasons for one in verdicts)
    assert len(going) <= max_deletes
    assert not going & protected.keys()
    for one in wants:
        mine = [each for each in proved if selects(one.subscription, each.title)]
        assert not mine or any(each.id not in going for each in mine)
        assert all(each.id not in going for each in mine if str(each.title) in one.current_titles)
        if one.subscription.old == "keep" or not one.is_answered:
            assert all(each.id not in going for each in mine)


@given(st.lists(versions, max_size=6, unique=True), versions, keeps)
def test_a_second_run_has_nothing_more_to_let_go(held: list[str], offered: str, keep: Keep) -> None:
    wants = [want(offered, keep=keep)]
    guards = Guards(max_deletes=100, max_delete_share=1.0, listed=OPEN.listed)
    copies = [copy(version) for version in {*held, offered}]
    first = {one.copy.id for one in judge_all(copies, wants, selects=selects, guards=guards, now=NOW) if not one.stays}
    left = [one for one in copies if one.id not in first]
    assert all(one.stays for one in judge_all(left, wants, selects=selects, guards=guards, now=NOW))
