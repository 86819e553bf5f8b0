"""What a `kill -9` costs: the run that goes on after it, beside a run that fetches the whole."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.serving import NAME, make_file, nginx

_SHARE, _MIB = 0.9, 1 << 20

PROGRAM = """
import sys
from pathlib import Path
from isomanager.settings import Settings
from isomanager.storage.local import LocalStore
from isomanager.transfer.download import Request, download
from isomanager.transfer.http import FetchPolicy, open_client
url, folder, sha256 = sys.argv[1:]
def tell(done, total):
    print(done, total, flush=True)
request = Request((url,), "image.iso", "key", expected={"sha256": sha256}, policy=FetchPolicy(True, True))
with open_client(Settings()) as client:
    received = download(request, LocalStore(Path(folder)), client, progress=tell)
assert received.sha256 == sha256
print("resumed", received.seconds, received.resumed_at, flush=True)
"""
"""A process of its own that fetches, tells how far it is, and in the end its seconds and where it began."""


def resume(work: Path, mib: int, rounds: int) -> float:
    """The middle of the ratios of the second run's seconds to those of a whole download, both in a process of their own."""
    whole, rest, twice = [], [], []
    with nginx(work) as site:
        digest = make_file(site.folder / NAME, mib)
        for number in range(rounds + 1):
            told = [_round(work, [f"{site.url}/{NAME}", digest], killed=killed) for killed in (False, True)]
            if number:
                whole.append(told[0][0])
                rest.append(told[1][0])
                twice.append(told[1][1])
    print(f"{'run':<26}{'median s':>10}{'best s':>9}")
    for name, seconds in {"the whole": whole, "after a kill at 90 %": rest}.items():
        print(f"{name:<26}{statistics.median(seconds):>10.2f}{min(seconds):>9.2f}")
    print(f"bytes that came twice: {statistics.median(twice) / _MIB:.0f} MiB")
    return statistics.median(after / before for before, after in zip(whole, rest, strict=True))


def _round(work: Path, words: list[str], *, killed: bool) -> tuple[float, int]:
    """Seconds that the (second) run took, from the request to the durable file, and the bytes that it fetched again."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        program = [sys.executable, "-c", PROGRAM, words[0], folder, words[1]]
        done = killed_at(program, _SHARE) if killed else 0
        told = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
    seconds, resumed_at = float(told[-2]), int(told[-1])
    return seconds, done - resumed_at


def killed_at(words: list[str], share: float) -> int:
    """Run until that share is there, kill; the bytes that were there then."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            first, _, total = line.partition(" ")
            if first.isdigit() and int(first) >= share * int(total):
                process.send_signal(signal.SIGKILL)
                return int(first)
    raise SystemExit("it ended before it could be killed: take a larger file")
