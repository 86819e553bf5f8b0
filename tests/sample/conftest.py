"""A running sample upstream for each test, copied from one that is built once."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from isomanager.sample.site import open_site
from isomanager.sample.upstream import SampleUpstream

sys.path.insert(0, str(Path(__file__).parents[1]))  # importlib mode adds no folder: this one holds what several need

from real_isos import real_images, real_site, real_upstream

__all__ = ["real_images", "real_site", "real_upstream"]

SCALE = 0.02  # images of some 80 KiB: most tests are not about size


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "site"
    open_site(folder, scale=SCALE)
    return folder


@pytest.fixture
def site_folder(built_site: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_site, tmp_path / "site"))


@pytest.fixture
def upstream(site_folder: Path) -> Iterator[SampleUpstream]:
    with SampleUpstream(site_folder) as running:
        yield running


@pytest.fixture
def client(upstream: SampleUpstream) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=upstream.url, trust_env=False, verify=False, timeout=10) as opened:
        yield opened
