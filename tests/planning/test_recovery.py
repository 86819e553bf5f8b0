"""Recovery over every state and everything a store can show: 9 states × 4 partials × 3 finals × 2 receipts × 3 trashes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from isomanager.model import Copy, CopyState, Family, Title
from isomanager.planning.recovery import (
    ORPHAN_GRACE,
    OrphanPartial,
    RecoveryAction,
    RecoveryKind,
    Seen,
    decide_orphans,
    decide_recovery,
)
from isomanager.version import Version

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SIZE = 1000
BEFORE_RECEIVED = {CopyState.RESERVED}


def copy_in(state: CopyState) -> Copy:
    received = state not in BEFORE_RECEIVED
    return Copy(
        id="c1",
        repository="main",
        path="Linux/Ubuntu - Server/ubuntu.server-24.04.iso",
        title=Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("24.04")),
        state=state,
        partial="p1",
        sha256="ab" * 32 if received else None,
        size=SIZE if received else None,
        created_at=NOW,
        changed_at=NOW,
    )


SIGHTINGS = [
    Seen(partial=partial, final=final, receipt=receipt, trash=trash)
    for partial, final, receipt, trash in product(
        (None, 0, SIZE // 2, SIZE), (None, SIZE - 1, SIZE), (False, True), (None, SIZE - 1, SIZE)
    )
]
EVERYTHING = list(product(CopyState, SIGHTINGS))


def carried_out(action: RecoveryAction, copy: Copy, seen: Seen) -> tuple[Copy, Seen]:
    """A store and a database in which every decision succeeds."""
    kind = action.kind
    moved = {"path": "free-name.iso"}
    if kind == RecoveryKind.RENAME:
        back = CopyState.RECEIVED if copy.state == CopyState.PUBLISHING else copy.state
        return copy.model_copy(update={**moved, "state": back}), replace(seen, final=None)
    if kind == RecoveryKind.PUBLISH:
        return copy.model_copy(update={"state": CopyState.HELD}), replace(seen, partial=None, final=SIZE, receipt=True)
    if kind in (RecoveryKind.ADOPT, RecoveryKind.HOLD):
        return copy.model_copy(update={"state": CopyState.HELD}), seen
    if kind == RecoveryKind.DOUBT:
        return copy.model_copy(update={"state": CopyState.SUSPECT}), seen
    if kind == RecoveryKind.TRASH:
        return copy.model_copy(update={"state": CopyState.TRASHED}), seen
    if kind == RecoveryKind.RESTORE:
        return copy.model_copy(update={"state": CopyState.HELD}), replace(seen, final=seen.trash, trash=None)
    if kind == RecoveryKind.PUT_RECEIPT:
        return copy, replace(seen, receipt=True)
    if kind == RecoveryKind.DISCARD_PARTIAL:
        return copy, replace(seen, partial=None)
    if kind == RecoveryKind.FORGET:
        return copy.model_copy(update={"state": CopyState.GONE}), seen
    return copy, seen


def decided(state: CopyState, seen: Seen) -> RecoveryKind:
    return decide_recovery(copy_in(state), seen, lease_live=False).kind


@pytest.mark.parametrize("state", CopyState)
def test_every_state_has_a_decision_with_a_reason_whatever_the_store_shows(state: CopyState) -> None:
    for seen in SIGHTINGS:
        action = decide_recovery(copy_in(state), seen, lease_live=False)
        assert action.reason.endswith(".")
        assert action.copy_id == "c1"


@pytest.mark.parametrize("state", CopyState)
def test_deciding_again_after_each_decision_was_carried_out_comes_to_rest(state: CopyState) -> None:
    for first in SIGHTINGS:
        copy, seen = copy_in(state), first
        for _ in range(5):
            action = decide_recovery(copy, seen, lease_live=False)
            after = carried_out(action, copy, seen)
            if after == (copy, seen):
                break
            copy, seen = after
        else:
            pytest.fail(f"{state} with {first} never comes to rest")
        assert action.kind in (RecoveryKind.LEAVE, RecoveryKind.RESUME)


@pytest.mark.parametrize("state", CopyState)
def test_at_rest_neither_the_database_nor_the_repository_holds_a_lie(state: CopyState) -> None:
    for first in SIGHTINGS:
        copy, seen = copy_in(state), first
        for _ in range(5):
            copy, seen = carried_out(decide_recovery(copy, seen, lease_live=False), copy, seen)
        if copy.state == CopyState.HELD:
            assert seen.final == SIZE
            assert seen.receipt
        if copy.state == CopyState.TRASHED:
            assert seen.trash == SIZE
        assert copy.state in (CopyState.RESERVED, CopyState.HELD, CopyState.SUSPECT, CopyState.TRASHED, CopyState.GONE)


@pytest.mark.parametrize(("state", "seen"), [(state, seen) for state, seen in EVERYTHING if state == CopyState.HELD])
def test_never_lets_go_of_a_held_copy(state: CopyState, seen: Seen) -> None:
    kind = decided(state, seen)
    assert kind not in (RecoveryKind.FORGET, RecoveryKind.TRASH, RecoveryKind.RENAME)
    assert kind != RecoveryKind.DISCARD_PARTIAL or seen.final == SIZE


def test_nothing_is_forgotten_while_its_whole_and_proved_bytes_are_in_its_place() -> None:
    for state in (CopyState.PUBLISHING, CopyState.HELD, CopyState.RETIRING, CopyState.RESTORING):
        for seen in SIGHTINGS:
            if seen.final == SIZE and seen.receipt:
                assert decided(state, seen) != RecoveryKind.FORGET, seen


def test_nothing_becomes_held_unproved_unless_it_was_proved_before() -> None:
    for state, seen in EVERYTHING:
        action = decide_recovery(copy_in(state), seen, lease_live=False)
        if action.kind in (RecoveryKind.ADOPT, RecoveryKind.RESTORE):
            assert action.reread, (state, seen)
        if action.kind == RecoveryKind.PUBLISH:
            assert action.reread or seen.receipt, (state, seen)


@pytest.mark.parametrize("state", CopyState)
def test_a_live_lease_is_left_alone(state: CopyState) -> None:
    assert {decide_recovery(copy_in(state), seen, lease_live=True).kind for seen in SIGHTINGS} == {RecoveryKind.LEAVE}


@pytest.mark.parametrize("state", CopyState)
def test_a_repository_that_does_not_answer_decides_nothing(state: CopyState) -> None:
    assert decided(state, Seen(reachable=False)) == RecoveryKind.LEAVE


@pytest.mark.parametrize(
    ("state", "seen", "expected"),
    [
        (CopyState.RESERVED, Seen(), RecoveryKind.FORGET),
        (CopyState.RESERVED, Seen(partial=10), RecoveryKind.RESUME),
        (CopyState.RESERVED, Seen(partial=10, final=7), RecoveryKind.RENAME),
        (CopyState.RECEIVED, Seen(partial=SIZE), RecoveryKind.PUBLISH),
        (CopyState.RECEIVED, Seen(partial=SIZE, final=7), RecoveryKind.RENAME),
        (CopyState.RECEIVED, Seen(partial=SIZE - 1), RecoveryKind.FORGET),
        (CopyState.RECEIVED, Seen(), RecoveryKind.FORGET),
        (CopyState.PUBLISHING, Seen(final=SIZE, receipt=True), RecoveryKind.ADOPT),
        (CopyState.PUBLISHING, Seen(final=SIZE), RecoveryKind.FORGET),
        (CopyState.PUBLISHING, Seen(partial=SIZE, receipt=True), RecoveryKind.PUBLISH),
        (CopyState.PUBLISHING, Seen(partial=SIZE, final=SIZE, receipt=True), RecoveryKind.PUBLISH),
        (CopyState.PUBLISHING, Seen(partial=SIZE, final=7, receipt=True), RecoveryKind.RENAME),
        (CopyState.PUBLISHING, Seen(receipt=True), RecoveryKind.FORGET),
        (CopyState.HELD, Seen(final=SIZE, receipt=True), RecoveryKind.LEAVE),
        (CopyState.HELD, Seen(final=SIZE), RecoveryKind.PUT_RECEIPT),
        (CopyState.HELD, Seen(receipt=True), RecoveryKind.DOUBT),
        (CopyState.HELD, Seen(final=SIZE - 1, receipt=True), RecoveryKind.DOUBT),
        (CopyState.RETIRING, Seen(final=SIZE, receipt=True), RecoveryKind.HOLD),
        (CopyState.RETIRING, Seen(final=SIZE, trash=SIZE), RecoveryKind.HOLD),
        (CopyState.RETIRING, Seen(trash=SIZE), RecoveryKind.TRASH),
        (CopyState.RETIRING, Seen(), RecoveryKind.FORGET),
        (CopyState.TRASHED, Seen(trash=SIZE), RecoveryKind.LEAVE),
        (CopyState.TRASHED, Seen(), RecoveryKind.FORGET),
        (CopyState.RESTORING, Seen(trash=SIZE), RecoveryKind.RESTORE),
        (CopyState.RESTORING, Seen(trash=SIZE, final=7), RecoveryKind.TRASH),
        (CopyState.RESTORING, Seen(final=SIZE, receipt=True), RecoveryKind.ADOPT),
        (CopyState.SUSPECT, Seen(), RecoveryKind.LEAVE),
        (CopyState.GONE, Seen(final=SIZE), RecoveryKind.LEAVE),
    ],
)
def test_decides_by_state_and_sighting(state: CopyState, seen: Seen, expected: RecoveryKind) -> None:
    assert decided(state, seen) == expected


def test_discards_a_partial_that_no_copy_names_once_it_is_old() -> None:
    old, young = NOW - ORPHAN_GRACE, NOW - ORPHAN_GRACE + timedelta(seconds=1)
    partials = [OrphanPartial("p1", old), OrphanPartial("old", old), OrphanPartial("young", young)]
    actions = decide_orphans(partials, [copy_in(CopyState.RESERVED)], NOW)
    assert [(action.kind, action.partial) for action in actions] == [(RecoveryKind.DISCARD_PARTIAL, "old")]


def test_a_partial_of_unknown_age_is_only_reported() -> None:
    (action,) = decide_orphans([OrphanPartial("x")], [], NOW)
    assert action.kind == RecoveryKind.REPORT


def test_a_partial_of_a_copy_that_is_gone_belongs_to_nobody() -> None:
    (action,) = decide_orphans([OrphanPartial("p1", NOW - ORPHAN_GRACE)], [copy_in(CopyState.GONE)], NOW)
    assert action.kind == RecoveryKind.DISCARD_PARTIAL
