"""Take in: a file that a scan or a person found becomes an image of the library, adopted where it lies or copied from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from isomanager.errors import IsoManagerError, Refused, StoreError, UsageError
from isomanager.library.adopting import Adoptable, adopt
from isomanager.library.copying import copy_reserved
from isomanager.library.naming import title_of
from isomanager.library.opening import Library
from isomanager.library.outcomes import RunReport
from isomanager.library.registering import register, verify_received
from isomanager.library.reserving import reserved
from isomanager.library.scanning import Place, store_of
from isomanager.model import (
    Action,
    ActionKind,
    Assurance,
    Copy,
    Digests,
    Expectation,
    Offer,
    Outcome,
    OutcomeKind,
    Title,
)
from isomanager.planning.scanning import ScanKind, ScanStep
from isomanager.storage.contract import Store
from isomanager.transfer.progress import Progress, silent


def take_in(
    library: Library, place: Place, into: str, step: ScanStep, *, move: bool = False, progress: Progress = silent
) -> Copy:
    """Make the step's file an image of the repository `into`: adopted where it lies there, copied there from anywhere else.

    Raises as `adopt` and `copy_reserved` do. The file that was found stays, but for `move` inside the repository.
    """
    assert step.title is not None  # noqa: S101 - only steps with a title are taken in
    found, digests = step.file, {"sha256": step.file.sha256} if step.file.sha256 else {}
    reasons = (f"Taken in from {place.repository or place.address}: {step.reason}.",)
    if place.repository == into:
        return adopt(
            library,
            Adoptable(
                into,
                found.path,
                step.title,
                size=found.size,
                digests=digests,
                reasons=reasons,
                source="scan",
                move=move,
            ),
            progress,
        )
    return copied_in(
        library, store_of(library, place), found.path, into, step.title, digests=digests, reasons=reasons, source_name="scan",
        progress=progress,
    )  # fmt: skip


def copied_in(
    library: Library,
    source: Store,
    path: str,
    into: str,
    title: Title,
    *,
    digests: Digests,
    reasons: tuple[str, ...],
    source_name: str = "",
    assurance: Assurance = Assurance.NONE,
    progress: Progress = silent,
) -> Copy:
    """A file of another store, copied into the repository `into`, held against `digests` and published."""
    entry = source.stat(path)
    if entry is None:
        raise StoreError(f"'{path}' is not in {source.url}.", code="missing", path=path)
    offer = Offer(title=title, filename=path.rpartition("/")[2], urls=(), size=entry.size, etag=entry.etag)
    expectation = Expectation(offer=offer, digests=digests, size=entry.size, assurance=assurance, reasons=reasons)
    action = Action(
        kind=ActionKind.DOWNLOAD, repository=into, title=title, reason=reasons[0], expectation=expectation, cost=entry.size,
        source=source_name,
    )  # fmt: skip
    with reserved(library, action) as reservation:
        received = copy_reserved(library, reservation, source, path, progress)
        try:
            receipt = verify_received(library, reservation, received)
        except Refused as wrong:
            wrong.hint = "The file is left as it is, and is not taken in."
            raise
        return register(library, reservation, received, receipt)


_KINDS = {
    ScanKind.KNOWN: OutcomeKind.CURRENT,
    ScanKind.DUPLICATE: OutcomeKind.CURRENT,
    ScanKind.DAMAGED: OutcomeKind.FAILED,
}


def settled_step(step: ScanStep, into: str) -> Outcome:
    """The outcome for a file that is not taken in: known, a duplicate, unknown, doubtful, damaged, or still growing."""
    return Outcome(
        outcome=_KINDS.get(step.kind, OutcomeKind.SKIPPED),
        title=step.title,
        repository=into,
        path=step.file.path,
        reason=step.reason,
        code=step.kind.value,
    )


def taken_outcome(
    library: Library,
    place: Place,
    into: str,
    step: ScanStep,
    *,
    move: bool = False,
    remove: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """What became of a file that was to be taken in. `remove` deletes it where it was found, once its copy is held."""
    try:
        copy = take_in(library, place, into, step, move=move, progress=progress)
        if remove and place.repository != into and library.inventory.frozen() is None:
            store_of(library, place).delete(step.file.path)
    except IsoManagerError as wrong:
        return settled_step(step, into).model_copy(
            update={"outcome": OutcomeKind.FAILED, "reason": str(wrong), "code": wrong.code}
        )
    return Outcome(
        outcome=OutcomeKind.PUBLISHED,
        title=copy.title,
        repository=into,
        path=copy.path,
        reason=step.reason,
        bytes=0 if place.repository == into else copy.size or 0,
        assurance=copy.assurance,
    )


def scan_report(steps: Sequence[ScanStep], into: str) -> RunReport:
    """A dry run's report: what would be taken in counts as skipped, because nothing was done."""
    return RunReport(outcomes=tuple(settled_step(step, into) for step in steps))


def answer_of(library: Library, step: ScanStep, text: str) -> Title | None:
    """The title that a person's answer means: "yes" for the one proposed, "no" or nothing to leave the file, else a selector with
    an exact version (`ubuntu/server@24.04.3`) or a name of one's own.

    UsageError for what is none of these.
    """
    said = text.strip()
    if said.lower() in ("", "no", "n", "leave"):
        return None
    if said.lower() in ("yes", "y"):
        if step.title is None:
            raise UsageError(f"Nobody knows what {step.file.path} is.", hint="Say it: PRODUCT[/FLAVOR]@VERSION.")
        return step.title
    name, _, version = said.partition("@")
    product, _, flavor = name.partition("/")
    architecture = step.title.architecture if step.title else ""
    return title_of(library, product, flavor=flavor, version=version, architecture_text=architecture)
