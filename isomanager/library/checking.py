"""Check: read held copies again and hold them against what was proved when they came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from isomanager.catalogue.matching import selects
from isomanager.errors import IsoManagerError, PermanentError, UsageError
from isomanager.inventory.copies import CopyChanges
from isomanager.inventory.searching import CopySearch
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.setting_aside import clear, place_of, set_aside
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind, Selector, Title
from isomanager.storage.contract import Store, Vouches
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.reading import stored_pieces

CHECKED = frozenset({CopyState.HELD, CopyState.SUSPECT})


def held_copies(library: Library, names: Sequence[str] = ()) -> tuple[Copy, ...]:
    """The copies of these families, products, selectors, titles, paths or ids; every held one when nothing is named.

    UsageError when nothing that is held fits.
    """
    chosen = copies_called(library, names, CopySearch(states=tuple(CHECKED)))
    if names and not chosen:
        raise UsageError(
            f"Nothing that is held is called {' or '.join(names)}.", hint="`isomanager list` shows what is held."
        )
    return chosen


def copies_called(library: Library, names: Sequence[str], among: CopySearch) -> tuple[Copy, ...]:
    """The copies that one of `names` means, of those a search finds; no other products are read for it."""
    # what a path begins with may be a family's name, and means no family there
    products = {
        word for name in names for word in (*re.split("[/@]", name, maxsplit=1)[:1], *_product_meant(library, name))
    }
    called = {"called": tuple(sorted(set(names))), "called_products": tuple(sorted(products))}
    found = library.inventory.search(among.model_copy(update=called))
    return copies_named(library, tuple(found), names)


def _product_meant(library: Library, name: str) -> tuple[str, ...]:
    try:
        return (library.canonical(Selector.parse(name)).product,)
    except PermanentError:
        return ()


def copies_named(library: Library, copies: Sequence[Copy], names: Sequence[str]) -> tuple[Copy, ...]:
    """Those of `copies` that one of `names` means; all of them when nothing is named."""
    if not names:
        return tuple(copies)
    wanted = {name.lower() for name in names}
    means = [one for name in names if (one := _meaning(library, name)) is not None]
    return tuple(copy for copy in copies if wanted & _names(copy) or any(fits(copy.title) for fits in means))


def _meaning(library: Library, name: str) -> Callable[[Title], bool] | None:
    """Which titles a product's name or a selector means; None for what is neither: a path, an id, a custom title."""
    try:
        asked = Selector.parse(name)
        selector = library.canonical(asked)
        product = library.catalogue.product(selector.product)
    except PermanentError:
        return None
    if "/" not in name and "@" not in name and library.catalogue.find(name) is product:
        return lambda title: title.product == product.id
    return lambda title: selects(product, selector, title)


def _names(copy: Copy) -> set[str]:
    title = copy.title
    flavored = f"{title.product}/{title.flavor}"
    names = {title.family.value, title.product, flavored, f"{flavored}@{title.version}", str(title), copy.path, copy.id}
    return {name.lower() for name in names}


def check_copy(library: Library, copy: Copy, *, quick: bool = False, progress: Progress = silent) -> Outcome:
    """Current when the bytes are those of the receipt; failed otherwise, and then the copy is suspect.

    `quick` looks only at presence and size, which clears no suspicion. A store that does not answer proves nothing against
    the copy: that is a failure too, and the copy stays what it was.
    """
    started = monotonic()
    try:
        complaint, how = _checked(library, copy, quick, progress)
    except IsoManagerError as wrong:
        return unchecked_outcome(copy, wrong)
    return Outcome(
        outcome=OutcomeKind.FAILED if complaint else OutcomeKind.CURRENT,
        title=copy.title,
        repository=copy.repository,
        path=copy.path,
        reason=complaint or how,
        code="failed-proof" if complaint else "",
        bytes=0,
        seconds=monotonic() - started,
        assurance=copy.assurance,
    )


def unchecked_outcome(copy: Copy, wrong: IsoManagerError) -> Outcome:
    """The outcome for a copy that could not be looked at: it stays what it was."""
    return Outcome(
        outcome=OutcomeKind.FAILED,
        title=copy.title,
        repository=copy.repository,
        path=copy.path,
        reason=str(wrong),
        code=wrong.code,
        assurance=copy.assurance,
    )


def _checked(library: Library, copy: Copy, quick: bool, progress: Progress) -> tuple[str, str]:
    """The complaint, noted with the copy under its lease, empty when there is none; and what was proved how."""
    with leased_copy(library, copy.id) as lease:
        store = library.store(copy.repository)
        place = place_of(store, copy)
        seen = copy.model_copy(update={"path": place})
        complaint, how = _quick_look(store, seen) if quick else (_complaint(store, seen, progress), "proved again")
        if quick and not complaint and copy.state is CopyState.SUSPECT:
            told = f"{copy.path} is suspect: {copy.reason or 'it failed a proof'}; only reading it can clear that"
            return told, how
        changes: CopyChanges = {} if quick else {"proved_at": library.now()}
        if complaint:
            changes = {"reason": complaint}
        elif copy.state is CopyState.SUSPECT:
            changes["reason"] = "proved again"
        if not complaint and copy.state is CopyState.SUSPECT:
            clear(store, copy, place)
        state = CopyState.SUSPECT if complaint else CopyState.HELD
        library.inventory.transition(copy.id, state, expected=CHECKED, lease=lease, **changes)
        return f"{complaint}{set_aside(store, copy)}" if complaint else "", how


def _quick_look(store: Store, copy: Copy) -> tuple[str, str]:
    """What is wrong with the copy as far as no byte need be read, and what was looked at: a server may keep digests itself."""
    seen, wrong = "there, and of the right size", _presence(store, copy)
    said = store.vouch(copy.path) if isinstance(store, Vouches) and not wrong else None
    if said is None:
        return wrong, seen
    return ("" if said.agrees else f"{copy.path} is not what was published: {said.told}"), f"{seen}; {said.told}"


def _presence(store: Store, copy: Copy) -> str:
    entry = store.stat(copy.path)
    if entry is None:
        return f"{copy.path} is missing"
    return "" if entry.size == copy.size else f"{copy.path} has {entry.size} bytes instead of {copy.size}"


def _complaint(store: Store, copy: Copy, progress: Progress) -> str:
    """What is wrong with the copy, every byte of it read; empty when nothing is."""
    wrong = _presence(store, copy)
    if wrong:
        return wrong
    found = digests_of(_told(stored_pieces(store, copy.path), copy.size or 0, progress), ["sha256"])["sha256"]
    return "" if found == copy.sha256 else f"{copy.path} has SHA-256 {found} instead of {copy.sha256}"


def _told(pieces: Iterator[bytes], total: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        done += len(piece)
        progress(done, total)
        yield piece
