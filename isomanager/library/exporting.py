"""Export: what is held, as a document in any of the forms; written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from isomanager.errors import UsageError
from isomanager.inventory.exchange.items import Form
from isomanager.inventory.searching import CopySearch
from isomanager.library.opening import Library
from isomanager.model import Receipt


def export_pieces(library: Library, wanted: CopySearch, form: Form, *, digests: bool = True) -> Iterator[str]:
    """The document, piece by piece. ISOManager's schema speaks of one repository: UsageError when several are meant."""
    from isomanager.inventory.exchange import csv_form, json_form, xml_form

    copies, now = library.inventory.search(wanted), library.now()
    if form == "isomanager":
        return json_form.write_own(copies, _receipts(library, wanted), now=now)
    if form == "simple":
        return json_form.write_simple(copies, digests=digests)
    if form == "csv":
        return csv_form.write_csv(copies, digests=digests)
    if form == "xml":
        return xml_form.write_xml(copies, now=now, digests=digests)
    record = library.inventory.repository(_one_repository(library, wanted))
    return json_form.write_seed(
        copies, root=record.url, name=record.name, structure=record.layout, now=now, digests=digests
    )


def _receipts(library: Library, wanted: CopySearch) -> Iterator[Receipt]:
    seen: set[str] = set()
    for copy in library.inventory.search(wanted):
        if copy.sha256 and copy.sha256 not in seen:
            seen.add(copy.sha256)
            yield from library.inventory.receipts(copy.sha256)


def _one_repository(library: Library, wanted: CopySearch) -> str:
    names = wanted.repositories or tuple(one.name for one in library.inventory.repositories())
    if len(names) == 1:
        return names[0]
    raise UsageError(
        "The JSON form of schema 1.0 describes one repository, and there are several.",
        hint=f"Name one with --repository ({', '.join(names)}), or use --format isomanager, csv or xml.",
    )


def write_whole(file: Path, pieces: Iterable[str]) -> int:
    """Write a text file beside its place and rename it there; the bytes written. A failure leaves what was there before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
            opened.writelines(pieces)
            opened.flush()
            os.fsync(opened.fileno())
        size = written.stat().st_size
        written.replace(file)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return size
