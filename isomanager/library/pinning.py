"""Pin, hold, release, freeze: what a person says must stay, and what keeps a copy besides subscriptions."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from isomanager.errors import PermanentError, UsageError
from isomanager.inventory.filter_words import moment
from isomanager.inventory.searching import CopySearch
from isomanager.library.checking import CHECKED, copies_called
from isomanager.library.opening import Library
from isomanager.model import Copy, CopyState, Pin, Selector, Title
from isomanager.planning.deciding import HeldBack
from isomanager.planning.pinning import covers, held_back, reasons_to_stay
from isomanager.planning.verdicts import Reason


def pin(
    library: Library,
    name: str,
    kind: Literal["pin", "hold"],
    *,
    architectures: tuple[str, ...] = (),
    reason: str = "",
    until: datetime | None = None,
) -> tuple[Pin, ...]:
    """Pin or hold what a selector fits, now and later, or the images that a path, title or id names.

    UsageError when the name is neither a selector of a known product nor held.
    """
    word = {"kind": kind, "name": name, "reason": reason, "until": until, "created_at": library.now()}
    try:
        selector = library.canonical(Selector.parse(name, architectures=architectures))
        wanted = [Pin.model_validate({"id": secrets.token_hex(4), "selector": selector, **word})]
    except PermanentError as wrong:
        copies = copies_called(library, [name], CopySearch(states=tuple(CHECKED)))
        if not copies:
            raise UsageError(
                f"'{name}' is no selector, and nothing that is held is called so.", hint=wrong.hint
            ) from wrong
        wanted = [_on_image(copy, word) for copy in copies]
    return tuple(library.inventory.add_pin(one) for one in wanted)


def end_of(text: str, now: datetime) -> datetime | None:
    """When something ends: a date (2027-01-31), or a time from now (90d); None for an empty text. UsageError for what is over."""
    if not text.strip():
        return None
    found = moment(text, now)
    end = found if "-" in text else now + (now - found)  # what is an age elsewhere is here a time to come
    if end <= now:
        raise UsageError(f"'{text}' is over already.", hint="Give a date to come, or a time such as 90d.")
    return end


def _on_image(copy: Copy, word: Mapping[str, object]) -> Pin:
    covered = {"repository": copy.repository, "sha256": copy.sha256, "title": copy.title}
    return Pin.model_validate({"id": secrets.token_hex(4), **covered, **word})


def pin_image(library: Library, copy: Copy, reason: str) -> Pin:
    """Pin one image in its repository under its path."""
    return library.inventory.add_pin(
        _on_image(copy, {"kind": "pin", "name": copy.path, "reason": reason, "created_at": library.now()})
    )


def release(library: Library, name: str) -> tuple[Pin, ...]:
    """Release the pins and holds of that id or name, or on the images that a path names; UsageError when there is none."""
    copies = copies_called(library, [name], CopySearch(states=()))
    images = {(copy.repository, copy.sha256) for copy in copies}
    going = [
        one
        for one in library.inventory.pins()
        if name in (one.id, one.name, str(one.selector)) or (one.repository, one.sha256) in images
    ]
    if not going:
        raise UsageError(f"Nothing is pinned or held as '{name}'.", hint="`isomanager pins` lists what is.")
    return tuple(one for one in going if library.inventory.remove_pin(one.id))


def fits(library: Library, pin: Pin, title: Title) -> bool:
    """Whether the pin's selector fits the title, by the product's own rules."""
    return pin.selector is not None and library.fits(pin.selector, title)


def covered(library: Library, pin: Pin, copies: Sequence[Copy]) -> tuple[Copy, ...]:
    """Those of `copies` that the pin speaks of."""
    return tuple(copy for copy in copies if covers(pin, copy, lambda one, title: fits(library, one, title)))


def protections(library: Library) -> dict[str, tuple[Reason, ...]]:
    """Why copies stay whatever subscriptions say, by their ids: pinned, on hold, or in use just now. No other copy is read."""
    told: dict[str, list[Reason]] = defaultdict(list)
    pins = library.inventory.pins()
    for copy in _pinned(library, pins):
        told[copy.id] += reasons_to_stay(copy, pins, lambda one, title: fits(library, one, title))
    for copy_id, owner in library.inventory.copies_in_use().items():
        told[copy_id].append(Reason("in-use", f"{owner} is working on it", "the end of that work"))
    return {copy_id: tuple(reasons) for copy_id, reasons in told.items() if reasons}


def _pinned(library: Library, pins: Sequence[Pin]) -> Iterator[Copy]:
    """The held copies that pins may speak of, each once: those of the products they select, and the images they name."""
    held, copies = {CopyState.HELD}, library.inventory.copies
    products = {pin.selector.product for pin in pins if pin.selector is not None}
    for product in products:
        yield from copies(product=product, states=held)
    images = {(pin.repository, pin.sha256) for pin in pins if pin.selector is None and pin.sha256}
    for repository, sha256 in images:
        yield from (one for one in copies(repository, sha256=sha256, states=held) if one.title.product not in products)


def holding(library: Library) -> HeldBack:
    """What says of an offered title why a person wants nothing fetched under it."""
    pins = library.inventory.pins()
    return lambda repository, title: held_back(
        repository, title, pins, lambda one, offered: fits(library, one, offered)
    )
