from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.model import ActionKind, Copy, CopyState, Family, Outcome, OutcomeKind, Title
from isomanager.planning.syncing import Shared, SyncKind, SyncMode, SyncStep, as_plan, plan_sync
from isomanager.planning.wanting import Guards
from isomanager.version import Version

NOW = datetime(2026, 11, 27, tzinfo=UTC)
OPEN = Guards(max_deletes=100, max_delete_share=1, listed=frozenset({"nas"}))


def title(version: str, product: str = "ubuntu") -> Title:
    return Title(family=Family.LINUX, product=product, flavor="server", version=Version(version))


def shared(version: str, digest: str = "", **told: Any) -> Shared:
    return Shared(title=title(version), path=f"{version}.iso", sha256=digest or version, size=100, **told)


def held(version: str, digest: str = "", **told: Any) -> Copy:
    plain = {
        "id": f"{version}{digest}", "repository": "nas", "path": f"{version}{digest}.iso", "title": title(version),
        "state": CopyState.HELD, "sha256": digest or version, "size": 100, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Copy.model_validate({**plain, **told})


def plan(source: list[Shared], copies: list[Copy], mode: SyncMode, **told: Any) -> dict[str, SyncStep]:
    steps = plan_sync(source, copies, destination="nas", mode=mode, **{"guards": OPEN, **told})
    return {f"{one.title.version} {one.kind}": one for one in steps}


@pytest.mark.parametrize("mode", list(SyncMode))
def test_what_is_missing_comes_and_what_is_there_stays(mode: SyncMode) -> None:
    told = plan([shared("1"), shared("2")], [held("1")], mode)
    assert list(told) == ["1 same", "2 copy"]
    assert (told["2 copy"].cost, told["2 copy"].reason) == (100, "newer than 1")


def test_a_mirror_lets_go_of_what_the_source_does_not_have() -> None:
    told = plan([shared("2")], [held("1"), held("2")], SyncMode.MIRROR)
    assert list(told) == ["2 same", "1 retire"]
    assert told["1 retire"].frees == 100
    for mode in (SyncMode.UPDATE, SyncMode.MERGE):
        assert list(plan([shared("2")], [held("1"), held("2")], mode)) == ["2 same"]


def test_an_update_brings_nothing_older_and_replaces_nothing() -> None:
    told = plan([shared("1"), shared("3", "other")], [held("2"), held("3")], SyncMode.UPDATE)
    assert list(told) == ["1 skip", "3 skip"]
    assert "newer" in told["1 skip"].reason
    assert told["3 skip"].conflict


def test_a_merge_keeps_both_sides_of_a_conflict() -> None:
    told = plan([shared("3", "other")], [held("3")], SyncMode.MERGE)
    assert (told["3 copy"].conflict, "both are kept" in told["3 copy"].reason) == (True, True)
    mirrored = plan([shared("3", "other")], [held("3")], SyncMode.MIRROR)
    assert list(mirrored) == ["3 copy", "3 retire"]


def test_never_retires_after_an_empty_listing_of_either_side() -> None:
    told = plan([], [held("1")], SyncMode.MIRROR)
    assert list(told) == ["1 skip"]
    assert "lists nothing" in told["1 skip"].reason
    unlisted = plan([shared("2")], [held("1")], SyncMode.MIRROR, guards=Guards(max_deletes=9))
    assert list(unlisted) == ["2 copy", "1 skip"]


def test_never_retires_what_is_protected_or_more_than_is_allowed() -> None:
    wanted = plan([shared("9")], [held("1")], SyncMode.MIRROR, protects=lambda copy: "a subscription selects it")
    assert "a subscription selects it" in wanted["1 skip"].reason
    guards = Guards(max_deletes=1, listed=OPEN.listed)
    told = plan([shared("9")], [held("1"), held("2")], SyncMode.MIRROR, guards=guards)
    assert [one.kind for one in told.values()] == [SyncKind.COPY, SyncKind.RETIRE, SyncKind.SKIP]
    frozen = plan([shared("9")], [held("1")], SyncMode.MIRROR, guards=Guards(frozen=True, listed=OPEN.listed))
    assert "frozen" in frozen["1 skip"].reason


def test_a_mirror_is_held_back_by_bytes_and_by_share_too() -> None:
    copies = [held(str(number)) for number in range(1, 11)]
    (size,) = {copy.size for copy in copies}
    assert size
    by_bytes = Guards(max_deletes=100, max_delete_share=1, max_delete_bytes=2 * size, listed=OPEN.listed)
    told = plan([shared("99")], copies, SyncMode.MIRROR, guards=by_bytes)
    assert sum(one.kind is SyncKind.RETIRE for one in told.values()) == 2
    assert "max_delete_bytes" in told["10 skip"].reason
    by_share = Guards(max_deletes=100, max_delete_share=0.5, listed=OPEN.listed)
    told = plan([shared("99")], copies, SyncMode.MIRROR, guards=by_share)
    assert [one.title.version.text for one in told.values() if one.kind is SyncKind.RETIRE] == ["1", "2", "3", "4", "5"]
    assert "max_delete_share" in told["10 skip"].reason


def test_a_copy_that_is_suspect_or_whose_file_is_gone_does_not_count() -> None:
    assert list(plan([shared("1")], [held("1", state=CopyState.SUSPECT)], SyncMode.MERGE)) == ["1 copy"]
    assert list(plan([shared("1")], [held("1")], SyncMode.MERGE, there={})) == ["1 copy"]
    assert list(plan([shared("1")], [held("1")], SyncMode.MERGE, there={"1.iso": 100})) == ["1 same"]
    assert list(plan([shared("1")], [held("1")], SyncMode.MERGE, there={"1.iso": 99})) == ["1 copy"]


def test_the_same_bytes_come_once_however_often_the_source_has_them() -> None:
    told = plan_sync([shared("1", "x"), shared("1", "x")], [], destination="nas", mode=SyncMode.MERGE, guards=OPEN)
    assert len(told) == 1


VERSIONS = st.sampled_from(["1", "2", "3", "4"])
DIGESTS = st.sampled_from(["a", "b", "c", "d"])
PAIRS = st.lists(st.tuples(VERSIONS, DIGESTS), max_size=8, unique_by=lambda pair: pair[1])


@given(PAIRS, PAIRS, st.sampled_from(list(SyncMode)))
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    source: list[tuple[str, str]], there: list[tuple[str, str]], mode: SyncMode
) -> None:
    images = [shared(*one) for one in source]
    copies = [held(*one) for one in there]
    steps = plan_sync(images, copies, destination="nas", mode=mode, guards=OPEN)
    gone = {one.copy_id for one in steps if one.kind is SyncKind.RETIRE}
    after = [one for one in copies if one.id not in gone]
    after += [
        held(str(one.title.version), one.shared.sha256) for one in steps if one.kind is SyncKind.COPY and one.shared
    ]
    again = plan_sync(images, after, destination="nas", mode=mode, guards=OPEN)
    assert not [one for one in again if one.kind in (SyncKind.COPY, SyncKind.RETIRE)]
    if mode is SyncMode.MIRROR and images:
        assert {one.sha256 for one in after} == {one.sha256 for one in images}
    if mode is SyncMode.MERGE:
        assert {one.sha256 for one in after} >= {one.sha256 for one in (*images, *copies)}


def test_a_dry_run_is_a_plan_with_bytes_and_reasons_and_the_places_that_do_not_answer() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    steps = [
        SyncStep(kind=kind, destination="branch", title=title("1"), reason=kind.value, cost=cost, frees=frees)
        for kind, cost, frees in ((SyncKind.COPY, 7, 0), (SyncKind.SAME, 0, 0), (SyncKind.RETIRE, 0, 5))
    ]
    down = Outcome(outcome=OutcomeKind.FAILED, repository="down", selector="down", reason="no answer", code="x")
    told = as_plan(steps, [down], now)
    assert [(one.kind, one.repository, one.reason) for one in told.actions] == [
        (ActionKind.FAIL, "down", "no answer"), (ActionKind.DOWNLOAD, "branch", "copy"), (ActionKind.KEEP, "branch", "same"),
        (ActionKind.RETIRE, "branch", "retire"),
    ]  # fmt: skip
    assert (told.cost, told.frees) == (7, 5)
