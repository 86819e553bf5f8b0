"""Report: what the library, or one repository, adds up to; as a page, as JSON, and as dated snapshots in the repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from isomanager.catalogue.support import end_of_support
from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.json_form import write_seed
from isomanager.inventory.report.figures import EndOf, Figures, Room, build_figures, line_of
from isomanager.inventory.report.page import page_pieces
from isomanager.inventory.report.snapshots import REPORTS, inventory_snapshot, outlived, report_snapshot
from isomanager.inventory.searching import CopySearch
from isomanager.library.opening import Library
from isomanager.model import CopyState, Receipt, RepositoryRecord, Title
from isomanager.storage.contract import Space
from isomanager.storage.index import encoded
from isomanager.version import Version

MOST_RECEIPTS = 500
"""Of so many images the page says why each is believed; of more, their receipts do."""


def library_figures(library: Library, wanted: CopySearch) -> Figures:
    """The figures of everything a search finds, a page of it in memory at a time."""
    names = wanted.repositories or tuple(one.name for one in library.inventory.repositories())
    return _figures(library, wanted, "isomanager", names)


def _figures(library: Library, wanted: CopySearch, name: str, repositories: Iterable[str]) -> Figures:
    """The figures beside what upstream last offered, support dates, and the room there is."""
    return build_figures(
        library.inventory.counted(wanted),
        now=library.now(),
        name=name,
        names=library.product_names,
        offered=_offered(library),
        end_of=_end_of(library),
        room=[_room(library, one) for one in repositories],
    )


def library_page(library: Library, figures: Figures, wanted: CopySearch) -> Iterator[str]:
    """Pieces of the page of everything a search finds, as a file of its own."""
    copies = library.inventory.search(wanted)
    return page_pieces(figures, copies, names=library.product_names, receipts=_receipts(library, wanted), links=False)


def repository_page(library: Library, record: RepositoryRecord) -> Iterator[str]:
    """Pieces of the page that a repository publishes as its index.html."""
    figures = _figures(library, _in(record), record.name, [record.name])
    held = _in(record, CopyState.HELD)
    return page_pieces(
        figures,
        library.inventory.search(held),
        description=record.description,
        names=library.product_names,
        receipts=_receipts(library, held),
    )


def _in(record: RepositoryRecord, *states: CopyState) -> CopySearch:
    """What is held in a repository, suspect images too unless others are asked for, by path."""
    told = {"states": states} if states else {}
    return CopySearch(repositories=(record.name,), **told)


def _receipts(library: Library, wanted: CopySearch) -> dict[str, Receipt]:
    """The newest receipt of each image, by SHA-256; none at all for a library that is too large to show them."""
    copies = tuple(library.inventory.search(wanted.model_copy(update={"limit": MOST_RECEIPTS + 1})))
    if len(copies) > MOST_RECEIPTS:
        return {}
    digests = {one.sha256 for one in copies if one.sha256}
    found = {sha256: library.inventory.receipts(sha256) for sha256 in digests}
    return {sha256: receipts[-1] for sha256, receipts in found.items() if receipts}


def save_snapshots(library: Library, repository: str) -> tuple[str, ...]:
    """Write the day's inventory and report into the repository, and remove those that have had their time; what was written.

    A second one on the same day takes the place of the first.
    """
    record, store, now = library.inventory.repository(repository), library.store(repository), library.now()
    figures, held = _figures(library, _in(record), record.name, [repository]), _in(record, CopyState.HELD)
    copies = library.inventory.search
    documents: dict[str, Iterable[str]] = {
        inventory_snapshot(now): write_seed(
            copies(held), root=record.url, name=record.name, structure=record.layout, now=now
        ),
        report_snapshot(now, "json"): [figures.model_dump_json(indent=2), "\n"],
        report_snapshot(now, "html"): page_pieces(figures, copies(held), names=library.product_names, links=False),
    }
    for path, pieces in documents.items():
        store.replace_small(path, encoded(pieces))
    there = [entry.path for entry in store.list(REPORTS)]
    for path in outlived(there, now, library.settings.report_days):
        store.delete(path)
    return tuple(documents)


def _room(library: Library, repository: str) -> Room:
    url = library.inventory.repository(repository).url
    try:
        space = library.store(repository).space()
    except IsoManagerError:
        space = Space(None, None)  # a place that does not answer has no figures; `repository check` says why
    return Room(repository=repository, url=url, total=space.total, free=space.free)


def _offered(library: Library) -> dict[str, Title]:
    newest: dict[str, Title] = {}
    for title in library.inventory.offered_titles():
        line = line_of(title)
        if line not in newest or title.version > newest[line].version:
            newest[line] = title
    return newest


def _end_of(library: Library) -> EndOf:
    """Until when a release is supported, where the catalogue knows it; looked up once for each of the last releases."""

    @lru_cache(maxsize=4096)
    def end(product_id: str, version: Version) -> str:
        product = library.catalogue.by_id(product_id)
        found = end_of_support(product, version) if product is not None else None
        return found.isoformat() if found is not None else ""

    return lambda title: end(title.product, title.version)
