"""Every way to give a file its final name is create-only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.storage import placing

WAYS: dict[str, Callable[[Path, Path, Path], object]] = {
    "the-way-of-this-filesystem": placing.place_new,
    "exclusive-rename": lambda source, final, lock: placing.rename_exclusively(source, final),
    "rename-under-a-lock": placing.rename_under_lock,
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Callable[[Path, Path, Path], object]:
    if request.param == "exclusive-rename" and sys.platform not in ("linux", "darwin", "win32"):
        pytest.skip("this system has no exclusive rename")
    return WAYS[request.param]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source"
    file.write_bytes(b"new")
    return file


def test_gives_the_name(way: Callable[[Path, Path, Path], object], source: Path, tmp_path: Path) -> None:
    way(source, tmp_path / "final", tmp_path / "lock")
    assert (tmp_path / "final").read_bytes() == b"new"
    assert not source.exists()


def test_never_replaces(way: Callable[[Path, Path, Path], object], source: Path, tmp_path: Path) -> None:
    (tmp_path / "final").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        way(source, tmp_path / "final", tmp_path / "lock")
    assert (tmp_path / "final").read_bytes() == b"old"
    assert source.read_bytes() == b"new"


def test_never_replaces_a_dangling_link(
    way: Callable[[Path, Path, Path], object], source: Path, tmp_path: Path
) -> None:
    (tmp_path / "final").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        way(source, tmp_path / "final", tmp_path / "lock")
    assert (tmp_path / "final").is_symlink()


def test_a_filesystem_without_hard_links_renames_instead(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # what FAT answers

    monkeypatch.setattr(os, "link", refuses)
    placing.place_new(source, tmp_path / "final", tmp_path / "lock")
    assert (tmp_path / "final").read_bytes() == b"new"
    (tmp_path / "second").write_bytes(b"second")
    with pytest.raises(FileExistsError):
        placing.place_new(tmp_path / "second", tmp_path / "final", tmp_path / "lock")
    monkeypatch.setattr(placing, "rename_exclusively", lambda *_: False)
    placing.place_new(tmp_path / "second", tmp_path / "other", tmp_path / "lock")
    assert (tmp_path / "other").read_bytes() == b"second"
