"""How answers and errors are given: JSON for machines, plain words for people, exit codes, logs. Never a traceback."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from isomanager.errors import IsoManagerError, UsageError

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all well; an image or check failed; usage or configuration; ended by Ctrl+C."""

_log = logging.getLogger("isomanager.cli")


def say(text: str) -> None:
    """A message for the person at the terminal; standard output stays for answers."""
    print(harmless(text), file=sys.stderr, flush=True)


def harmless(text: str, keep: str = "\n") -> str:
    """The text with everything that a terminal would obey, or that would turn its letters round, as escapes: a file's name may
    hold any of it."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep else letter.encode("unicode_escape").decode()
        for letter in text
    )


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(value, indent=2, ensure_ascii=plain, default=str))


def print_json_array(values: Iterable[Any]) -> None:
    """One JSON array on standard output, written as its items come, so that its length costs no memory."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    encode = json.JSONEncoder(ensure_ascii=plain, default=str).encode
    between = "[\n"
    for value in values:
        sys.stdout.write(f"{between}{encode(value)}")
        between = ",\n"
    print("\n]" if between == ",\n" else "[]")


def say_what_cannot_be_spelled() -> None:
    """Bytes of foreign names that are no text, and letters the terminal does not have, are shown as escapes, not refused."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@runtime_checkable
class CommandLineError(Protocol):
    """An error of the command-line library itself: an unknown option, a missing argument."""

    exit_code: int

    def format_message(self) -> str:
        """What is wrong, in a sentence."""
        ...

    def show(self) -> None:
        """Print it with the command's usage."""
        ...


def fail(wrong: BaseException, *, as_json: bool) -> int:
    """Print an error and give the exit code: 2 for usage and configuration, 130 for Ctrl+C, 1 for everything else."""
    if isinstance(wrong, CommandLineError):
        return _fail_on_command_line(wrong, as_json=as_json)
    told = explained(wrong)
    if as_json:
        print_json(told.as_json())
    else:
        say(f"isomanager: {told}")
    if told.code == "unexpected":
        _log.debug("the error in full", exc_info=wrong)
    return USAGE if isinstance(told, UsageError) else FAILED


def explained(wrong: BaseException) -> IsoManagerError:
    """Our own errors as they are; the system's in plain words; anything else as the mistake of ours that it is."""
    if isinstance(wrong, IsoManagerError):
        return wrong
    if isinstance(wrong, OSError) and wrong.strerror:
        where = f"{wrong.filename}: " if wrong.filename else ""
        return IsoManagerError(f"{where}{wrong.strerror}.", code="system")
    return IsoManagerError(
        f"An unexpected {type(wrong).__name__}: {wrong}.",
        code="unexpected",
        hint="This is a mistake in isomanager. `isomanager -vv ...` shows where; please report it.",
    )


def _fail_on_command_line(wrong: CommandLineError, *, as_json: bool) -> int:
    if as_json:
        print_json({"error": "usage", "message": wrong.format_message()})
    else:
        wrong.show()
    return wrong.exit_code


def finish_output() -> None:
    """Hand over what is still in memory. Whoever read our output may have left: then there is nobody to tell."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        leave_output()


def leave_output() -> None:
    """Send what is left to nowhere, so that the interpreter does not complain about the closed pipe on its way out."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def set_up_logging(verbosity: int, log_file: Path | None) -> None:
    """Logs of isomanager on standard error from `-v` on, of its requests from `-vv` on; all of both in `log_file`."""
    terminal: logging.Handler = logging.StreamHandler(sys.stderr)
    terminal.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    terminal.setFormatter(_HarmlessFormatter("%(levelname)s %(name)s: %(message)s"))
    file = [_file_handler(log_file)] if log_file is not None else []
    _write_to("isomanager", [terminal, *file])
    _write_to("httpx", [terminal, *file] if verbosity > 1 else file)


def _write_to(name: str, handlers: list[logging.Handler]) -> None:
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG if handlers else logging.WARNING)
    logger.propagate = False
    logger.handlers = handlers


class _HarmlessFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """The line, with nothing that a terminal would obey."""
        return harmless(super().format(record), keep="\n\t")


def _file_handler(log_file: Path) -> logging.Handler:
    try:
        handler = logging.FileHandler(log_file, encoding="utf-8")
    except OSError as wrong:
        raise UsageError(f"The log file {log_file} cannot be written: {wrong.strerror}.") from wrong
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
