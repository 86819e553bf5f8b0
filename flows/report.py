"""Report: what is held, filtered as a person asks, as tables and text in the Prefect UI and as dated files in the repositories."""

from __future__ import annotations

from time import monotonic

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.reporting import emit, show_copies
from flows.running import running
from isomanager.errors import IsoManagerError
from isomanager.inventory.filter_words import search_with
from isomanager.inventory.report.figures import Figures
from isomanager.inventory.report.page import readable_size
from isomanager.inventory.report.text import markdown_report
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.reporting import library_figures, save_snapshots

FIGURES = "iso-figures"
"""Key of the artifact: what the library adds up to."""
ENDING = "isomanager.image.ending"
"""Event: the support of an image that is held has ended, or ends soon."""


@flow(name="report", flow_run_name="report", persist_result=False)
def report(
    families: list[str] = [],  # noqa: B006 - never changed
    products: list[str] = [],  # noqa: B006
    flavors: list[str] = [],  # noqa: B006
    version: str = "",
    architectures: list[str] = [],  # noqa: B006
    languages: list[str] = [],  # noqa: B006
    editions: list[str] = [],  # noqa: B006
    repositories: list[str] = [],  # noqa: B006
    assurance: str = "none",
    larger: str = "",
    smaller: str = "",
    older_than: str = "",
    newer_than: str = "",
    unproved_for: str = "",
    text: str = "",
    where: list[str] = [],  # noqa: B006
    order: str = "path",
    descending: bool = False,
    limit: int = 0,
    offset: int = 0,
    save: bool = True,
) -> RunReport:
    """Show what is held, and what it adds up to.

    Args:
        families: Such as linux or windows; none means all.
        products: Product ids such as ubuntu; none means all.
        flavors: Such as server or netinst.
        version: A series such as 24.04, or clauses such as >=22.04,<24.
        architectures: Such as x86_64 or arm64.
        languages: Such as de-DE.
        editions: Such as pro or enterprise.
        repositories: Names of repositories; none means all.
        assurance: Only what is proved at least so far - none, mirror, served, published, pinned or signed.
        larger: At least so large, such as 1.5GiB.
        smaller: At most so large.
        older_than: Came earlier, by an age such as 30d, 6m, 1y or by a date.
        newer_than: Came later.
        unproved_for: Not proved since, such as 90d.
        text: Words in names, paths, digests or sources.
        where: Filters as NAME=VALUE, such as Type=Windows, Name=ubuntu, Version=24.04 or Architecture=x64.
        order: path, name, version, size, added, proved, assurance or repository.
        descending: The other way round.
        limit: So many images; 0 means all.
        offset: Leave out the first so many.
        save: Also write the day's inventory and report into each repository.
    """
    started = monotonic()
    asked = {
        "families": tuple(families), "products": tuple(products), "flavors": tuple(flavors), "version": version,
        "architectures": tuple(architectures), "languages": tuple(languages), "editions": tuple(editions),
        "repositories": tuple(repositories), "assurance": assurance, "min_size": larger, "max_size": smaller, "text": text,
        "order": order, "descending": descending, "limit": limit, "offset": offset,
    }  # fmt: skip
    times = {"added_before": older_than, "added_after": newer_than, "proved_before": unproved_for}
    with running() as library:
        wanted = search_with(asked, where, times, library.now())
        figures = library_figures(library, wanted)
        show_copies(library, tuple(library.inventory.search(wanted)), _told(figures))
        create_markdown_artifact(
            markdown=markdown_report(figures), key=FIGURES, description="What the library adds up to"
        )
        for ending in figures.ending:
            emit(ENDING, ending.image, {"reason": ending.told, "path": ending.path})
        saved = _saved(library, repositories) if save else ()
        indexes = refresh_indexes(library)
        return RunReport(indexes=(*saved, *indexes), seconds=monotonic() - started)


def _told(figures: Figures) -> str:
    return f"{figures.images} images, {readable_size(figures.size)}"


def _saved(library: Library, repositories: list[str]) -> tuple[str, ...]:
    """A repository that does not answer is told, and does not keep the others from having their reports."""
    told: list[str] = []
    for name in repositories or [one.name for one in library.inventory.repositories()]:
        try:
            told += [f"{name}: {path}" for path in save_snapshots(library, name)]
        except IsoManagerError as wrong:
            told.append(f"{name}: no report was saved: {wrong}")
    return tuple(told)
