"""Runs one program and ends it, with everything it started, as soon as its own standard input closes.

The parent holds the other end of that pipe. However the parent goes, `kill -9` included, the system closes the pipe, so that
nothing is left running. Process groups alone would not do: a Prefect worker starts each run in a session of its own, and a run
whose worker is gone belongs to nobody. So the whole tree is looked up, and on Linux the guardian adopts what loses its parent.
Standard library only, since it must start at once.

usage: python guardian.py LOGFILE PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import BinaryIO

GRACE = 10.0
"""Seconds between asking the program to end and ending it with all that it started."""
NOTHING_MORE = 5.0
"""Seconds in which whatever is still left is ended again and again."""

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(arguments: list[str]) -> int:
    """Run the program until it ends or the parent goes; return its exit code."""
    log, program = Path(arguments[0]), arguments[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the closing pipe is the one sign that counts
    _adopt_orphans()
    with log.open("ab") as output:
        child = _start(program, output)
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    code = child.wait()
    _end_all(os.getpid())
    return code


def _adopt_orphans() -> None:
    """On Linux, processes whose parent dies become children of this one, and are found when all is to end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _start(program: list[str], output: BinaryIO) -> subprocess.Popen[bytes]:
    """The program in a session of its own, out of reach of the terminal's Ctrl+C."""
    if sys.platform == "win32":
        return subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    else:
        return subprocess.Popen(
            program,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_heed_signals,
        )


def _heed_signals() -> None:
    """The child must not inherit ignored signals, or it could not be asked to end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end_with_parent(child: subprocess.Popen[bytes]) -> None:
    """Once the parent has gone: ask the program to end, which ends its own in good order; end what then is left."""
    while os.read(
        sys.stdin.fileno(), 1
    ):  # not through sys.stdin, whose lock this thread would hold when the interpreter ends
        pass
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(child.pid)], capture_output=True, check=False)
        return
    else:
        started = descendants(child.pid)  # where orphans are not adopted, they are known from now
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
        _kill((*started, *descendants(child.pid), child.pid))


def _end_all(parent: int) -> None:
    """End every process below `parent`, those included that appear meanwhile."""
    if sys.platform == "win32":
        return
    else:
        until = monotonic() + NOTHING_MORE
        while (left := descendants(parent)) and monotonic() < until:
            _kill(left)
            _reap()
            sleep(0.02)


def _kill(processes: Iterable[int]) -> None:
    """A process that is gone already is what was wanted."""
    if sys.platform != "win32":
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _reap() -> None:
    """Take note of adopted children that have ended, or they would stay as zombies."""
    if sys.platform != "win32":
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def descendants(process: int) -> tuple[int, ...]:
    """Every process below `process`, parents before their children. Empty where the system gives no way to know."""
    children: dict[int, list[int]] = {}
    for one, parent in _processes():
        children.setdefault(parent, []).append(one)
    found = list(children.get(process, ()))
    for one in found:  # grows as it is walked
        found.extend(children.get(one, ()))
    return tuple(found)


def _processes() -> Iterator[tuple[int, int]]:
    """Each process with its parent: from /proc, else from `ps`."""
    if Path("/proc/self/stat").exists():
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended since
                # "PID (NAME) STATE PPID ...", where a name may hold brackets and spaces
                yield int(folder.name), int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        return
    with contextlib.suppress(FileNotFoundError):
        listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
        for line in listed.splitlines():
            one, parent = line.split()
            yield int(one), int(parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
