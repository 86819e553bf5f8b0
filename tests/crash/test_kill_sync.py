"""kill -9 at every step of a sync, of small images and of large ones: the next run converges, and nothing that is held is anything but whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crash.state import images
from crash.sync_driver import LARGE_POINTS, POINTS, SHARING_POINTS, mirror
from custom_images import hold_images
from isomanager.library.opening import Library, library_in_use
from isomanager.library.pruning import retire
from isomanager.library.recovering import INTERRUPTED, recover
from isomanager.library.repositories import add_repository
from isomanager.model import CopyState
from isomanager.storage.receipts import receipts_of
from sharing_disk import shared_bytes

pytestmark = [pytest.mark.crash, pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")]
DRIVER = Path(__file__).parent / "sync_driver.py"
LIMIT = 300.0
LARGE = 9 << 20
"""Bytes: more than travels with others."""


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A destination that has two images which the source let go of since, and lacks three."""
    with library_in_use() as library:
        add_repository(library, "branch", str(tmp_path / "branch"))
        copies = hold_images(library, range(2))
        mirror(library)
        for copy in copies:
            retire(library, copy, "a test")
        hold_images(library, range(2, 5))
    return tmp_path / "branch"


def die_at(point: str) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), point],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(DRIVER.parents[1]), *sys.path])},
    )
    assert done.returncode == -9, f"it did not come to '{point}': {done.stdout}{done.stderr}"


@pytest.mark.parametrize("point", POINTS)
def test_a_sync_after_kill_9_converges(point: str, branch: Path) -> None:
    die_at(point)
    with library_in_use() as library:
        assert_next_converges(library, branch)


@pytest.mark.parametrize("point", LARGE_POINTS)
def test_a_sync_of_a_large_image_after_kill_9_converges(point: str, tmp_path: Path) -> None:
    with library_in_use() as library:
        add_repository(library, "branch", str(tmp_path / "branch"))
        hold_images(library, range(1), LARGE)
    die_at(point)
    with library_in_use() as library:
        assert_next_converges(library, tmp_path / "branch")


@pytest.mark.skipif(sys.platform != "linux", reason="loop devices and reflinks of Linux")
def test_a_sync_that_shares_blocks_converges_and_shares_them_after_kill_9(
    sharing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for point in SHARING_POINTS:
        place = sharing / point
        monkeypatch.setenv("ISOMANAGER_DATA_FOLDER", str(place / "data"))
        monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(place / "library"))
        with library_in_use() as library:
            add_repository(library, "branch", str(place / "branch"))
            (original,) = hold_images(library, range(1), LARGE)
        die_at(point)
        with library_in_use() as library:
            assert_next_converges(library, place / "branch")
            (copy,) = library.inventory.copies("branch", states={CopyState.HELD})
            assert shared_bytes(place / "branch" / copy.path) >= LARGE
            assert not (place / "branch" / copy.path).samefile(place / "library" / original.path)


def assert_next_converges(library: Library, branch: Path) -> None:
    wanted = {one.sha256 for one in library.inventory.copies("default", states={CopyState.HELD})}
    everything = {one.sha256 for one in library.inventory.copies("default")}
    assert set(images(branch).values()) <= everything, "only whole images are ever seen"
    recover(library)
    assert not [one.reason for one in mirror(library) if one.is_bad]
    held = library.inventory.copies("branch", states={CopyState.HELD})
    assert {one.sha256 for one in held} == wanted
    assert {one.path: one.sha256 for one in held} == images(branch)
    assert library.inventory.copies(states=INTERRUPTED | {CopyState.SUSPECT}) == ()
    store = library.store("branch")
    assert all(receipts_of(store, one.sha256 or "") for one in held)
    assert mirror(library) == [], "the next one has nothing to do"
