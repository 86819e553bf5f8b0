"""Import: take in what an inventory from elsewhere lists, if it is there and what it is said to be."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.items import Item, Listing
from isomanager.library.adopting import Adoptable, adopt
from isomanager.library.checking import CHECKED
from isomanager.library.leasing import leased_copy
from isomanager.library.naming import title_of
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.model import Assurance, Copy, CopyState, Outcome, OutcomeKind, Title
from isomanager.planning.importing import ImportKind, ImportStep, Listed, path_inside, plan_import
from isomanager.storage.paths import final_path
from isomanager.transfer.progress import Progress, silent

_KINDS = {
    ImportKind.KNOWN: OutcomeKind.CURRENT,
    ImportKind.SKIP: OutcomeKind.SKIPPED,
    ImportKind.REFUSE: OutcomeKind.FAILED,
}

_OURS = ("assurance", "state", "filename", "provedDate")
"""What our own exports tell under the metadata of an image, and what is not to be believed: it is found out anew."""


def plan_listing(
    library: Library, listing: Listing, *, repository: str, replace: bool = False
) -> tuple[ImportStep, ...]:
    """What importing `listing` into `repository` would do, image by image; nothing is changed.

    Raises InventoryError when there is no such repository, StoreUnavailable when it does not answer.
    """
    store = library.store(repository)
    roots = (listing.root, library.inventory.repository(repository).url)
    listed = tuple(_listed(library, listing, repository, roots))
    held = library.inventory.copies(repository, states=CHECKED)
    sizes = {entry.path: entry.size for entry in store.list()}
    return plan_import(listed, held, size_of=sizes.get, replace=replace)


def _listed(library: Library, listing: Listing, repository: str, roots: tuple[str, ...]) -> Iterator[Listed]:
    for copy in listing.copies:
        if copy.state in CHECKED and copy.repository == repository:
            whole = {"size": copy.size, "digests": copy.digests, "source": copy.source, "metadata": copy.metadata}
            yield _placed(copy.path, roots, Listed.model_validate({"title": copy.title, **whole}))
    for item in listing.items:
        if item.repository in ("", repository):
            title = titled(library, item)
            notes = {name: text for name, text in item.metadata.items() if name not in _OURS}
            known = Listed(title=title, size=item.size, digests=item.digests, source=item.source, metadata=notes)
            yield _placed(item.path, roots, known)


def titled(library: Library, item: Item) -> Title:
    """The title of an item of a document."""
    return title_of(
        library,
        item.name,
        family=item.type,
        flavor=item.flavor,
        version=item.version,
        architecture_text=item.architecture,
        language=item.language,
        edition=item.edition,
    )


def _placed(path: str, roots: tuple[str, ...], known: Listed) -> Listed:
    try:
        inside = path_inside(path, roots)
        return known.model_copy(update={"path": final_path(inside) if inside else ""})
    except IsoManagerError as wrong:
        return known.model_copy(update={"objection": wrong.message})


def import_step(
    library: Library, step: ImportStep, *, repository: str, place: str, move: bool = False, progress: Progress = silent
) -> Outcome:
    """What became of one image. Its file is read; an image that is not what the document says is not taken in."""
    started = monotonic()
    if step.kind is ImportKind.FORGET:
        return _forgotten(library, step)
    if step.listed is None or step.kind is not ImportKind.ADOPT:
        return _settled(step, repository)
    try:
        copy = adopt(library, _adoptable(step.listed, repository, place, move), progress)
    except IsoManagerError as wrong:
        return _settled(step, repository).model_copy(
            update={"outcome": OutcomeKind.FAILED, "reason": str(wrong), "code": wrong.code}
        )
    return Outcome(
        outcome=OutcomeKind.PUBLISHED,
        title=copy.title,
        repository=repository,
        path=copy.path,
        reason=f"taken in as {place} lists it",
        seconds=monotonic() - started,
        assurance=copy.assurance,
    )


def _adoptable(listed: Listed, repository: str, place: str, move: bool) -> Adoptable:
    given = f"Its digest was given by {place}." if listed.digests else f"{place} lists it without a digest."
    return Adoptable(
        repository=repository,
        path=listed.path,
        title=listed.title,
        size=listed.size,
        digests=listed.digests,
        assurance=Assurance.PINNED if listed.digests else Assurance.NONE,
        reasons=(given,),
        source=listed.source or "import",
        metadata=listed.metadata,
        move=move,
    )


def _settled(step: ImportStep, repository: str) -> Outcome:
    listed = step.listed
    return Outcome(
        outcome=_KINDS.get(step.kind, OutcomeKind.FAILED),
        title=listed.title if listed else None,
        repository=repository,
        path=listed.path if listed else "",
        reason=step.reason,
        code=step.code,
    )


def _forgotten(library: Library, step: ImportStep) -> Outcome:
    copy: Copy = library.inventory.copy(step.copy_id)
    told = {"title": copy.title, "repository": copy.repository, "path": copy.path}
    try:
        with leased_copy(library, copy.id) as lease:
            library.inventory.transition(copy.id, CopyState.GONE, expected=CHECKED, lease=lease, reason=step.reason)
    except IsoManagerError as wrong:
        return Outcome(outcome=OutcomeKind.FAILED, reason=str(wrong), code=wrong.code, **told)
    return Outcome(outcome=OutcomeKind.RETIRED, reason=step.reason, **told)


def planned_report(steps: tuple[ImportStep, ...], repository: str) -> RunReport:
    """A dry run's report: what is to be taken in counts as skipped, because nothing was done."""
    outcomes = (
        _settled(step, repository).model_copy(update={"outcome": _KINDS.get(step.kind, OutcomeKind.SKIPPED)})
        for step in steps
    )
    return RunReport(outcomes=tuple(outcomes))
