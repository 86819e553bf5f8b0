"""`isomanager scan` and `isomanager add`, as a person runs them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pycdlib
import pytest

from command import Isomanager


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image = pycdlib.PyCdlib()
    image.new(vol_ident="Ubuntu-Server 24.04.3 LTS amd64")
    image.add_fp(io.BytesIO(b"content"), 7, "/README.TXT;1")
    there = tmp_path / "found"
    there.mkdir()
    image.write(str(there / "ubuntu-24.04.3-live-server-amd64.iso"))
    image.close()
    (there / "lab.iso").write_bytes(b"lab" * 1000)
    return there


@pytest.mark.prefect
def test_a_folder_is_scanned_and_an_image_added(prefect_server: str, isomanager: Isomanager, folder: Path) -> None:
    isomanager("init").well()
    told = isomanager("scan", folder, "--settle", 0, "--dry-run", "--json").json["outcomes"]
    assert {Path(one["path"]).name: one["code"] for one in told} == {
        "lab.iso": "damaged",
        "ubuntu-24.04.3-live-server-amd64.iso": "take",
    }
    done = isomanager("scan", folder, "--settle", 0, "--pattern", "ubuntu*.iso", "--json").well().json["outcomes"]
    assert [one["outcome"] for one in done] == ["published"]
    added = isomanager(
        "add", folder / "lab.iso", "--name", "Lab", "--base", "ubuntu/server@24.04", "--meta", "owner=me", "--json"
    ).well()
    assert added.json["outcomes"][0]["path"].startswith("Custom/")
    copies = {one["product"]: one for one in isomanager("list", "--metadata", "--json").well().json}
    assert copies["lab"]["metadata"] == {"base": "ubuntu/server@24.04", "owner": "me"}
    assert Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"], copies["ubuntu"]["path"]).is_file()
    assert "owner" in isomanager("list", "lab", "--metadata").well().out


def test_what_cannot_be_is_told_before_anything_starts(here: Isomanager, folder: Path, tmp_path: Path) -> None:
    assert here("scan", folder, "--ask", "--yes").code == 2
    assert here("add", tmp_path / "nothing.iso", "--name", "x").code == 2
    assert here("add", folder / "lab.iso").code == 2
    assert here("add", folder / "lab.iso", "--name", "x", "--meta", "novalue").code == 2
    wrong = tmp_path / "entry.json"
    wrong.write_text('{"name": "x", "colour": "red"}')
    assert "colour" in here("add", folder / "lab.iso", "--from-json", wrong).err
    for text, why in (
        ('{"name": 24.10}', "name is no text"),
        ('{"name": "x", "notes": {"a": 1}}', "a is no text"),
        ('{"name": "x", "notes": []}', "no object"),
    ):
        wrong.write_text(text)
        told = here("add", folder / "lab.iso", "--from-json", wrong)
        assert (told.code, why in told.err) == (2, True), told.err


@pytest.mark.prefect
def test_a_library_begins_with_what_is_there(prefect_server: str, isomanager: Isomanager, folder: Path) -> None:
    os.utime(folder / "ubuntu-24.04.3-live-server-amd64.iso", (1_000_000_000, 1_000_000_000))
    (folder / "lab.iso").unlink()
    told = isomanager("init", "--scan", folder, "--json").well().json
    assert [one["outcome"] for one in told["outcomes"]] == ["published"]


@pytest.mark.prefect
def test_an_inventory_that_is_wrong_about_a_file_keeps_no_folder_from_being_scanned(
    prefect_server: str, isomanager: Isomanager, folder: Path, tmp_path: Path
) -> None:
    os.utime(folder / "ubuntu-24.04.3-live-server-amd64.iso", (1_000_000_000, 1_000_000_000))
    (folder / "lab.iso").unlink()
    item = {
        "name": "debian",
        "type": "Linux",
        "version": "12",
        "architecture": "x86_64",
        "filePath": "lost.iso",
        "fileSize": 1,
    }
    held = Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"]) / "lost.iso"
    held.parent.mkdir(parents=True, exist_ok=True)
    held.write_bytes(b"of another size than is listed")
    listed = tmp_path / "inventory.json"
    listed.write_text(json.dumps({"version": "1.0", "isos": [item]}))
    told = isomanager("init", "--import", listed, "--scan", folder)
    assert told.code == 1, told.out + told.err
    assert [one["product"] for one in isomanager("list", "--json").well().json] == ["ubuntu"]


@pytest.mark.prefect
def test_both_beginnings_share_the_server_that_the_command_starts(
    isomanager: Isomanager, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    os.utime(folder / "ubuntu-24.04.3-live-server-amd64.iso", (1_000_000_000, 1_000_000_000))
    (folder / "lab.iso").unlink()
    listed = tmp_path / "inventory.json"
    listed.write_text('{"version": "1.0", "isos": []}')
    told = isomanager("init", "--import", listed, "--scan", folder).well()
    assert told.err.count("Starting a local Prefect server") == 1
    assert [one["product"] for one in isomanager("list", "--json").well().json] == ["ubuntu"]
