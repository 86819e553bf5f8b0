"""Runs one program and ends it, with everything it started, as soon as its own standard input closes.

The parent holds the other end of that pipe. However the parent goes, `kill -9` included, the system closes the pipe, so that
nothing is left running. Standard library only, since it must start at once.

usage: python guardian.py LOGFILE PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

GRACE = 10.0
"""Seconds between asking the program to end and ending it."""


def main(arguments: list[str]) -> int:
    """Run the program until it ends or the parent goes; return its exit code."""
    log, program = Path(arguments[0]), arguments[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the closing pipe is the one sign that counts
    with log.open("ab") as output:
        child = _start(program, output)
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    return child.wait()


def _start(program: list[str], output: BinaryIO) -> subprocess.Popen[bytes]:
    """The program in a group of its own, so that all of it can be ended at once."""
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
    while sys.stdin.buffer.read(1):
        pass
    _signal_all(child, gently=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE)
    _signal_all(child, gently=False)


def _signal_all(child: subprocess.Popen[bytes], *, gently: bool) -> None:
    """Signal the program's whole group; a group that is gone is what was wanted."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(child.pid)], capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM if gently else signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
