"""Images that only a person can fetch: reported until they are there, never a failure, never a reason to let anything go."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from isomanager.model import (
    Action,
    ActionKind,
    Assurance,
    Copy,
    CopyState,
    Family,
    Keep,
    Plan,
    Selector,
    Subscription,
    Title,
)
from isomanager.planning.update import plan_update
from isomanager.planning.wanting import ByHand, Guards, Resolution, Want
from isomanager.version import Version

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOW = "sign in and fetch it."


def copy(version: str) -> Copy:
    title = Title(family=Family.LINUX, product="rhel", flavor="dvd", version=Version(version))
    return Copy(
        id=version,
        repository="nas",
        path=f"{version}.iso",
        title=title,
        state=CopyState.HELD,
        assurance=Assurance.PINNED,
        size=100,
        sha256="0" * 64,
        source="subscription:a",
        created_at=NOW,
        proved_at=NOW,
        changed_at=NOW,
    )


def plan(newest: str, *held: str) -> Plan:
    subscription = Subscription(
        id="a",
        selector=Selector(product="rhel"),
        repositories=("nas",),
        keep=Keep(last=1),
        created_at=NOW,
    )
    by_hand = ByHand(HOW, Version(newest) if newest else None)
    return plan_update(
        [Want(subscription, (Resolution(by_hand=by_hand),))],
        [copy(one) for one in held],
        selects=lambda _, title: title.product == "rhel",
        guards=Guards(listed=frozenset({"nas"})),
        now=NOW,
    )


def action(newest: str, *held: str) -> Action:
    (only,) = plan(newest, *held).actions
    return only


@pytest.mark.parametrize(
    ("newest", "held", "kind", "said"),
    [
        ("10.1", ("9.6",), ActionKind.SKIP, "10.1 is out, newer than 9.6 which is held"),
        ("10.1", (), ActionKind.SKIP, "10.1 is the newest release, and none is held"),
        ("10.1", ("9.6", "10.1"), ActionKind.KEEP, "no newer release is listed"),
        ("10.1", ("10.1.2",), ActionKind.KEEP, "no newer release is listed"),
        ("9.6", ("10.1",), ActionKind.KEEP, "no newer release is listed"),
        ("", (), ActionKind.SKIP, "not held"),
        ("", ("9.6",), ActionKind.KEEP, "nobody says"),
    ],
)
def test_it_is_said_what_is_to_be_fetched_by_hand(
    newest: str, held: tuple[str, ...], kind: ActionKind, said: str
) -> None:
    told = action(newest, *held)
    assert (told.kind, told.code) == (kind, "manual")
    assert said in told.reason
    assert (HOW in told.reason) == (kind is ActionKind.SKIP)


def test_nothing_that_is_held_goes_for_what_only_a_person_can_bring() -> None:
    assert not plan("10.1", "8.9", "9.6").of_kind(ActionKind.RETIRE)
