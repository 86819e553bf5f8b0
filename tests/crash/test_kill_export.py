"""kill -9 while a bundle is written: nothing has its name before it is whole, and the same export goes on from what is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from custom_images import hold_images
from isomanager.library.bundling import plan_bundle, write_bundle
from isomanager.library.opening import Library, library_in_use
from isomanager.library.site_keys import site_key
from isomanager.library.unbundling import bundle_source, plan_import, take_in_bundled
from isomanager.model import Outcome
from isomanager.settings import load_settings

pytestmark = [pytest.mark.crash, pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")]
DRIVER = Path(__file__).parent / "bundle_driver.py"
LIMIT = 300.0
KEPT = "an earlier run wrote it"

WHOLE = {"receipts in it": 0, "an image torn": 3, "two images in it": 2, "no end": 4, "whole, not named": 4}
"""Images that are whole when the process dies, of four."""


def die_at(point: str, place: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(place), point],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(DRIVER.parents[1]), *sys.path])},
    )
    assert done.returncode == -9, f"it did not come to '{point}': {done.stdout}{done.stderr}"


def exported(library: Library, place: Path) -> tuple[Outcome, ...]:
    return write_bundle(library, plan_bundle(library, [], "default", frozenset()), place)


def assert_arrives(library: Library, place: Path, folder: Path) -> None:
    """Every image of the bundle can be taken in by a library that has nothing."""
    told = {"data_folder": folder / "island", "default_repository": str(folder / "island-isos")}
    with Library(load_settings().model_copy(update=told)) as island:
        with bundle_source(island, place, keys=[site_key(library).public]) as source:
            steps = plan_import(island, source, "default")
            outcomes = [one for step in steps for one in take_in_bundled(island, source, step)]
        assert not [one.reason for one in outcomes if one.is_bad]
        here = {one.sha256 for one in library.inventory.copies("default")}
        assert {one.sha256 for one in island.inventory.copies("default")} == here


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("june.tar", "an image torn"),
        ("june.tar", "whole, not named"),
        ("june.tar.zst", "receipts in it"),
        ("june.tar.zst", "two images in it"),
        ("june.tar.zst", "no end"),
    ],
)
def test_an_archive_goes_on_after_kill_9(name: str, point: str, tmp_path: Path) -> None:
    place = tmp_path / "stick" / name
    with library_in_use() as library:
        hold_images(library, range(4), 300_000)
        site_key(library, create=True)
    die_at(point, place)
    assert [one.name for one in place.parent.iterdir()] == [f".{name}.part"], "nothing has its name"
    with library_in_use() as library:
        outcomes = exported(library, place)
        kept = Counter(one.reason == KEPT for one in outcomes)[True]
        assert (kept, len(outcomes)) == (WHOLE[point], 4)
        assert [one.name for one in place.parent.iterdir()] == [name], "nothing else is left"
        assert_arrives(library, place, tmp_path)
    command = ["tar", "--zstd", "-xf"] if name.endswith("zst") else ["tar", "-xf"]
    subprocess.run([*command, str(place)], cwd=place.parent, check=True)
    assert len(list((place.parent / "images").iterdir())) == 4


def test_a_folder_goes_on_after_kill_9(tmp_path: Path) -> None:
    place = tmp_path / "stick"
    with library_in_use() as library:
        hold_images(library, range(4), 300_000)
        site_key(library, create=True)
    die_at("two images in the folder", place)
    assert not (place / "bundle.json").exists()
    (place / "images" / f".{'0' * 64}.part").write_bytes(b"of a run that was killed")
    with library_in_use() as library:
        outcomes = exported(library, place)
        kept = Counter(one.reason == KEPT for one in outcomes)[True]
        assert (kept, len(outcomes)) == (2, 4)
        assert not list(place.rglob("*.part")), "nothing unfinished is left"
        assert_arrives(library, place, tmp_path)
