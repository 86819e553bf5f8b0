"""Archive: a version that is replaced goes to another repository before it leaves the one it was in."""

from __future__ import annotations

from isomanager.library.leasing import reading
from isomanager.library.opening import Library
from isomanager.library.taking_in import copied_in
from isomanager.model import Copy, CopyState
from isomanager.storage.receipts import keep_receipt

ARCHIVE_SOURCE = "archive:"
"""How the `source` of an archived copy begins; the repository it came from follows. No subscription retires it."""


def archive_copy(library: Library, copy: Copy, repository: str) -> Copy:
    """The copy's image, held in `repository`: the one that is there, or one copied there now, proved against the receipt's digest.

    Its receipts go with it. Raises as `copied_in` does; then nothing of `copy` has changed.
    """
    held = library.inventory.copies(repository, states={CopyState.HELD}, sha256=copy.sha256)
    there = next((one for one in held if one.title == copy.title), None)
    if there is None:
        with reading(library, copy.id):
            there = copied_in(
                library,
                library.store(copy.repository),
                copy.path,
                repository,
                copy.title,
                digests={"sha256": copy.sha256 or ""},
                reasons=(f"Archived from {copy.repository}: its digest is that of the receipt there.",),
                source_name=f"{ARCHIVE_SOURCE}{copy.repository}",
                assurance=copy.assurance,
            )
    for receipt in library.inventory.receipts(copy.sha256 or ""):
        keep_receipt(library.store(repository), receipt)
    return there
