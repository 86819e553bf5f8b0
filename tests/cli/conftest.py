"""The real command: as a process of its own, or in this one where many command lines are tried."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cli import changing
from cli.main import status_of
from command import LIMIT, Isomanager, Told, command_line
from isomanager.sample.upstream import SampleUpstream


@pytest.fixture
def isomanager_command() -> list[str]:
    """The installed command, to be started in a way of the test's own."""
    return command_line()


@pytest.fixture
def isomanager(tmp_path: Path) -> Isomanager:
    """Runs the installed command in an empty folder and gives what it said; no traceback is ever among it."""
    folder = tmp_path / "here"
    folder.mkdir()

    def run(*arguments: object, environment: Mapping[str, str] = {}, cwd: Path = folder) -> Told:
        done = subprocess.run(
            command_line(*arguments),
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Told(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Isomanager]:
    """Runs the command in this process, which takes a hundredth of the time."""
    monkeypatch.chdir(tmp_path)
    loggers = [logging.getLogger(name) for name in ("isomanager", "httpx")]
    before = [(one, one.level, one.handlers, one.propagate) for one in loggers]

    def run(*arguments: object) -> Told:
        capsys.readouterr()
        code = status_of([str(one) for one in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err, said.err
        return Told(code, said.out, said.err)

    yield run
    changing.verbosity = 0
    for logger, level, handlers, propagate in before:
        for handler in logger.handlers:
            handler.close()
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate


@pytest.fixture
def subscribed(upstream: SampleUpstream, prefect_server: str, isomanager: Isomanager, here: Isomanager) -> Isomanager:
    """The command, its library subscribed to one of the sample's products, with a Prefect server to run on."""
    here("subscribe", "sample-orchard/server@lts").well()
    return isomanager
