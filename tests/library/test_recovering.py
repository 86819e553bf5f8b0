"""What a run finds that an earlier one left. The kills themselves are in tests/crash."""

from __future__ import annotations

import os
from pathlib import Path

from domain_update import answers, update
from isomanager.library.downloading import download_reserved
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan, with_others
from isomanager.library.recovering import let_go_of_abandoned, recover
from isomanager.library.reserving import reserved
from isomanager.model import Action, Copy, CopyState, OutcomeKind
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import INTERNAL
from library.conftest import SERVER, Clock, PlanFor, held, only_download


def interrupted(library: Library, action: Action) -> Copy:
    """A copy whose bytes have come and whose writer ended."""
    with reserved(library, action) as reservation:
        download_reserved(library, reservation)
    return library.inventory.copy(reservation.copy.id)


def let_go(library: Library) -> tuple[str, ...]:
    wants = answers(library)
    return let_go_of_abandoned(library, make_plan(library, wants), with_others(library, wants))


def test_a_library_at_rest_has_nothing_to_recover(library: Library, plan_for: PlanFor) -> None:
    plan_for(SERVER)
    update(library)
    assert recover(library) == ()


def test_what_another_process_is_working_on_is_not_interrupted(
    library: Library, another: Library, plan_for: PlanFor
) -> None:
    with reserved(another, only_download(plan_for(SERVER))) as reservation:
        assert recover(library) == ()
        assert library.inventory.copy(reservation.copy.id).state is CopyState.RESERVED


def test_a_repository_that_is_away_is_told_and_nothing_is_concluded(
    library: Library, plan_for: PlanFor, repository: Path, tmp_path: Path
) -> None:
    copy = interrupted(library, only_download(plan_for(SERVER)))
    repository.rename(tmp_path / "unmounted")
    (told,) = recover(library)
    assert "could not be looked through" in told
    assert library.inventory.copy(copy.id) == copy
    (tmp_path / "unmounted").rename(repository)
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]


def test_unfinished_files_that_nobody_names_go_after_a_day(
    library: Library, plan_for: PlanFor, repository: Path, clock: Clock
) -> None:
    copy = interrupted(library, only_download(plan_for(SERVER)))
    partials = repository / INTERNAL / "partials"
    for name in ("orphan.bin", "orphan.json"):
        (partials / name).write_bytes((partials / name.replace("orphan", copy.id)).read_bytes())
    (partials / "noteless.bin").write_bytes(b"x" * 100)
    recover(library)
    assert {ref.key for ref in library.store("default").partials()} == {copy.id, "orphan", "noteless"}
    clock.pass_(days=1, minutes=1)
    told = recover(library)
    assert sum("No copy names this unfinished file" in one for one in told) == 2
    assert {ref.key for ref in library.store("default").partials()} == {copy.id}


def test_an_unfinished_copy_that_nothing_wants_any_more_goes_after_a_day(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor, clock: Clock
) -> None:
    copy = interrupted(library, only_download(plan_for(SERVER)))
    upstream.publish("orchard")
    assert let_go(library) == ()
    clock.pass_(days=1, minutes=1)
    (told,) = let_go(library)
    assert "nothing wants it any more" in told
    assert library.inventory.copy(copy.id).state is CopyState.GONE
    assert list(library.store("default").partials()) == []


def test_an_unfinished_copy_stays_while_a_plan_takes_it_up_or_upstream_is_silent(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor, clock: Clock
) -> None:
    copy = interrupted(library, only_download(plan_for(SERVER)))
    clock.pass_(days=30)
    assert let_go(library) == (), "the plan takes it up"
    upstream.publish("orchard")
    upstream.fault(FaultKind.BUSY, "/orchard/*")
    assert let_go(library) == (), "upstream may still want it"
    wants = with_others(library, ())
    assert let_go_of_abandoned(library, make_plan(library, ()), wants) == (), "nobody was asked"
    assert library.inventory.copy(copy.id) == copy


def test_an_unfinished_copy_that_was_asked_for_once_goes_after_a_day(
    library: Library, plan_for: PlanFor, clock: Clock
) -> None:
    copy = interrupted(library, only_download(plan_for(SERVER)))
    (subscription,) = library.inventory.subscriptions()
    library.inventory.remove_subscription(subscription.id)
    clock.pass_(days=2)
    assert len(let_go(library)) == 1
    assert library.inventory.copy(copy.id).state is CopyState.GONE


def test_bytes_that_changed_while_nobody_looked_are_fetched_anew_and_not_held_against_upstream(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    copy = interrupted(library, only_download(plan_for(SERVER)))
    file = repository / INTERNAL / "partials" / f"{copy.id}.bin"
    content = bytearray(file.read_bytes())
    content[4000] ^= 1
    file.write_bytes(content)
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    assert [one.sha256 for one in held(library)] == [copy.sha256]
    assert library.inventory.quarantined() == ()


def test_notes_of_what_was_published_long_ago_are_swept(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor, repository: Path
) -> None:
    plan_for(SERVER)
    update(library)
    partials = repository / INTERNAL / "partials"
    old, recent = partials / "old.published", partials / "recent.published"
    for note in (old, recent):
        note.write_bytes(b"{}")
    os.utime(old, (0, 0))
    upstream.publish("orchard")
    update(library)
    assert not old.exists()
    assert recent.exists()
