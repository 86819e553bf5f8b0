"""Files that survive, and descriptors that are never pulled from under a thread."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace

import pytest

from isomanager.storage import durable
from isomanager.storage.durable import PositionedFile, make_folders, replace_durably, write_new


@pytest.fixture(params=["linux", "win32"])
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of positioned I/O: with pread and pwrite, and seeking under a lock as Windows must."""
    monkeypatch.setattr(durable, "sys", SimpleNamespace(platform=request.param))
    return str(request.param)


def test_threads_write_and_read_at_their_own_offsets(tmp_path: Path, platform: str) -> None:
    file = PositionedFile(tmp_path / "file", create=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: file.write_at(number * 1000, bytes([number]) * 1000), range(200)))
        pieces = list(pool.map(lambda number: file.read_at(number * 1000, 1000), range(200)))
    file.sync()
    file.close()
    assert pieces == [bytes([number]) * 1000 for number in range(200)]
    assert (tmp_path / "file").stat().st_size == 200_000


def test_reads_less_only_at_the_end(tmp_path: Path, platform: str) -> None:
    file = PositionedFile(tmp_path / "file", create=True)
    file.write_at(0, b"12345")
    assert (file.read_at(3, 9), file.read_at(9, 9)) == (b"45", b"")
    file.close()


def test_a_closed_file_says_so_and_closes_again(tmp_path: Path) -> None:
    file = PositionedFile(tmp_path / "file", create=True)
    file.close()
    file.close()
    with pytest.raises(OSError) as closed:
        file.write_at(0, b"x")
    assert closed.value.errno == errno.EBADF


class HeldFile(PositionedFile):
    """Its writes begin, and end only when `release` is set."""

    started, release = threading.Event(), threading.Event()

    def _write_some(self, descriptor: int, offset: int, view: memoryview) -> int:
        self.started.set()
        assert self.release.wait(30)
        return super()._write_some(descriptor, offset, view)


def test_closing_waits_for_writers(tmp_path: Path) -> None:
    file = HeldFile(tmp_path / "file", create=True)
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(file.write_at, 0, b"12345")
        assert file.started.wait(30)
        closing = pool.submit(file.close)
        while file._descriptor is not None:
            wait([closing], timeout=0.001)
        file.release.set()
        assert writing.result() == 5
        closing.result()
    assert (tmp_path / "file").read_bytes() == b"12345"


def test_creating_never_opens_what_is_there(tmp_path: Path) -> None:
    write_new(tmp_path / "file", b"x")
    with pytest.raises(FileExistsError):
        PositionedFile(tmp_path / "file", create=True)
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "file", b"y")


def test_follows_no_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(OSError, match="link"):
        PositionedFile(tmp_path / "link")


def test_replaces_whole_and_despite_litter(tmp_path: Path) -> None:
    (tmp_path / "note.new").write_bytes(b"litter of a dead process")
    replace_durably(tmp_path / "note", b"one")
    replace_durably(tmp_path / "note", b"two")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("note", b"two")]


def test_makes_folders_that_many_want_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: make_folders(tmp_path / "a" / "b" / "c"), range(32)))
    assert (tmp_path / "a" / "b" / "c").is_dir()
