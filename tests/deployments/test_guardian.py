"""The guardian: nothing outlives the process that asked for it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from deployments.guardian import descendants
from deployments.server import guarded

LIMIT = 60.0

FAMILY = """
import pathlib, signal, subprocess, sys, time
if len(sys.argv) > 2:  # the grandchild, in a session of its own, deaf to a polite request
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path(sys.argv[1]).write_text("ready")
else:
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "grandchild"], start_new_session=True)
    print("the child speaks", flush=True)
time.sleep(600)
"""
"""A program whose child neither shares its session nor heeds SIGTERM: what a Prefect worker's run may be at its worst."""

PARENT = """
import pathlib, sys, time
from deployments.server import guarded
with guarded([sys.executable, *sys.argv[2:]], pathlib.Path(sys.argv[1]), {}):
    time.sleep(600)
"""


@pytest.fixture
def family(tmp_path: Path) -> list[str]:
    """The arguments that make python such a program."""
    program = tmp_path / "family.py"
    program.write_text(FAMILY)
    return [str(program), str(tmp_path / "ready")]


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """However the test goes, no process of it stays."""
    yield
    for one in _processes_of(tmp_path):
        one.kill()


def _processes_of(folder: Path) -> list[psutil.Process]:
    return [
        one
        for one in psutil.process_iter(["cmdline", "status"])
        if any(str(folder) in word for word in one.info["cmdline"] or ()) and one.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _until_ready(folder: Path) -> None:
    until = monotonic() + LIMIT
    while not (folder / "ready").exists():
        assert monotonic() < until
        sleep(0.02)


def _until_gone(folder: Path) -> None:
    until = monotonic() + LIMIT
    while left := _processes_of(folder):
        assert monotonic() < until, left
        sleep(0.05)


@pytest.mark.usefixtures("nothing_left")
def test_ends_the_whole_tree_when_its_parent_is_killed(tmp_path: Path, family: list[str]) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log"), *family])
    _until_ready(tmp_path)
    assert len(_processes_of(tmp_path)) >= 4  # parent, guardian, child, grandchild
    parent.kill()
    parent.wait()
    _until_gone(tmp_path)


@pytest.mark.usefixtures("nothing_left")
def test_has_ended_the_whole_tree_when_the_block_is_left(tmp_path: Path, family: list[str]) -> None:
    with guarded([sys.executable, *family], tmp_path / "log", {}):
        _until_ready(tmp_path)
    assert _processes_of(tmp_path) == []
    assert "the child speaks" in (tmp_path / "log").read_text()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the guardian")
def test_ends_orphans_when_their_own_parent_was_killed(tmp_path: Path, family: list[str]) -> None:
    with guarded([sys.executable, *family], tmp_path / "log", {}) as guardian:
        _until_ready(tmp_path)
        (child,) = psutil.Process(guardian.pid).children()
        child.kill()
        guardian.wait(LIMIT)
        assert _processes_of(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_ctrl_c_of_the_terminal_does_not_reach_the_program(tmp_path: Path, family: list[str]) -> None:
    with guarded([sys.executable, *family], tmp_path / "log", {}) as guardian:
        _until_ready(tmp_path)
        guardian.send_signal(signal.SIGINT)
        guardian.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            guardian.wait(0.3)
    assert guardian.returncode is not None


def test_tells_the_program_s_exit_code(tmp_path: Path) -> None:
    with guarded([sys.executable, "-c", "raise SystemExit(7)"], tmp_path / "log", {}) as guardian:
        assert guardian.wait(LIMIT) == 7


def test_the_program_gets_the_environment_that_is_passed(tmp_path: Path) -> None:
    told = "import os; print(os.environ['ISOMANAGER_TOLD'])"
    with guarded([sys.executable, "-c", told], tmp_path / "log", {"ISOMANAGER_TOLD": "once"}) as guardian:
        guardian.wait(LIMIT)
    assert (tmp_path / "log").read_text().strip() == "once"


def test_finds_processes_of_every_generation() -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    child = subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE)
    assert child.stdin is not None
    until = monotonic() + LIMIT
    while not (grandchildren := descendants(child.pid)):
        assert monotonic() < until
        sleep(0.02)
    assert set(grandchildren) < set(descendants(psutil.Process().pid))
    child.communicate(b"\n")
