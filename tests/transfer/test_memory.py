"""A transfer's memory is bounded by its window, whatever the size of the file."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from isomanager.transfer.digesting import digests_of
from isomanager.transfer.download import Limits
from transfer.serving import MIB, Fetch

LARGE = 224 * MIB + 1
WINDOW = 4 * MIB


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[str]:
    """The address of a server in a process of its own, so that its memory is not counted."""
    with (tmp_path / "large.iso").open("wb") as large:
        large.truncate(LARGE)
    arguments = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            yield f"http://127.0.0.1:{said.split(' port ')[1].split()[0]}"
        finally:
            process.kill()


def test_a_large_file_costs_no_more_memory_than_the_window(other_process: str, fetch: Fetch) -> None:
    # slow to hash, so that the window fills
    algorithms = ("sha256", "sha1", "md5")
    tracemalloc.start()
    try:
        received = fetch(f"{other_process}/large.iso", algorithms=algorithms, limits=Limits(window=WINDOW))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received.size == LARGE
    assert received.digests == digests_of((bytes(min(MIB, LARGE - at)) for at in range(0, LARGE, MIB)), algorithms)
    assert peak < WINDOW + 12 * MIB
