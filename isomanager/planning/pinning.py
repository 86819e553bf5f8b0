"""What pins and holds cover, and what they say of a copy. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from isomanager.model import Copy, Pin, Title
from isomanager.planning.verdicts import Reason
from isomanager.planning.wanting import scope

Fits = Callable[[Pin, Title], bool]
"""Whether the selector of a pin fits a title, by the product's own rules."""


def covers(pin: Pin, copy: Copy, fits: Fits) -> bool:
    """Whether the pin speaks of this copy."""
    if pin.selector is not None:
        return fits(pin, copy.title)
    return (pin.repository, pin.sha256) == (copy.repository, copy.sha256)


def reasons_to_stay(copy: Copy, pins: Iterable[Pin], fits: Fits) -> tuple[Reason, ...]:
    """A reason for each pin and hold that covers the copy."""
    return tuple(_reason(pin) for pin in pins if covers(pin, copy, fits))


def held_back(repository: str, title: Title, pins: Iterable[Pin], fits: Fits) -> str | None:
    """Why nothing is fetched under this title: the hold on it, or on the image in whose place it would come; None if none is."""
    for pin in pins:
        if pin.kind == "hold" and _is_in_the_place_of(pin, repository, title, fits):
            return f"{_told(pin)}: {title.version} is not fetched until `isomanager release {pin.name}`"
    return None


def _is_in_the_place_of(pin: Pin, repository: str, title: Title, fits: Fits) -> bool:
    if pin.selector is not None:
        return fits(pin, title)
    return pin.title is not None and pin.repository == repository and scope(pin.title) == scope(title)


def _reason(pin: Pin) -> Reason:
    ends = f"; it ends on {pin.until:%Y-%m-%d}" if pin.until else ""
    return Reason(
        f"{pin.kind}ned" if pin.kind == "pin" else "held", _told(pin), f"`isomanager release {pin.name}`{ends}"
    )


def _told(pin: Pin) -> str:
    said = {"pin": "pinned", "hold": "on hold"}[pin.kind]
    return f"{said} as {pin.name}{f' ({pin.reason})' if pin.reason else ''}"
