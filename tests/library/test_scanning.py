"""Scanning real folders with real images into a real library."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pycdlib
import pytest

from isomanager.errors import Refused, StoreError, StoreUnavailable, UsageError
from isomanager.inventory.searching import CopySearch
from isomanager.library.adding_images import ImageEntry, add_image
from isomanager.library.opening import Library
from isomanager.library.scanning import Place, scan
from isomanager.library.taking_in import answer_of, taken_outcome
from isomanager.model import Assurance, Copy, Outcome, OutcomeKind
from isomanager.planning.scanning import ScanKind, ScanStep
from isomanager.storage.local import LocalStore
from isomanager.storage.local_tree import LocalTree
from isomanager.storage.tree import Seen
from isomanager.storage.tree_store import TreeStore

NOW = timedelta(0)


def an_image(file: Path, volume: str, *, text: bytes = b"content") -> Path:
    """A real ISO 9660 image with that volume identifier."""
    image = pycdlib.PyCdlib()
    image.new(vol_ident=volume, interchange_level=3)
    image.add_fp(io.BytesIO(text), len(text), "/README.TXT;1")
    file.parent.mkdir(parents=True, exist_ok=True)
    image.write(str(file))
    image.close()
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = tmp_path / "found"
    an_image(there / "ubuntu-24.04.3-live-server-amd64.iso", "Ubuntu-Server 24.04.3 LTS amd64")
    an_image(there / "deeper" / "renamed.iso", "Debian 13.1.0 amd64 n")
    an_image(there / "holiday.iso", "MY_HOLIDAY")
    (there / "notes.txt").write_text("no image")
    (there / "broken.iso").write_bytes(b"not an image at all" * 4000)
    return there


def kinds(steps: tuple[ScanStep, ...]) -> dict[str, ScanKind]:
    return {one.file.path: one.kind for one in steps}


def taken(library: Library, place: Place, steps: tuple[ScanStep, ...], **told: Any) -> list[Outcome]:
    return [taken_outcome(library, place, "default", one, **told) for one in steps if one.kind is ScanKind.TAKE]


def held(library: Library) -> dict[str, Copy]:
    return {one.title.product: one for one in library.inventory.search(CopySearch())}


def test_a_folder_is_looked_through_and_what_is_known_is_copied_in(library: Library, folder: Path) -> None:
    place = Place(str(folder), settle=NOW)
    steps = scan(library, place, "default")
    assert kinds(steps) == {
        "broken.iso": ScanKind.DAMAGED,
        "deeper/renamed.iso": ScanKind.TAKE,
        "holiday.iso": ScanKind.UNKNOWN,
        "ubuntu-24.04.3-live-server-amd64.iso": ScanKind.TAKE,
    }
    told = taken(library, place, steps)
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}
    copies = held(library)
    assert str(copies["ubuntu"].title) == "ubuntu/server@24.04.3 x86_64"
    assert copies["ubuntu"].path == "Linux/Ubuntu - Server/ubuntu.server-24.04.3.iso"
    assert copies["debian"].title.version.text.startswith("13.1")
    assert copies["debian"].assurance is Assurance.NONE
    assert (folder / "deeper" / "renamed.iso").exists(), "what was found stays"
    again = scan(library, place, "default")
    assert kinds(again)["deeper/renamed.iso"] is ScanKind.DUPLICATE


def test_unchanged_files_are_not_read_again(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(str(folder), settle=NOW)
    first = scan(library, place, "default")
    read: list[str] = []
    store_type = type(library.store("default"))
    reading = store_type.read
    monkeypatch.setattr(
        store_type, "read", lambda self, path, *rest, **more: read.append(path) or reading(self, path, *rest, **more)
    )  # type: ignore[func-returns-value]
    assert kinds(scan(library, place, "default")) == kinds(first)
    assert read == []
    an_image(folder / "holiday.iso", "OTHER_HOLIDAY", text=b"other")
    scan(library, place, "default")
    assert set(read) == {"holiday.iso"}


def test_a_quick_scan_reads_no_file_whole_and_a_full_one_makes_up_for_it(library: Library, folder: Path) -> None:
    quick = scan(library, Place(str(folder), settle=NOW, quick=True), "default")
    assert {one.file.sha256 for one in quick} == {""}
    full = scan(library, Place(str(folder), settle=NOW), "default")
    assert all(one.file.sha256 for one in full if one.kind is not ScanKind.DAMAGED)


def test_files_that_still_grow_wait(library: Library, folder: Path) -> None:
    old = folder / "holiday.iso"
    os.utime(old, (1_000_000_000, 1_000_000_000))
    steps = kinds(scan(library, Place(str(folder)), "default"))
    assert steps.pop("holiday.iso") is ScanKind.UNKNOWN
    assert set(steps.values()) == {ScanKind.WAIT}


def test_the_repositorys_own_files_are_adopted_and_put_into_the_layout(library: Library, repository: Path) -> None:
    assert library.store("default")
    an_image(repository / "dropped.iso", "Ubuntu-Server 24.04.3 LTS amd64")
    place = Place(repository="default", settle=NOW)
    steps = scan(library, place, "default")
    (told,) = taken(library, place, steps, move=True)
    assert (told.path, told.bytes) == ("Linux/Ubuntu - Server/ubuntu.server-24.04.3.iso", 0)
    assert not (repository / "dropped.iso").exists()
    assert kinds(scan(library, place, "default")) == {told.path: ScanKind.KNOWN}


def test_a_drop_folder_is_emptied_of_what_is_held(library: Library, folder: Path) -> None:
    place = Place(str(folder), settle=NOW)
    taken(library, place, scan(library, place, "default"), remove=True)
    assert sorted(one.name for one in folder.rglob("*.iso")) == ["broken.iso", "holiday.iso"]


def test_only_what_the_patterns_fit_is_looked_at(library: Library, folder: Path) -> None:
    steps = scan(library, Place(str(folder), patterns=("UBUNTU*.iso",), settle=NOW), "default")
    assert list(kinds(steps)) == ["ubuntu-24.04.3-live-server-amd64.iso"]


def test_a_file_that_was_cut_off_is_refused(library: Library, folder: Path) -> None:
    whole = folder / "ubuntu-24.04.3-live-server-amd64.iso"
    whole.write_bytes(whole.read_bytes()[:-4096])
    steps = {one.file.path: one for one in scan(library, Place(str(folder), settle=NOW), "default")}
    assert steps[whole.name].kind is ScanKind.DAMAGED
    assert "bytes are missing" in steps[whole.name].reason


def test_a_file_that_changed_after_it_was_looked_at_is_not_taken_in(library: Library, folder: Path) -> None:
    place = Place(str(folder), settle=NOW)
    steps = scan(library, place, "default")
    an_image(folder / "deeper" / "renamed.iso", "Debian 13.1.0 amd64 n", text=b"another")
    told = {one.title.product: one for one in taken(library, place, steps) if one.title}
    assert (told["debian"].outcome, told["ubuntu"].outcome) == (OutcomeKind.FAILED, OutcomeKind.PUBLISHED)
    assert "debian" not in held(library)


def test_what_a_person_answers_is_understood_or_refused(library: Library, folder: Path) -> None:
    steps = {one.file.path: one for one in scan(library, Place(str(folder), settle=NOW), "default")}
    unknown = steps["holiday.iso"]
    assert answer_of(library, unknown, "no") is None
    assert str(answer_of(library, unknown, "holiday@2026")) == "holiday/vanilla@2026 any"
    assert str(answer_of(library, unknown, "ubuntu/server@24.04")) == "ubuntu/server@24.04 x86_64"
    with pytest.raises(UsageError):
        answer_of(library, unknown, "yes")
    answers = {"holiday.iso": answer_of(library, unknown, "holiday@2026")}
    again = scan(library, Place(str(folder), settle=NOW), "default", answers=answers)
    assert kinds(again)["holiday.iso"] is ScanKind.TAKE


def test_a_folder_that_is_not_there_is_said_to_be(library: Library, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        scan(library, Place(str(tmp_path / "nowhere")), "default")


def test_an_image_is_added_under_its_own_name_with_notes_and_digest(library: Library, folder: Path) -> None:
    import hashlib

    file = folder / "holiday.iso"
    entry = ImageEntry(
        file=str(file), name="WS2025 Lab", family="Windows-Custom", version="1", base="windows-server@2025",
        digest=hashlib.sha512(file.read_bytes()).hexdigest(), purpose="Lab Deployment", notes={"owner": "me"},
    )  # fmt: skip
    copy = add_image(library, entry)
    assert (str(copy.title), copy.title.family) == ("ws2025-lab/vanilla@1 any", "custom")
    assert (copy.assurance, copy.source) == (Assurance.PINNED, "add")
    stored = library.inventory.copy(copy.id)
    assert stored.metadata == {"owner": "me", "base": "windows-server@2025", "purpose": "Lab Deployment"}
    assert file.exists()


def test_an_image_that_lies_in_the_repository_is_added_in_its_place(library: Library, repository: Path) -> None:
    assert library.store("default")
    file = an_image(repository / "mine" / "lab.iso", "LAB")
    copy = add_image(library, ImageEntry(file=str(file), name="lab", notes={"a": "b"}))
    assert (copy.path, copy.metadata, copy.assurance) == ("mine/lab.iso", {"a": "b"}, Assurance.NONE)


def test_never_adds_a_file_with_another_digest(library: Library, folder: Path) -> None:
    with pytest.raises(Refused, match="left as it is"):
        add_image(library, ImageEntry(file=str(folder / "holiday.iso"), name="x", digest="0" * 64))
    with pytest.raises(UsageError, match="no digest"):
        add_image(library, ImageEntry(file=str(folder / "holiday.iso"), name="x", digest="zz"))
    with pytest.raises(UsageError, match="not a file"):
        add_image(library, ImageEntry(file=str(folder / "nothing.iso"), name="x"))
    assert held(library) == {}


class Uploading(LocalStore):
    """A folder in which a file goes on growing while somebody reads it, its times kept as an uploader keeps them."""

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """What is there, and then more of it."""
        content = super().read(path, start, length, if_match=if_match)
        file = self.root / path
        old = file.stat().st_mtime
        with file.open("ab") as growing:
            growing.write(b"more")
        os.utime(file, (old, old))
        return content


def test_never_takes_what_grew_while_it_was_looked_at(library: Library, repository: Path) -> None:
    file = an_image(repository / "drop" / "debian-13.1.0-amd64-netinst.iso", "Debian 13.1.0 amd64 n")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    place = Place(repository="default", settle=timedelta(seconds=60))
    library._stores["default"] = Uploading(repository)
    assert kinds(scan(library, place, "default")) == {"drop/debian-13.1.0-amd64-netinst.iso": ScanKind.WAIT}
    library._stores["default"] = LocalStore(repository)
    assert kinds(scan(library, place, "default")) == {"drop/debian-13.1.0-amd64-netinst.iso": ScanKind.TAKE}


def test_an_image_that_does_not_tell_its_version_is_asked_about(library: Library, tmp_path: Path) -> None:
    file = an_image(tmp_path / "there" / "x.iso", "CCCOMA_X64FRE_EN-US_DV9")
    (step,) = scan(library, Place(str(file.parent), settle=NOW), "default")
    assert step.kind is ScanKind.ASK
    (taken,) = scan(library, Place(str(file.parent), settle=NOW), "default", sure=0)
    assert taken.kind is ScanKind.TAKE


def test_a_disc_whose_words_make_no_title_stops_nothing(library: Library, folder: Path) -> None:
    an_image(folder / "odd.iso", "ALT p10 ###/x86_64")
    steps = kinds(scan(library, Place(str(folder), settle=NOW), "default"))
    assert (steps["odd.iso"], steps["deeper/renamed.iso"]) == (ScanKind.UNKNOWN, ScanKind.TAKE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is a text")
def test_a_name_that_is_no_text_is_told_and_stops_nothing(library: Library, folder: Path) -> None:
    (folder / "holiday.iso").rename(os.fsdecode(os.fsencode(folder) + b"/holi\xffday.iso"))
    steps = {one.file.path: one for one in scan(library, Place(str(folder), settle=NOW), "default")}
    assert steps["deeper/renamed.iso"].kind is ScanKind.TAKE
    told = steps[r"holi\udcffday.iso"]
    assert (told.kind, "rename it" in told.reason) == (ScanKind.DAMAGED, True)


class Locked(LocalTree):
    """A folder with another one in it that belongs to somebody else, such as `lost+found`."""

    def scan(self, path: str) -> Iterator[Seen]:
        """What is there, but for what may not be looked into."""
        if path == "deeper":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return super().scan(path)


def test_a_folder_that_may_not_be_looked_into_is_told_and_stops_nothing(library: Library, folder: Path) -> None:
    library._stores["default"] = TreeStore(Locked(folder), create=False)
    steps = kinds(scan(library, Place(repository="default", settle=NOW), "default"))
    assert (steps["deeper"], steps["holiday.iso"]) == (ScanKind.DAMAGED, ScanKind.UNKNOWN)
    with pytest.raises(StoreError, match="'deeper'"):
        list(TreeStore(Locked(folder), create=False).list())


class Withheld(LocalStore):
    """A folder whose files may not be read."""

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Refused."""
        raise StoreError(f"Reading '{path}' failed: Permission denied.", code="no-permission")


def test_a_file_that_could_not_be_read_is_looked_at_again_though_it_did_not_change(
    library: Library, repository: Path
) -> None:
    an_image(repository / "x.iso", "Debian 13.1.0 amd64 n")
    library._stores["default"] = Withheld(repository)
    place = Place(repository="default", settle=NOW)
    assert kinds(scan(library, place, "default")) == {"x.iso": ScanKind.DAMAGED}
    library._stores["default"] = LocalStore(repository)
    assert kinds(scan(library, place, "default")) == {"x.iso": ScanKind.TAKE}
