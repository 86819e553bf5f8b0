"""How answers are printed: a table for people, JSON for machines, errors in plain words, never a traceback."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from isomanager.errors import IsoManagerError, UsageError

OK, FAILED, USAGE = 0, 1, 2
"""Exit codes: all well; an image or check failed; usage or configuration."""


def say(text: str) -> None:
    """A message for the person at the terminal; standard output stays for answers."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", empty: str = "") -> None:
    """A table; where there are no rows, the sentence `empty` instead."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows = list(rows)
    if not rows:
        print(empty or "Nothing.")
        return
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in ("size", "fetches", "frees") else "left")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def size(count: int | None) -> str:
    """Bytes as people read them: 2.6 GiB; a question mark when nobody knows."""
    if count is None:
        return "?"
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def fail(wrong: IsoManagerError, *, as_json: bool) -> typer.Exit:
    """Print an error and give the exit to raise: 2 for usage and configuration, 1 for everything else."""
    if as_json:
        print_json(wrong.as_json())
    else:
        say(f"isomanager: {wrong}")
    return typer.Exit(USAGE if isinstance(wrong, UsageError) else FAILED)


def set_up_logging(verbosity: int, log_file: Path | None) -> None:
    """Logs of isomanager on standard error from `-v` on, and in full in `log_file`."""
    logger = logging.getLogger("isomanager")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.handlers = [handler]
    if log_file is not None:
        logger.addHandler(_file_handler(log_file))


def _file_handler(log_file: Path) -> logging.Handler:
    try:
        handler = logging.FileHandler(log_file, encoding="utf-8")
    except OSError as wrong:
        raise UsageError(f"The log file {log_file} cannot be written: {wrong.strerror}.") from wrong
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return handler
