"""`isomanager report` and the variables of `isomanager path`, in this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from command import Isomanager
from isomanager.library.opening import Library
from isomanager.model import Assurance, Copy, CopyState, Family, Title
from isomanager.settings import load_settings
from isomanager.version import Version


@pytest.fixture
def shelf(here: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Isomanager:
    monkeypatch.setenv("ISOMANAGER_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(tmp_path / "library"))
    title = Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("24.04.3"))
    now = datetime.now(UTC)
    with Library(load_settings()) as library:
        library.inventory.import_copies(
            [
                Copy(
                    id="1", repository="default", path="Linux/u.iso", title=title, state=CopyState.HELD, sha256="ab" * 32,
                    size=3 << 30, assurance=Assurance.SIGNED, created_at=now, proved_at=now, changed_at=now,
                )
            ]
        )  # fmt: skip
    return here


def test_the_report_is_told_written_and_kept(shelf: Isomanager, tmp_path: Path) -> None:
    said = shelf("report").well().out
    assert "by family" in said
    assert "100% of the bytes" in said
    told = shelf("report", "--json").well().json
    assert (told["images"], told["size"], told["families"][0]["name"]) == (1, 3 << 30, "linux")
    assert shelf("report", "windows", "--json").well().json["images"] == 0
    shelf("report", "--html", tmp_path / "page.html").well()
    assert "Linux/u.iso" in (tmp_path / "page.html").read_text()
    shelf("report", "--save", "--json").well()
    day = f"{datetime.now(UTC):%Y%m%d}"
    kept = {one.name for one in (tmp_path / "library" / "reports").iterdir()}
    assert kept == {f"inventory-{day}.json", f"repository-report-{day}.json", f"repository-report-{day}.html"}
    saved = json.loads((tmp_path / "library" / "reports" / f"inventory-{day}.json").read_text())
    assert saved["isos"][0]["hash"]["value"] == "AB" * 32
    assert shelf("report", "no-such-thing").code == 2


def test_an_export_has_the_form_that_the_settings_name(
    shelf: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_INVENTORY_FORMAT", "csv")
    assert shelf("export", tmp_path / "held", "--json").well().json["format"] == "csv"
    assert shelf("export", tmp_path / "held", "--format", "xml", "--json").well().json["format"] == "xml"


def test_a_path_comes_as_variables_for_packer(shelf: Isomanager, tmp_path: Path) -> None:
    told = json.loads(shelf("path", "ubuntu/server", "--variables", "json").well().out)
    assert told["iso_checksum"] == f"sha256:{'ab' * 32}"
    assert told["iso_url"].endswith("/library/Linux/u.iso")
    assert 'iso_version      = "24.04.3"' in shelf("path", "ubuntu/server", "--variables", "hcl").well().out
