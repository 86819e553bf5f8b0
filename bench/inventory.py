"""How long asking a library of many images takes: a page of a list, all of it as JSON, a search, statistics, a report, why an image
is here, a plan, the index of a repository, what dedupe, another layout and a bundle would do.

    .venv/bin/python -m bench.inventory [--copies 100000] [--rounds 5]

Each question is a process of its own: where a person would run a command, that command with its start; elsewhere that alone. Plans
have as many versions in every group as there are, of which the run may retire ten of each repository, or which are all kept.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# this process imports little: what a child is said to have taken at most is never less than what its parent had when it was started
LIBRARY = (sys.executable, "-m", "bench.large_library")
EVERYTHING = "all"


def command(*arguments: str) -> Sequence[str]:
    """The installed command."""
    return [str(Path(sys.executable).with_name("isomanager")), *arguments]


def plan(product: str, keep: int) -> Sequence[str]:
    """Planning, as if upstream had answered every subscription to the product, or to everything."""
    return [*LIBRARY, "plan", product, str(keep)]


def verb(*words: str) -> Sequence[str]:
    """What a flow or a longer command does to one repository of the four, a fourth of the copies, or to all of them."""
    return [*LIBRARY, "do", *words]


def measured(name: str, program: Sequence[str], rounds: int) -> None:
    """Print the medians of the processor's seconds and of the memory that a process of the program takes; the seconds are those it
    prints itself, if it prints any."""
    seconds, memory = [], []
    for _ in range(rounds):
        tells = program[: len(LIBRARY)] == list(LIBRARY)
        with subprocess.Popen(program, stdout=subprocess.PIPE if tells else subprocess.DEVNULL, text=True) as process:
            told = process.stdout.read() if process.stdout else ""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{name} failed")
        seconds.append(float(told.split()[0]) if tells else used.ru_utime + used.ru_stime)
        memory.append(used.ru_maxrss / 1024)
    print(f"{name:34} {statistics.median(seconds):7.2f} s   {statistics.median(memory):6.0f} MiB")


def main() -> None:
    """Generate, ask, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--copies", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ISOMANAGER_DATA_FOLDER": folder, "ISOMANAGER_DEFAULT_REPOSITORY": str(Path(folder) / "library")}
        subprocess.run([*LIBRARY, "generate", str(given.copies)], check=True)
        print(f"{given.copies} copies, medians of {given.rounds} processes: seconds of the processor, highest memory")
        newest = ("list", "--sort", "version", "--reverse", "--limit", "50")
        asked_for = {
            "isomanager --version": command("--version"),
            "list, one page": command("list", "--limit", "50"),
            "list, by version, newest first": command(*newest),
            "list of a product": command("list", "debian", "--limit", "50"),
            "search by text": command("list", "--text", "debian 4242", "--limit", "50"),
            "list --stats": command("list", "--stats"),
            "list --json, all of it": command("list", "--json"),
            "report --json": command("report", "--json"),
            "report --html": command("report", "--html", str(Path(folder) / "report.html")),
            "why, one image": command("why", f"{given.copies // 2:032x}"),
            "plan, one product asked about": plan("debian", 2),
            "plan, every product, all may go": plan(EVERYTHING, 2),
            "plan, every product, all is kept": plan(EVERYTHING, given.copies),
            "index of a repository": verb("index"),
            "index of it, nothing new": verb("index", "again"),
            "dedupe, planned": verb("dedupe"),
            "another layout, planned": verb("layout"),
            "bundle of a repository, planned": verb("bundle"),
        }
        for name, program in asked_for.items():
            measured(name, program, given.rounds)


if __name__ == "__main__":
    main()
