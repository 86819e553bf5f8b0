"""A repository whose disk is not mounted: the folder beneath its mount point is neither filled nor believed to be the repository."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from domain_update import update
from isomanager.errors import StoreError, StoreUnavailable
from isomanager.library.checking import check_copy, held_copies
from isomanager.library.deduping import plan_duplicates
from isomanager.library.doctoring import examine_library
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.pruning import guards_for
from isomanager.library.rebuilding import unknown_files
from isomanager.library.relocating import plan_layout
from isomanager.library.repositories import add_repository, check_repository
from isomanager.library.scanning import Place, examine
from isomanager.library.subscribing import subscribe
from isomanager.library.sync_planning import survey
from isomanager.library.sync_sources import SyncSource
from isomanager.model import Assurance, CopyState, OutcomeKind, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import Validators
from isomanager.storage.marking import MARK
from library.conftest import SERVER
from store_servers import small_disk

Unmount = Callable[[], Path]


@pytest.fixture
def filled(library: Library) -> Library:
    subscribe(library, Selector.parse(SERVER), floor=Assurance.MIRROR)
    update(library)
    return library


@pytest.fixture
def unmount(repository: Path, tmp_path: Path) -> Unmount:
    """Let the empty folder beneath its mount point show in place of the repository; where the repository went."""

    def away() -> Path:
        repository.rename(tmp_path / "disk")
        repository.mkdir()
        return tmp_path / "disk"

    return away


WAYS: dict[str, Callable[[Library], object]] = {
    "sync from there": lambda library: SyncSource(library, "default").require(),
    "sync to there": lambda library: survey(library, "default"),
    "scan": lambda library: list(examine(library, Place(repository="default"))),
    "rebuild": lambda library: unknown_files(library, "default"),
    "layout": lambda library: plan_layout(library, "default", "by-version"),
    "begin": lambda library: library.store("default").begin("new.iso", 1, Validators(), key="k"),
    "write": lambda library: library.store("default").put_small("new.json", b"{}"),
    "read": lambda library: library.store("default").read("SHA256SUMS", 0, 9),
    "look": lambda library: library.store("default").stat("SHA256SUMS"),
    "look at many": lambda library: library.store("default").sizes(["SHA256SUMS"]),
    "room": lambda library: library.store("default").space(),
    "what is unfinished": lambda library: list(library.store("default").partials()),
}


def test_every_way_there_says_that_it_is_not_mounted_and_writes_nothing(
    filled: Library, another: Library, repository: Path, unmount: Unmount
) -> None:
    filled.store("default")
    unmount()
    for name, way in WAYS.items():
        for using in (filled, another):  # opened before, and after
            with pytest.raises(StoreUnavailable) as refused:
                way(using)
            assert refused.value.code == "not-mounted", name
            assert "--name default --new-disk" in refused.value.hint, name
    assert list(repository.iterdir()) == []


def test_an_update_downloads_nothing_anew_and_rewrites_no_index_and_loses_nothing(
    filled: Library, another: Library, upstream: SampleUpstream, repository: Path, unmount: Unmount
) -> None:
    disk = unmount()
    upstream.publish("orchard")
    (outcome,) = update(another)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "not-mounted")
    assert "were not rewritten" in refresh_indexes(another)[0]
    assert guards_for(another, ["default"]).listed == frozenset()
    (copy,) = held_copies(another)
    assert check_copy(another, copy).code == "not-mounted"
    assert another.inventory.copy(copy.id).state is CopyState.HELD
    assert list(repository.iterdir()) == []
    repository.rmdir()
    disk.rename(repository)
    assert OutcomeKind.PUBLISHED in [one.outcome for one in update(another)], (
        "a program that kept running uses it as soon as it is mounted again"
    )


def test_dedupe_takes_nothing_from_it_and_check_and_doctor_say_what_is_wrong(
    filled: Library, another: Library, repository: Path, unmount: Unmount
) -> None:
    unmount()
    assert plan_duplicates(another) == ()
    assert "is not mounted" in check_repository(another, "default").wrong
    (told,) = (one for one in examine_library(another) if one.name == "repository default")
    assert (told.state, "is not mounted" in told.told) == ("wrong", True)
    assert list(repository.iterdir()) == []


def test_a_repository_of_before_there_were_marks_gets_one_when_its_images_are_seen(
    filled: Library, another: Library, repository: Path, unmount: Unmount
) -> None:
    (repository / MARK).unlink()
    another.store("default").stat("x")
    assert (repository / MARK).is_file()


def test_one_of_before_there_were_marks_is_not_taken_for_an_empty_folder(
    filled: Library, another: Library, repository: Path, unmount: Unmount
) -> None:
    (repository / MARK).unlink()
    disk = unmount()
    with pytest.raises(StoreUnavailable, match="not mounted"):
        another.store("default").stat("x")
    repository.rmdir()
    disk.rename(repository)
    with Library(filled.settings) as later:
        later.store("default").stat("x")
    assert (repository / MARK).is_file()


def test_one_brought_back_from_a_backup_without_our_own_folder_is_known_by_its_images(
    filled: Library, another: Library, repository: Path
) -> None:
    shutil.rmtree(repository / ".isomanager")
    assert update(another)[0].outcome is OutcomeKind.CURRENT
    assert (repository / MARK).is_file()


def test_a_lost_database_is_no_reason_to_refuse_a_repository(filled: Library, repository: Path, tmp_path: Path) -> None:
    with Library(filled.settings.model_copy(update={"data_folder": tmp_path / "new"})) as anew:
        assert [one.path for one in unknown_files(anew, "default")]
    assert (repository / MARK).is_file()


def test_an_empty_disk_in_place_of_the_old_one_is_taken_when_a_person_says_so(
    filled: Library, another: Library, repository: Path, unmount: Unmount
) -> None:
    unmount()
    url = str(repository)
    with pytest.raises(StoreError, match="not mounted"):
        add_repository(another, "default", url)
    assert list(repository.iterdir()) == [], "creating it again does not say that it is another disk"
    add_repository(another, "default", url, new_disk=True)
    (copy,) = held_copies(another)
    assert check_copy(another, copy).outcome is OutcomeKind.FAILED
    assert update(another)[0].code == "repaired"
    assert (repository / copy.path).is_file()


def test_a_new_repository_is_marked_and_one_that_holds_nothing_can_be_made_again(
    library: Library, tmp_path: Path
) -> None:
    place = tmp_path / "usb"
    add_repository(library, "usb", str(place))
    assert (place / MARK).is_file()
    shutil.rmtree(place)
    add_repository(library, "usb", str(place))
    assert (place / MARK).is_file()


def test_a_disk_that_is_mounted_and_not_is_told_apart(library: Library, another: Library, tmp_path: Path) -> None:
    place = tmp_path / "mnt"
    with small_disk(place, 64):
        add_repository(library, "usb", str(place))
        subscribe(library, Selector.parse(SERVER), floor=Assurance.MIRROR, repositories=("usb",))
        assert update(library)[0].outcome is OutcomeKind.PUBLISHED
    with pytest.raises(StoreUnavailable, match="not mounted"):
        library.store("usb").stat("x")
    with pytest.raises(StoreUnavailable, match="not mounted"):
        another.store("usb").list().__next__()
    assert list(place.iterdir()) == []
