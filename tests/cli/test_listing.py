"""`isomanager list` on a library of many copies, in this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command import Isomanager
from isomanager.library.opening import Library
from isomanager.model import Assurance, Copy, CopyState, Family, Title
from isomanager.settings import load_settings
from isomanager.version import Version

SHELF = (
    ("linux", "ubuntu", "server", "24.04.3", "x86_64", 3 << 30, Assurance.SIGNED, 400),
    ("linux", "ubuntu", "desktop", "24.10", "x86_64", 6 << 30, Assurance.SIGNED, 30),
    ("linux", "ubuntu", "server", "9.10", "i686", 700 << 20, Assurance.MIRROR, 900),
    ("linux", "debian", "netinst", "13.1.0", "aarch64", 600 << 20, Assurance.SIGNED, 10),
    ("custom", "lab", "vanilla", "2", "x86_64", 5 << 30, Assurance.NONE, 1),
)


@pytest.fixture
def shelf(here: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Isomanager:
    monkeypatch.setenv("ISOMANAGER_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(tmp_path / "library"))
    with Library(load_settings()) as library:
        library.inventory.import_copies(map(_copy, range(len(SHELF)), SHELF))
    return here


def _copy(place: int, of: tuple[str, str, str, str, str, int, Assurance, int]) -> Copy:
    family, product, flavor, version, architecture, size, assurance, days = of
    title = Title(
        family=Family(family), product=product, flavor=flavor, version=Version(version), architecture=architecture
    )
    then = datetime.now(UTC) - timedelta(days=days)
    return Copy(
        id=str(place), repository="default", path=f"{product}-{version}.iso", title=title, state=CopyState.HELD,
        sha256=f"{place:064x}", size=size, assurance=assurance, digests={"sha256": f"{place:064x}"},
        filename=f"{product}.iso", created_at=then, proved_at=then, changed_at=then,
    )  # fmt: skip


def versions(shelf: Isomanager, *arguments: object) -> list[str]:
    return [one["version"]["text"] for one in shelf("list", "--json", *arguments).well().json]


def test_filters_narrow_the_list(shelf: Isomanager) -> None:
    assert versions(shelf, "ubuntu", "--version", ">=24", "--sort", "version") == ["24.04.3", "24.10"]
    assert versions(shelf, "--arch", "arm64") == ["13.1.0"]
    assert versions(shelf, "--larger", "4GiB", "--assurance", "signed") == ["24.10"]
    assert versions(shelf, "--older-than", "1y", "--sort", "version") == ["9.10", "24.04.3"]
    assert versions(shelf, "--unproved-for", "2y") == ["9.10"]
    assert versions(shelf, "--text", "UBUNTU 24.10") == ["24.10"]
    assert versions(shelf, "--where", "Type=Linux", "--where", "Name=Ubuntu", "--where", "Architecture=x86") == ["9.10"]
    assert set(versions(shelf, "debian", "custom")) == {"13.1.0", "2"}


def test_order_and_pages(shelf: Isomanager) -> None:
    assert versions(shelf, "--sort", "size", "--reverse", "--limit", 2) == ["24.10", "2"]
    assert versions(shelf, "--sort", "size", "--reverse", "--limit", 2, "--offset", 2) == ["24.04.3", "9.10"]
    told = shelf("list", "--limit", 2).well()
    assert "--offset 2 goes on" in told.err
    assert "lab-2.iso" in told.out
    assert "ubuntu" not in told.out


def test_a_selector_and_filters_go_together(shelf: Isomanager) -> None:
    assert versions(shelf, "ubuntu/server@24.04", "--assurance", "signed") == ["24.04.3"]
    assert versions(shelf, "ubuntu/server@24.04", "--assurance", "signed", "--offset", 1) == []


def test_statistics_count_what_fits(shelf: Isomanager) -> None:
    told = shelf("list", "linux", "--stats", "--json").well().json
    assert (told["count"], told["largest"], told["smallest"]) == (4, 6 << 30, 600 << 20)
    assert told["total"] == sum(one[5] for one in SHELF[:4])
    assert told["average"] == told["total"] // 4
    assert "count" in shelf("list", "--stats").well().out
    assert shelf("list", "ubuntu/server@24.04", "--stats").code == 2


def test_metadata_tells_all_that_is_known(shelf: Isomanager) -> None:
    (told,) = shelf("list", "--where", "name=debian", "--metadata", "--json").well().json
    assert (told["filename"], told["digests"]) == ("debian.iso", {"sha256": f"{3:064x}"})
    assert f"{3:064x}" in shelf("list", "debian", "--metadata").well().out


def test_nothing_that_fits_is_an_answer_and_a_wrong_filter_is_not(shelf: Isomanager) -> None:
    assert "Nothing that is held fits" in shelf("list", "--version", "99").well().out
    assert "Nothing of fedora is held" in shelf("list", "fedora").well().out
    assert json.loads(shelf("list", "--version", "99", "--json").well().out) == []
    beyond = "9" * 25
    for wrong in (
        ["--sort", "colour"],
        ["--offset", beyond],
        ["--limit", beyond],
        ["--where", "colour=red"],
        ["--repository", "nowhere"],
        ["no-such-thing"],
    ):
        told = shelf("list", *wrong)
        assert told.code == 2 or "--repository" in wrong, wrong
        assert told.err
