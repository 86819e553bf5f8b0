"""Torrents in staging leave each other, and everything else on their disk, the room that is still needed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isomanager.errors import StoreError
from isomanager.library.space import SpaceBook
from isomanager.library.torrent_stage import TorrentStage
from isomanager.storage.contract import Space
from isomanager.storage.local import LocalStore
from isomanager.transfer.torrent.swarm import IMAGE

MIB = 1 << 20


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TorrentStage:
    """On a disk with room for ten mebibytes."""
    monkeypatch.setattr(TorrentStage, "space", lambda _stage: Space(total=100 * MIB, free=10 * MIB))
    return TorrentStage(tmp_path / "torrents")


def test_two_torrents_at_once_do_not_overfill_the_disk(stage: TorrentStage) -> None:
    book, now = SpaceBook(), datetime.now(UTC)
    with (
        book.reserved(stage, "one", "one.iso", 6 * MIB, now),
        pytest.raises(StoreError, match="promised") as refused,
        book.reserved(stage, "two", "two.iso", 6 * MIB, now),
    ):
        pass
    with book.reserved(stage, "two", "two.iso", 6 * MIB, now):  # the room is given back
        pass
    assert refused.value.code == "no-space"
    assert (refused.value.data["promised"], refused.value.data["needed"]) == (6 * MIB, 6 * MIB)


def test_what_another_process_fetches_by_torrent_is_seen(stage: TorrentStage) -> None:
    stage.folder("theirs", 6 * MIB)
    now = datetime.now(UTC)
    with (
        pytest.raises(StoreError, match="promised"),
        SpaceBook().reserved(stage, "ours", "ours.iso", 6 * MIB, now),
    ):
        pass
    later = now + timedelta(hours=1)  # nobody is at it any more
    with SpaceBook().reserved(stage, "ours", "ours.iso", 6 * MIB, later):
        pass


def test_a_hole_in_an_unfinished_file_still_needs_its_room(stage: TorrentStage) -> None:
    folder = stage.folder("ours", 12 * MIB)
    with (folder / IMAGE).open("wb") as image:
        image.write(os.urandom(3 * MIB))
        image.truncate(12 * MIB)
        os.fsync(image.fileno())
    (ref,) = stage.partials()
    assert 3 * MIB <= ref.front < 4 * MIB
    with SpaceBook().reserved(stage, "ours", "ours.iso", 12 * MIB, datetime.now(UTC)):
        pass


def test_the_staging_folder_and_a_repository_on_one_disk_share_its_room(
    stage: TorrentStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, book, now = LocalStore(tmp_path / "library"), SpaceBook(), datetime.now(UTC)
    monkeypatch.setattr(store, "space", lambda: Space(total=100 * MIB, free=10 * MIB))
    with (
        book.reserved(store, "one", "one.iso", 6 * MIB, now),
        pytest.raises(StoreError, match="promised"),
        book.reserved(stage, "one", "one.iso by torrent", 6 * MIB, now),
    ):
        pass


def test_what_nobody_went_on_with_for_a_week_is_removed(stage: TorrentStage) -> None:
    old = stage.folder("old", MIB)
    fresh = stage.folder("fresh", MIB)
    weeks_ago = datetime.now(UTC).timestamp() - 14 * 86_400
    for one in (*old.iterdir(), old):
        os.utime(one, (weeks_ago, weeks_ago))
    stage.folder("ours", MIB)
    assert (old.exists(), fresh.exists()) == (False, True)
