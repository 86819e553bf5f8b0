"""Forget: a repository that is to be known no longer. What the database says of it goes; no file anywhere is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from isomanager.errors import InventoryError
from isomanager.library.opening import DEFAULT, Library
from isomanager.model import Copy, CopyState, RepositoryRecord, Value

_THERE = frozenset(CopyState) - {CopyState.GONE}


class Removal(Value):
    """What forgetting a repository would do, or did. `copies` are those that the library has there, by state, the largest number
    first; `bytes` those that are held. `obstacles` are why it is refused, `remains` what stays where it is."""

    repository: str
    url: str
    copies: dict[str, int]
    bytes: int
    pins: int
    obstacles: tuple[str, ...]
    remains: str


def plan_removal(library: Library, name: str, *, forget_copies: bool = False) -> Removal:
    """What would be forgotten with the repository `name`, and what is in the way; its place is not looked at, and need not answer.

    InventoryError when there is none of that name.
    """
    record = library.inventory.repository(name)
    copies = library.inventory.copies(name, states=_THERE)
    obstacles = [*_users(library, name), *_at_work(library, copies)]
    if copies and not forget_copies:
        obstacles.append(f"{_count(copies)} there are known: bring them elsewhere, or let them be forgotten, too")
    return Removal(
        repository=name,
        url=record.url,
        copies=dict(Counter(one.state.value for one in copies).most_common()),
        bytes=sum(one.size or 0 for one in copies if one.state is CopyState.HELD),
        pins=sum(one.repository == name for one in library.inventory.pins()),
        obstacles=tuple(obstacles),
        remains=_remains(record, copies),
    )


def remove_repository(library: Library, name: str, *, forget_copies: bool = False) -> Removal:
    """Forget the repository, with the history of what was there and, if told so, with what is there; what was done.

    InventoryError(code="repository-in-use") with everything that is in the way; then nothing has changed.
    """
    planned = plan_removal(library, name, forget_copies=forget_copies)
    if planned.obstacles:
        raise InventoryError(
            f"The repository {name} is not forgotten: {'; '.join(planned.obstacles)}.",
            code="repository-in-use",
            hint=_hint(planned),
            repository=name,
        )
    for pin in library.inventory.pins():
        if pin.repository == name:
            library.inventory.remove_pin(pin.id)
    library.inventory.remove_repository(name, forget_copies=forget_copies)
    return planned


def _users(library: Library, name: str) -> Iterator[str]:
    if name == DEFAULT:
        yield "it is the one that the setting default_repository names"
    for one in library.inventory.subscriptions():
        if name in one.repositories or one.archive == name:
            yield f"the subscription {one.selector} names it"
    for site in library.inventory.sites():
        if name in site.repositories:
            yield f"the site {site.name} names it"


def _at_work(library: Library, copies: tuple[Copy, ...]) -> Iterator[str]:
    ids = {one.id for one in copies}
    for lease in library.inventory.leases():
        kind, _, rest = lease.key.partition(":")
        if lease.live and kind in ("copy", "reading") and rest.partition(":")[0] in ids:
            yield f"{lease.owner} is working there"
            return


def _hint(planned: Removal) -> str:
    if planned.copies and len(planned.obstacles) == 1:
        return (
            f"`isomanager sync {planned.repository} OTHER` brings them elsewhere; --forget-copies forgets them and leaves "
            "their files where they are."
        )
    return "Change what names it first; `isomanager repository remove NAME --dry-run` shows what is left."


def _remains(record: RepositoryRecord, copies: tuple[Copy, ...]) -> str:
    trashed = sum(one.state is CopyState.TRASHED for one in copies)
    trash = f" {trashed} of them wait in its trash, which nobody empties any more." if trashed else ""
    return (
        f"Every file in {record.url} stays, with receipts, indexes and whatever is unfinished.{trash} "
        f"`isomanager repository create` with that address makes it known again, and `isomanager repository rebuild "
        f"{record.name}` what it holds."
    )


def _count(copies: tuple[Copy, ...]) -> str:
    return f"{len(copies)} image{'s' if len(copies) > 1 else ''}"
