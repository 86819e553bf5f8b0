"""Report: what the library, or one repository, adds up to; as a page, as JSON, and as dated snapshots in the repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from isomanager.catalogue.support import end_of_support
from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.json_form import write_seed
from isomanager.inventory.report.figures import EndOf, Figures, Room, build_figures, line_of
from isomanager.inventory.report.page import build_page
from isomanager.inventory.report.snapshots import REPORTS, inventory_snapshot, outlived, report_snapshot
from isomanager.inventory.searching import CopySearch
from isomanager.library.opening import Library
from isomanager.model import Copy, CopyState, Receipt, RepositoryRecord, Title
from isomanager.storage.contract import Space
from isomanager.version import Version

MOST_RECEIPTS = 500
"""Of so many images the page says why each is believed; of more, their receipts do."""


def figures_of(library: Library, copies: Iterable[Copy], *, name: str, repositories: Iterable[str]) -> Figures:
    """The figures of these copies, beside what upstream last offered, support dates, and the room there is."""
    return build_figures(
        copies,
        now=library.now(),
        name=name,
        names=library.product_names,
        offered=_offered(library),
        end_of=_end_of(library),
        room=[_room(library, one) for one in repositories],
    )


def library_figures(library: Library, wanted: CopySearch) -> Figures:
    """The figures of everything a search finds, a page of it in memory at a time."""
    names = wanted.repositories or tuple(one.name for one in library.inventory.repositories())
    return figures_of(library, library.inventory.search(wanted), name="isomanager", repositories=names)


def repository_page(library: Library, record: RepositoryRecord, copies: Sequence[Copy]) -> str:
    """The page that a repository publishes as its index.html."""
    figures = figures_of(library, copies, name=record.name, repositories=[record.name])
    held = [one for one in copies if one.state is CopyState.HELD]
    return build_page(
        figures, held, description=record.description, names=library.product_names, receipts=receipts_for(library, held)
    )


def receipts_for(library: Library, copies: Sequence[Copy]) -> dict[str, Receipt]:
    """The newest receipt of each image, by SHA-256; none at all for a library that is too large to show them."""
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
    copies = library.inventory.copies(repository, states={CopyState.HELD, CopyState.SUSPECT})
    held = [one for one in copies if one.state is CopyState.HELD]
    figures = figures_of(library, copies, name=record.name, repositories=[repository])
    inventory = write_seed(held, root=record.url, name=record.name, structure=record.layout, now=now)
    documents = {
        inventory_snapshot(now): "".join(inventory),
        report_snapshot(now, "json"): figures.model_dump_json(indent=2) + "\n",
        report_snapshot(now, "html"): build_page(figures, held, names=library.product_names, links=False),
    }
    for path, text in documents.items():
        store.replace_small(path, text.encode())
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
