"""CSV (RFC 4180) for spreadsheets. Their programs run a cell that begins like a formula: such a cell gets a quote in front."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from isomanager.inventory.exchange.items import Listing, bad_inventory, read_items
from isomanager.inventory.exchange.json_form import item_of
from isomanager.model import Copy

COLUMNS = (
    "name", "type", "flavor", "version", "architecture", "language", "edition", "repository", "path", "size", "sha256",
    "added_at", "source", "assurance", "state", "filename",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The wide forms, too: spreadsheets take both for the same."""
_METADATA = ("assurance", "state", "filename")
_NAMES = {"filepath": "path", "filesize": "size", "downloaddate": "added_at", "hash": "sha256", "family": "type"}


def write_csv(copies: Iterable[Copy], *, digests: bool = True) -> Iterator[str]:
    """Pieces of a CSV document with a line of names first."""
    columns = [name for name in COLUMNS if digests or name != "sha256"]
    yield _line(columns)
    for copy in copies:
        item = item_of(copy)
        told = {**item.model_dump(mode="json"), **item.metadata, "sha256": item.digests.get("sha256", "")}
        yield _line([_harmless(told[name]) for name in columns])


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _harmless(value: Any) -> str:
    """https://owasp.org/www-community/attacks/CSV_Injection: no cell begins as a formula does."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def read_csv(text: str, place: str) -> Listing:
    """The listing in a CSV document, whose first line names the columns in any order, ours or ISOManager's.

    InventoryError(code="bad-inventory") for what is no such table.
    """
    if text.startswith("#TYPE "):  # Windows PowerShell's first line
        text = text.partition("\n")[2]
    between = max(
        ",;\t", key=text.partition("\n")[0].count
    )  # spreadsheets write what their country separates lists with
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    try:
        first = next(reader, [])
        names = [_NAMES.get(name, name) for name in (cell.strip().lower().lstrip("\ufeff") for cell in first)]
        if "name" not in names:
            raise bad_inventory(place, "its first line has no column 'name'")
        if len(set(names)) < len(names):
            raise bad_inventory(place, "its first line names a column twice")
        rows = (_row(names, cells) for cells in reader if cells)
        return Listing(form="csv", items=tuple(read_items(rows, place)))
    except csv.Error as wrong:
        raise bad_inventory(place, f"line {reader.line_num} is no CSV ({wrong})") from wrong


def _row(names: list[str], cells: list[str]) -> dict[str, Any]:
    told = {name: cell.removeprefix("'") for name, cell in zip(names, cells, strict=False)}
    kept = {name: told[name] for name in COLUMNS if told.get(name) and name not in (*_METADATA, "sha256")}
    metadata = {name: told[name] for name in _METADATA if told.get(name)}
    return kept | {"digests": {"sha256": told["sha256"]} if told.get("sha256") else {}, "metadata": metadata}
