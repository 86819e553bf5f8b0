"""Pins, holds, freezing, archives, the trash, re-spins and the question why, on a library of the sample upstream."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain_update import answers, update
from isomanager.errors import UsageError
from isomanager.library.answering_why import why
from isomanager.library.checking import check_copy
from isomanager.library.failed_before import failed_subscriptions
from isomanager.library.opening import Library
from isomanager.library.pinning import end_of, pin, release
from isomanager.library.planning_updates import make_plan
from isomanager.library.recording import recorded
from isomanager.library.refusals import refusal_id, refusals
from isomanager.library.refusals import release as release_refusals
from isomanager.library.relocating import move_copy
from isomanager.library.repositories import add_repository
from isomanager.library.subscribing import subscribe
from isomanager.library.trash import empty, restore, stays_until, trashed
from isomanager.model import ActionKind, Assurance, Copy, CopyState, Keep, OutcomeKind, Selector
from isomanager.planning.relocating import Move
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.receipts import receipts_of
from library.conftest import SERVER, Clock, held


@pytest.fixture
def first(library: Library) -> Copy:
    """The first release, held; the subscription keeps one version."""
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (copy,) = held(library)
    return copy


def state(library: Library, copy: Copy) -> CopyState:
    return library.inventory.copy(copy.id).state


def test_a_pinned_image_stays_until_it_is_released(library: Library, upstream: SampleUpstream, first: Copy) -> None:
    pin(library, first.path, "pin", reason="the exam")
    upstream.publish("orchard")
    update(library)
    assert state(library, first) is CopyState.HELD
    (answer,) = why(library, first.path)
    assert (answer.fate, answer.reasons[0][:2]) == ("stays", ("pinned", f"pinned as {first.path} (the exam)"))
    release(library, first.path)
    update(library)
    assert state(library, first) is CopyState.TRASHED


def test_a_pin_follows_its_image_when_it_moves(library: Library, first: Copy) -> None:
    pin(library, first.path, "pin")
    move_copy(
        library,
        "default",
        Move(copy_id=first.id, image=str(first.title), path=first.path, wanted="elsewhere.iso", reason="as asked"),
    )
    (moved,) = held(library)
    (answer,) = why(library, moved.path)
    assert answer.reasons[0][0] == "pinned"


def test_a_pin_on_a_selector_ends_by_itself(
    library: Library, upstream: SampleUpstream, first: Copy, clock: Clock
) -> None:
    pin(library, f"sample-orchard/server@{first.title.version}", "pin", until=end_of("30d", library.now()))
    upstream.publish("orchard")
    update(library)
    assert state(library, first) is CopyState.HELD
    clock.pass_(days=31)
    update(library)
    assert state(library, first) is CopyState.TRASHED


def test_a_hold_fetches_nothing_newer_until_it_is_released(
    library: Library, upstream: SampleUpstream, first: Copy
) -> None:
    pin(library, SERVER, "hold")
    upstream.publish("orchard")
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.SKIPPED, "on-hold")
    assert held(library) == (first,)
    release(library, SERVER)
    update(library)
    assert [str(one.title.version) for one in held(library)] != [str(first.title.version)]


def test_what_is_neither_a_selector_nor_held_cannot_be_pinned(library: Library, first: Copy) -> None:
    with pytest.raises(UsageError, match="no selector"):
        pin(library, "no such thing", "pin")
    with pytest.raises(UsageError, match="Nothing is pinned"):
        release(library, first.path)
    with pytest.raises(UsageError, match="over already"):
        end_of("2020-01-01", library.now())


def test_nothing_is_deleted_while_frozen_not_even_from_the_trash(
    library: Library, upstream: SampleUpstream, first: Copy, repository: Path, clock: Clock
) -> None:
    upstream.publish("orchard")
    library.inventory.freeze("moving house")
    update(library)
    assert state(library, first) is CopyState.HELD
    library.inventory.unfreeze()
    update(library)
    assert state(library, first) is CopyState.TRASHED
    library.inventory.freeze()
    clock.pass_(days=library.settings.trash_days + 1)
    update(library)
    (failed,) = empty(library, trashed(library))
    assert failed.code == "frozen"
    assert (repository / library.inventory.copy(first.id).trash_path).exists()
    assert library.inventory.unfreeze()
    assert not library.inventory.unfreeze()
    update(library)
    assert state(library, first) is CopyState.GONE


def test_an_archived_version_is_held_in_the_archive_with_its_receipts_before_it_goes(
    library: Library, upstream: SampleUpstream, tmp_path: Path
) -> None:
    add_repository(library, "attic", str(tmp_path / "attic"), "default", "")
    subscribe(library, Selector.parse(SERVER), old="archive", archive="attic")
    update(library)
    (first,) = held(library)
    content = (Path(library.store("default").url) / first.path).read_bytes()
    upstream.publish("orchard")
    update(library)
    (archived,) = library.inventory.copies("attic", states={CopyState.HELD})
    assert (archived.title, archived.sha256, archived.assurance) == (first.title, first.sha256, first.assurance)
    assert (tmp_path / "attic" / archived.path).read_bytes() == content
    assert state(library, first) is CopyState.TRASHED
    kept = receipts_of(library.store("attic"), first.sha256 or "")
    assert all(one in kept for one in library.inventory.receipts(first.sha256 or ""))
    update(library)
    assert state(library, archived) is CopyState.HELD, "no subscription retires an archive"


def test_what_cannot_be_archived_does_not_go(library: Library, upstream: SampleUpstream, tmp_path: Path) -> None:
    add_repository(library, "attic", str(tmp_path / "attic"), "default", "")
    subscribe(library, Selector.parse(SERVER), old="archive", archive="attic")
    update(library)
    (first,) = held(library)
    upstream.publish("orchard")
    (tmp_path / "attic").rename(tmp_path / "unmounted")
    assert any(one.outcome is OutcomeKind.FAILED for one in update(library))
    assert state(library, first) is CopyState.HELD


def test_an_archive_is_another_repository_that_exists(library: Library) -> None:
    with pytest.raises(UsageError, match="Old versions are archived"):
        subscribe(library, Selector.parse(SERVER), old="archive")
    with pytest.raises(UsageError, match="both the place and the archive"):
        subscribe(library, Selector.parse(SERVER), old="archive", archive="default")


def retired(library: Library, upstream: SampleUpstream) -> Copy:
    upstream.publish("orchard")
    update(library)
    (copy,) = trashed(library)
    return copy


def test_restoring_brings_back_proves_and_pins(
    library: Library, upstream: SampleUpstream, first: Copy, repository: Path
) -> None:
    content = (repository / first.path).read_bytes()
    outcome = restore(library, retired(library, upstream))
    assert (outcome.outcome, outcome.code) == (OutcomeKind.PUBLISHED, "restored")
    assert (repository / first.path).read_bytes() == content
    update(library)
    assert state(library, first) is CopyState.HELD, "the next run does not retire it again"
    release(library, first.path)
    update(library)
    assert state(library, first) is CopyState.TRASHED


def test_what_was_damaged_in_the_trash_comes_back_suspect(
    library: Library, upstream: SampleUpstream, first: Copy, repository: Path
) -> None:
    copy = retired(library, upstream)
    file = repository / copy.trash_path
    file.write_bytes(b"x" * (copy.size or 1))
    outcome = restore(library, copy)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "failed-proof")
    assert state(library, first) is CopyState.SUSPECT
    assert library.inventory.pins() == ()


def test_what_lost_its_place_stays_in_the_trash(
    library: Library, upstream: SampleUpstream, first: Copy, repository: Path
) -> None:
    copy = retired(library, upstream)
    (repository / copy.path).write_bytes(b"mine")
    outcome = restore(library, copy)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "name-taken")
    assert state(library, first) is CopyState.TRASHED
    assert (repository / copy.path).read_bytes() == b"mine"


def test_the_trash_can_be_emptied_before_its_time(
    library: Library, upstream: SampleUpstream, first: Copy, repository: Path
) -> None:
    copy = retired(library, upstream)
    assert stays_until(library, copy) > library.now()
    (outcome,) = empty(library, trashed(library, [copy.path]))
    assert (outcome.outcome, outcome.code) == (OutcomeKind.RETIRED, "emptied")
    assert not (repository / copy.trash_path).exists()
    assert "by a person" in library.inventory.copy(first.id).reason
    with pytest.raises(UsageError, match="Nothing in the trash"):
        trashed(library, [copy.path])


def test_a_respin_is_kept_beside_flagged_and_told(library: Library, upstream: SampleUpstream, first: Copy) -> None:
    (name,) = upstream.site.www.rglob(first.filename)
    upstream.respin(name.relative_to(upstream.site.www).as_posix())
    (action,) = make_plan(library, answers(library)).of_kind(ActionKind.DOWNLOAD)
    assert action.code == "re-spin"
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.PUBLISHED, "re-spin")
    assert len(held(library)) == 2
    told = why(library, SERVER)
    assert all(any(code == "re-spin" for code, *_ in one.reasons) for one in told)


def test_why_says_what_is_here_what_went_and_what_never_came(
    library: Library, upstream: SampleUpstream, first: Copy
) -> None:
    (answer,) = why(library, first.path)
    assert answer.here[0].startswith(f"{SERVER} brought it in")
    assert answer.fate == "stays"
    assert ("current", f"it is what {SERVER} selects now") in [one[:2] for one in answer.reasons]
    assert dict(answer.trust)["trusted as"].startswith("signed")
    copy = retired(library, upstream)
    (gone,) = why(library, copy.path)
    assert (gone.fate, gone.reasons[0][0]) == ("trashed", "trashed")
    assert "trash restore" in gone.reasons[0][2]
    (absent,) = why(library, "sample-lantern")
    assert (absent.fate, absent.reasons[0][0]) == ("absent", "unwanted")
    with pytest.raises(UsageError, match="no selector"):
        why(library, "nothing like that")


def test_why_says_of_a_suspect_copy_how_it_may_be_mended(library: Library, first: Copy, repository: Path) -> None:
    (repository / first.path).write_bytes(b"x" * (first.size or 1))
    check_copy(library, first)
    (answer,) = why(library, first.path)
    assert answer.fate == "suspect"
    assert "verify --repair" in answer.reasons[0][2]


def test_why_says_what_would_go_now(library: Library, upstream: SampleUpstream, first: Copy) -> None:
    subscribe(library, Selector.parse(SERVER), keep=Keep(last=2))
    upstream.publish("orchard")
    update(library)
    subscribe(library, Selector.parse(SERVER))
    (answer,) = why(library, first.path)
    assert (answer.fate, answer.reasons[0][0]) == ("goes", "replaced")
    assert "isomanager pin" in answer.reasons[0][2]


def test_a_refusal_is_named_shown_and_released(library: Library, upstream: SampleUpstream) -> None:
    subscribe(library, Selector.parse(SERVER))
    upstream.fault("flip-bit", "*.iso")
    with recorded(library, "update") as record:
        (outcome,) = record(update(library))
    assert outcome.outcome is OutcomeKind.QUARANTINED
    upstream.clear_faults()
    (refused,) = refusals(library)
    assert refusals(library, [refusal_id(refused)]) == refusals(library, [SERVER]) == (refused,)
    (answer,) = why(library, SERVER)
    assert (answer.fate, answer.reasons[0][0]) == ("gone", "refused")
    assert update(library)[0].outcome is OutcomeKind.QUARANTINED, "nothing is fetched again for nothing"
    assert release_refusals(library, [SERVER]) == (refused,)
    with pytest.raises(UsageError):
        refusals(library, [SERVER])
    assert update(library)[0].outcome is OutcomeKind.PUBLISHED


def test_only_what_failed_last_time_is_tried_again(library: Library, upstream: SampleUpstream) -> None:
    subscribe(library, Selector.parse(SERVER))
    subscribe(library, Selector.parse("sample-lantern"), floor=Assurance.MIRROR)
    upstream.fault("not-found", "*orchard*.iso")
    with recorded(library, "update") as record:
        record(update(library))
    every = library.inventory.subscriptions()
    assert [str(one.selector) for one in failed_subscriptions(library, every)] == [SERVER]
    upstream.clear_faults()
    with recorded(library, "update") as record:
        record(update(library))
    assert failed_subscriptions(library, every) == ()
