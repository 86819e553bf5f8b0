"""`isomanager identify`: its contract for machines, its table, what it does with folders, stores, and files that are no images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from command import Isomanager
from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Copy, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from media.discs import disc, wim

KEYS = ["path", "family", "product", "flavor", "version", "architecture", "language", "edition", "confidence", "evidence", "alternatives"]  # fmt: skip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three images, a text, and a repository's internal folder."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / ".isomanager").mkdir()
    files = {
        "a debian.iso": disc(volume="Debian 12.5.0 amd64 n"),
        "deep/er/windows.ISO": disc(
            {"sources/install.wim": wim("Professional")},
            rock_ridge=False,
            udf_only=True,
            volume="CCCOMA_X64FRE_DE-DE_DV9",
        ),
        "deep/photos.iso": disc(volume="PHOTOS_2019"),
        "notes.txt": b"no image",
        ".isomanager/unfinished.iso": disc(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_image_is_one_object_on_one_line_with_the_keys_of_the_contract(
    isomanager: Isomanager, shelf: Path
) -> None:
    told = isomanager("identify", shelf / "a debian.iso", shelf / "deep" / "photos.iso", "--json")
    known, unknown = lines(told.out)
    assert told.code == 0
    assert list(known) == KEYS == list(unknown)
    assert known["path"] == str(shelf / "a debian.iso")
    assert (known["family"], known["product"], known["version"]) == ("linux", "debian", "12.5.0")
    assert 0.5 <= known["confidence"] <= 1
    assert known["evidence"] == ["volume id 'Debian 12.5.0 amd64 n'"]
    assert (unknown["product"], unknown["family"], unknown["confidence"]) == (None, None, 0)


def test_folders_are_walked_in_order(here: Isomanager, shelf: Path) -> None:
    found = lines(here("identify", shelf, "--json").well().out)
    assert [Path(one["path"]).relative_to(shelf).as_posix() for one in found] == [
        "a debian.iso",
        "deep/photos.iso",
        "deep/er/windows.ISO",
    ]


def test_a_windows_disc_whose_files_are_in_udf_is_told_by_its_imaging_file(here: Isomanager, shelf: Path) -> None:
    (found,) = lines(here("identify", shelf / "deep" / "er", "--json", "--full").well().out)
    assert (found["product"], found["version"], found["edition"]) == ("windows", "11.24H2.26100.1742", "Professional")
    assert found["metadata"]["windows"][0]["build"] == "26100.1742"
    assert found["metadata"]["complete"] is True


def test_people_get_a_table_and_with_full_everything(here: Isomanager, shelf: Path) -> None:
    table = here("identify", shelf).well().out
    assert "unknown" in table
    assert "debian" in table
    everything = here("identify", shelf / "a debian.iso", "--full").well().out
    assert "Rock Ridge" in everything
    assert "because of" in everything


def test_what_is_no_image_is_said_and_is_exit_code_1_and_the_rest_is_told(here: Isomanager, shelf: Path) -> None:
    told = here("identify", shelf / "notes.txt", shelf / "a debian.iso", "--json")
    broken, whole = lines(told.out)
    assert told.code == 1
    assert (broken["product"], broken["error"]) == (None, "not-an-image")
    assert whole["product"] == "debian"
    assert "neither" in here("identify", shelf / "notes.txt").err


def test_a_page_that_is_called_like_an_image_is_not_taken_for_one(here: Isomanager, tmp_path: Path) -> None:
    page = tmp_path / "debian-12.5.0-amd64-netinst.iso"
    page.write_text("<html>Not found</html>")
    (found,) = lines(here("identify", page, "--json").out)
    assert found["product"] is None


def test_an_image_that_was_cut_off_is_told_to_be(here: Isomanager, shelf: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.iso"
    cut.write_bytes((shelf / "a debian.iso").read_bytes()[:-2048])
    told = here("identify", cut).well()
    assert "debian" in told.out
    assert "was cut off: 2048 bytes are missing" in told.err


def test_a_path_that_is_not_there_is_a_mistake(here: Isomanager, tmp_path: Path) -> None:
    assert here("identify", tmp_path / "nothing.iso").code == 2


def test_a_file_address_is_a_path(here: Isomanager, shelf: Path) -> None:
    (found,) = lines(here("identify", (shelf / "a debian.iso").as_uri(), "--json").well().out)
    assert found["product"] == "debian"


@pytest.fixture
def held(upstream: SampleUpstream) -> Copy:
    """A held image of the sample upstream."""
    with Library(load_settings()) as library:
        subscribe(library, Selector.parse("sample-orchard/server@lts"))
        update(library)
        (copy,) = library.inventory.copies()
    return copy


def test_a_renamed_image_is_recognised_by_its_digest_first(here: Isomanager, held: Copy, tmp_path: Path) -> None:
    renamed = tmp_path / "fedora-41.iso"
    shutil.copy(tmp_path / "library" / held.path, renamed)
    (found,) = lines(here("identify", renamed, "--digest", "--json").well().out)
    assert (found["product"], found["version"]) == ("sample-orchard", held.title.version.text)
    assert found["confidence"] > 0.99
    assert "SHA-256" in found["evidence"][0]


def test_show_tells_what_a_held_image_says_of_itself(here: Isomanager, held: Copy, tmp_path: Path) -> None:
    (shown,) = here("show", "sample-orchard", "--json").well().json
    assert shown["metadata"]["rock_ridge"] is True
    assert "disk-info" in shown["metadata"]["markers"]
    assert "Rock Ridge" in here("show", "sample-orchard").well().out
    (tmp_path / "library" / held.path).write_bytes(b"overwritten")
    assert "neither" in here("show", "sample-orchard").well().out
