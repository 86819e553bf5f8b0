"""A sample upstream with images of several pieces, built once and copied by hard links: what is published replaces files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from isomanager.sample.site import open_site
from isomanager.sample.upstream import SampleUpstream

DRIVER = Path(__file__).with_name("driver.py")
LIMIT = 240


@pytest.fixture(scope="session")
def large_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose images take several pieces to transfer: 2 to 6 MiB."""
    folder = tmp_path_factory.mktemp("site")
    open_site(folder, scale=2)
    return folder


@pytest.fixture
def upstream(large_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleUpstream]:
    """That site, with a history of its own."""
    shutil.copytree(large_site, tmp_path / "upstream", copy_function=os.link, dirs_exist_ok=True)
    with SampleUpstream(tmp_path / "upstream", scale=2) as running:
        monkeypatch.setenv("ISOMANAGER_CATALOGUE_FOLDERS", f'["{running.catalogue_folder.as_posix()}"]')
        yield running


@pytest.fixture
def die_at() -> Callable[..., None]:
    """Run the driver until it kills itself at the named point."""

    def run(point: str, *options: str) -> None:
        done = subprocess.run(
            [sys.executable, str(DRIVER), *options, point],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(DRIVER.parents[1]), *sys.path])},
        )
        assert done.returncode == -9, f"it did not come to '{point}': {done.stdout}{done.stderr}"

    return run
