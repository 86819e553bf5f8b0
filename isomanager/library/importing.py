"""Import: take in what an inventory from elsewhere lists, if it is there and what it is said to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from time import monotonic

from isomanager.errors import IsoManagerError, UsageError
from isomanager.inventory.exchange.items import Item, Listing
from isomanager.library.adopting import Adoptable, adopt
from isomanager.library.checking import CHECKED
from isomanager.library.leasing import leased_copy
from isomanager.library.naming import title_of
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.proving_again import judged_receipt
from isomanager.model import Assurance, Copy, CopyState, Outcome, OutcomeKind, Receipt, Title
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


def _called(listing: Listing, repository: str) -> frozenset[str]:
    """What the document calls the repository: by its name, by none, or by the only name it has, as another library may.

    UsageError for a document of several repositories, none of which is this one.
    """
    named = {one.repository for one in listing.copies} | {one.repository for one in listing.items}
    others = named - {"", repository}
    if len(named) > 1 and others == named:
        raise UsageError(
            f"The document lists images of {', '.join(sorted(named))}, and none of {repository}.",
            hint="Name one of these with --repository; `isomanager repository create` makes it.",
        )
    return frozenset(named if len(named) == 1 else {"", repository})


def _listed(library: Library, listing: Listing, repository: str, roots: tuple[str, ...]) -> Iterator[Listed]:
    called = _called(listing, repository)
    receipts: defaultdict[str, list[Receipt]] = defaultdict(list)
    for receipt in listing.receipts:
        receipts[receipt.sha256].append(receipt)
    for copy in listing.copies:
        if copy.state in CHECKED and copy.repository in called:
            whole = {"size": copy.size, "digests": copy.digests, "source": copy.source, "metadata": copy.metadata}
            known = Listed(title=copy.title, receipts=tuple(receipts[copy.sha256 or ""]), **whole)
            yield _placed(copy.path, roots, known)
    for item in listing.items:
        if item.repository in called:
            title = titled(library, item)
            told = {"size": item.size, "digests": item.digests, "source": item.source, "metadata": notes_of(item)}
            known = Listed(title=title, **told)
            yield _placed(item.path, roots, known)


def notes_of(item: Item) -> dict[str, str]:
    """What people said of an item, without what our own exports say there."""
    return {name: text for name, text in item.metadata.items() if name not in _OURS}


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
        copy = adopt(library, _adoptable(step.listed, repository, place, move, _proof(library, step.listed)), progress)
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


def _proof(library: Library, listed: Listed) -> Receipt | None:
    """The document's receipt that shows today, by the keys that are pinned here, more than the document's own word does."""
    for receipt in listed.receipts:
        if receipt.title == listed.title and receipt.sha256 == listed.digests.get("sha256"):
            judged = judged_receipt(library, receipt)
            if judged.valid and judged.assurance > Assurance.PINNED:
                return receipt.model_copy(update={"assurance": judged.assurance})
    return None


def _adoptable(listed: Listed, repository: str, place: str, move: bool, proof: Receipt | None) -> Adoptable:
    given = f"Its digest was given by {place}." if listed.digests else f"{place} lists it without a digest."
    return Adoptable(
        repository=repository,
        path=listed.path,
        title=listed.title,
        size=listed.size,
        digests=listed.digests | (proof.digests if proof else {}),
        receipt=proof,
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
