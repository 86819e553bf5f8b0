"""The work pool and its worker."""

from __future__ import annotations

import sys

POOL = "isomanager"
"""The process work pool that every deployment runs in."""


def worker_command(runs: int) -> list[str]:
    """A worker of the pool, as `isomanager serve` starts it; `runs` at the same time."""
    options = ["--pool", POOL, "--type", "process", "--name", "isomanager-serve", "--limit", str(runs)]
    return [sys.executable, "-m", "prefect", "worker", "start", *options]
