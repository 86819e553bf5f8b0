"""Tables for people: one line a row where the terminal is wide enough, else the long columns on lines of their own below."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from cli.output import harmless

NUMBERS = ("size", "fetches", "copies", "writes", "frees")
"""Columns that read from the right."""

_UNWATCHED_WIDTH = 160
"""Columns for output that goes to a file or another program; COLUMNS says otherwise."""

Row = Sequence[object]


def print_table(
    columns: Sequence[str], rows: Iterable[Row], *, below: Sequence[str] = (), empty: str = "Nothing."
) -> None:
    """A table; where there are no rows, the sentence `empty` instead.

    `below` names the long columns: where the whole does not fit, they follow their row, indented and wrapped.
    """
    cells = [[harmless(str(cell), keep="") for cell in row] for row in rows]
    if not cells:
        print(empty)
        return
    width = terminal_width()
    natural = sum(column_widths([columns, *cells])) + 2 * (len(columns) - 1)
    if natural > width and below:
        print("\n".join(_with_long_cells_below(columns, cells, below, width)))
    else:
        _print_rich(columns, cells, width)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values, one fact a line; a long value goes on below itself."""
    told = [(name, harmless(str(value))) for name, value in facts]
    indent = max((cell_len(name) for name, _ in told), default=0) + 2
    room = max(terminal_width() - indent, 20)
    for name, value in told:
        first, *rest = _wrapped(value, room) or [""]
        print(f"{name:{indent}}{first}".rstrip())
        for line in rest:
            print(" " * indent + line)


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


def terminal_width() -> int:
    """Columns to write in: what COLUMNS says, or the terminal's, or enough for most rows where nobody watches."""
    # the library asks the terminal of the process, which a pipe or a file may have taken this output from
    watched = "COLUMNS" in os.environ or sys.stdout.isatty()
    return max(shutil.get_terminal_size((_UNWATCHED_WIDTH, 24)).columns if watched else _UNWATCHED_WIDTH, 40)


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The widest cell of each column, in terminal cells."""
    return [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]


def _print_rich(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in NUMBERS else "left")
    for row in cells:
        table.add_row(*map(escape, row))
    # the terminal's own codes only where there is one; nothing is padded with blanks at its end
    console = Console(width=width, file=sys.stdout)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _with_long_cells_below(
    columns: Sequence[str], cells: Sequence[Sequence[str]], below: Sequence[str], width: int
) -> Iterator[str]:
    below = _below_too(columns, cells, below, width)
    kept = [place for place, column in enumerate(columns) if column not in below]
    short = [[row[place] for place in kept] for row in (columns, *cells)]
    widths = column_widths(short)
    for line, row in zip(short, [columns, *cells], strict=True):
        padded = (_padded(cell, size, columns[place]) for cell, size, place in zip(line, widths, kept, strict=True))
        yield "  ".join(padded).rstrip()
        if row is not columns:
            for name in below:
                yield from _below(name, row[columns.index(name)], width, named=len(below) > 1)


def _below_too(
    columns: Sequence[str], cells: Sequence[Sequence[str]], below: Sequence[str], width: int
) -> Sequence[str]:
    """`below`, and of the other columns as many, from the last on, as still do not fit beside the first."""
    sizes = dict(zip(columns, column_widths([columns, *cells]), strict=True))
    kept = [column for column in columns if column not in below]
    moved: list[str] = []
    while len(kept) > 1 and sum(sizes[one] + 2 for one in kept) - 2 > width:
        moved.insert(0, kept.pop())
    return (*moved, *below)


def joined(value: Any) -> str:
    """A value as a cell: lists with commas, a dash for nothing."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "-" if value in (None, "") else str(value)


def _padded(cell: str, width: int, column: str) -> str:
    return " " * (width - cell_len(cell)) + cell if column in NUMBERS else set_cell_size(cell, width)


def _below(name: str, cell: str, width: int, *, named: bool) -> Iterator[str]:
    """A long cell under its row; named where several columns went there."""
    text = f"{name}: {cell}" if named and cell else cell
    yield from (f"    {line}" for line in _wrapped(text, width - 4))


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width`; a path or digest that has no blank to break at stays whole, so that it can be copied."""
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]
