"""The quarantine as people see it: what was refused, why, and trying it again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from isomanager.errors import PermanentError, UsageError
from isomanager.library.opening import Library
from isomanager.model import Quarantined, Selector


def refusal_id(refused: Quarantined) -> str:
    """A short name for a refusal, the same every time."""
    return hashlib.sha256(f"{refused.fingerprint} {refused.title}".encode()).hexdigest()[:8]


def refusals(library: Library, names: Sequence[str] = ()) -> tuple[Quarantined, ...]:
    """What was refused and is called so: by id, family, product, title or selector; everything when nothing is named.

    UsageError when nothing fits.
    """
    every = library.inventory.quarantined()
    if not names:
        return every
    chosen = tuple(one for one in every if any(_is_called(library, one, name) for name in names))
    if not chosen:
        raise UsageError(
            f"Nothing in the quarantine is called {' or '.join(names)}.", hint="`isomanager quarantine list` shows it."
        )
    return chosen


def _is_called(library: Library, refused: Quarantined, name: str) -> bool:
    title = refused.title
    if name.lower() in {refusal_id(refused), title.family.value, title.product, str(title).lower()}:
        return True
    try:
        return library.fits(library.canonical(Selector.parse(name)), title)
    except PermanentError:  # an id or a title is no selector
        return False


def release(library: Library, names: Sequence[str]) -> tuple[Quarantined, ...]:
    """Forget these refusals: the next update fetches and judges them again."""
    return tuple(
        one for one in refusals(library, names) if library.inventory.release_quarantined(one.fingerprint, one.title)
    )
