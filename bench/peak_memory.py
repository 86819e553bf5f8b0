"""The peak memory of a large image's download, in a process that runs Prefect flows, above what such a process has anyway.

`python -m bench.peak_memory URL FOLDER` is that process: it prints the peaks in MiB after a flow whose task does nothing, and after
the same flow with a download, then the file's size in bytes and the seconds it took.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.serving import NAME, nginx

_MIB = 1 << 20


def memory(work: Path, mib: int) -> float:
    """MiB that fetching a sparse file of `mib` MiB adds to the peak."""
    with nginx(work) as site, tempfile.TemporaryDirectory(dir=work) as folder:
        with (site.folder / NAME).open("wb") as sparse:
            sparse.truncate(mib * _MIB)
        words = [sys.executable, "-m", "bench.peak_memory", f"{site.url}/{NAME}", folder]
        told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=_environment(work))
        before, after, size, seconds = told.stdout.rpartition("peaks")[2].split()
    print(f"{int(size) // _MIB} MiB in {float(seconds):.1f} s: peak {after} MiB, {before} MiB before it")
    return float(after) - float(before)


def _environment(work: Path) -> dict[str, str]:
    """Nothing of the user's own library or Prefect."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ISOMANAGER_", "PREFECT_"))}
    (work / "config.toml").touch()
    own = {"ISOMANAGER_CONFIG": str(work / "config.toml"), "ISOMANAGER_DATA_FOLDER": str(work / "data")}
    return {**kept, **own, "PREFECT_LOGGING_LEVEL": "ERROR"}


def peak() -> int:
    """MiB of this process at their most so far (Linux: proc_pid_status(5))."""
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert told is not None
    return int(told[1]) >> 10


def fetched(url: str, folder: str) -> tuple[int, float]:
    """The engine's download, as a task runs it; size in bytes and seconds."""
    from isomanager.settings import Settings
    from isomanager.storage.local import LocalStore
    from isomanager.transfer.download import Request, download
    from isomanager.transfer.http import FetchPolicy, open_client

    request = Request((url,), NAME, "key", policy=FetchPolicy(allow_http=True, allow_private=True))
    with open_client(Settings(connections_per_host=16)) as client:
        received = download(request, LocalStore(Path(folder)), client)
    return received.size, received.seconds


def main() -> None:
    """Run both flows on a Prefect server of their own."""
    from prefect import flow, task

    from deployments.server import prefect_api
    from isomanager.settings import load_settings

    @task
    def step(url: str, folder: str) -> tuple[int, float]:
        return fetched(url, folder) if url else (0, 0.0)

    @flow
    def measured(url: str, folder: str) -> tuple[int, float]:
        return step(url, folder)

    with prefect_api(load_settings(), lambda told: print(told, file=sys.stderr)):
        measured("", "")
        before = peak()
        size, seconds = measured(sys.argv[1], sys.argv[2])
    print("peaks", before, peak(), size, seconds)


if __name__ == "__main__":
    main()
