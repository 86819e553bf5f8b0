"""Declare: make the library hold just the repositories, sources, sites and subscriptions that a file names."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from isomanager.errors import IsoManagerError, UsageError
from isomanager.library.library_file import Declared, plain_fields, subscription_fields
from isomanager.library.opening import DEFAULT, Library
from isomanager.library.repositories import add_repository
from isomanager.library.sites import add_site
from isomanager.library.sourcing import add_source
from isomanager.library.subscribing import word
from isomanager.model import CopyState, RepositoryRecord, Site, SourceRecord, Subscription
from isomanager.planning.declaring import Change, Fields, Kind, plan_declared
from isomanager.settings import absolute_address


def there(library: Library) -> Declared:
    """What the library is now, as a file would declare it. The default repository is the settings' own."""
    inventory = library.inventory
    return Declared(
        repositories=tuple(one for one in inventory.repositories() if one.name != DEFAULT),
        sources=inventory.sources(),
        sites=inventory.sites(),
        subscriptions=tuple(sorted(inventory.subscriptions(), key=_called)),
    )


def plan_library(library: Library, declared: Declared) -> tuple[Change, ...]:
    """How the library differs from what is declared. UsageError for what is declared twice, or names what will not be there."""
    wanted = _settled(declared)
    now = there(library)
    _require_known(wanted, now)
    return plan_declared(_tables(wanted), _tables(now), _undeletable(library, wanted, now))


def _settled(declared: Declared) -> Declared:
    """The declaration with the addresses and words that would be kept."""
    repositories = declared.repositories and tuple(
        one.model_copy(update={"url": absolute_address(one.url)}) for one in declared.repositories
    )
    subscriptions = declared.subscriptions and tuple(
        one.model_copy(update={"tags": tuple(map(word, one.tags)), "group": word(one.group) if one.group else ""})
        for one in declared.subscriptions
    )
    return declared.model_copy(update={"repositories": repositories, "subscriptions": subscriptions})


def _require_known(wanted: Declared, now: Declared) -> None:
    repositories = now.repositories if wanted.repositories is None else wanted.repositories
    if any(one.name == DEFAULT for one in wanted.repositories or ()):
        raise UsageError(
            "The repository 'default' is named by the setting default_repository, not by a library file.",
            hint="Leave it out of the file.",
        )
    known = {DEFAULT, *(one.name for one in repositories or ())}
    users = [(f"the site {one.name}", one.repositories) for one in wanted.sites or ()]
    users += [(f"the subscription {one.selector}", one.repositories) for one in wanted.subscriptions or ()]
    for user, names in users:
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            raise UsageError(
                f"The repository '{missing}' that {user} names is not declared.",
                hint=f"There is {', '.join(sorted(known))}.",
            )


def _tables(declared: Declared) -> dict[Kind, dict[str, Fields]]:
    """Fields by name, by kind; UsageError for a name that stands twice."""
    named: dict[Kind, Sequence[RepositoryRecord | SourceRecord | Site] | None] = {
        "repository": declared.repositories,
        "source": declared.sources,
        "site": declared.sites,
    }
    tables: dict[Kind, dict[str, Fields]] = {
        kind: _once(kind, [(one.name, plain_fields(one)) for one in records])
        for kind, records in named.items()
        if records is not None
    }
    if declared.subscriptions is not None:
        told = [(_called(one), subscription_fields(one)) for one in declared.subscriptions]
        tables["subscription"] = _once("subscription", told)
    return tables


def _once(kind: Kind, named: Sequence[tuple[str, Fields]]) -> dict[str, Fields]:
    names = [name for name, _ in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"The {kind} {twice} is declared twice.", hint="Leave one out.")
    return dict(named)


def _called(subscription: Subscription) -> str:
    """What tells subscriptions apart: what they ask for, in whatever order."""
    selector = subscription.selector
    words = [*sorted(selector.architectures), *sorted(selector.languages), *sorted(selector.editions)]
    return " ".join([str(selector), *words])


def _undeletable(library: Library, wanted: Declared, now: Declared) -> Mapping[tuple[Kind, str], str]:
    """Why some of what is not declared has to stay."""
    found: dict[tuple[Kind, str], str] = {}
    gone = {one.name for one in now.repositories or ()} - {one.name for one in wanted.repositories or ()}
    for name in gone if wanted.repositories is not None else ():
        held = len(library.inventory.copies(name, states=frozenset(CopyState) - {CopyState.GONE}))
        if held:
            found["repository", name] = f"{held} images of the library are there: move or retire them first"
        elif wanted.subscriptions is None and any(name in one.repositories for one in now.subscriptions or ()):
            found["repository", name] = "subscriptions name it"
        elif wanted.sites is None and any(name in one.repositories for one in now.sites or ()):
            found["repository", name] = "sites name it"
    return found


def apply_library(library: Library, declared: Declared, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Carry the changes out, each for itself; what failed comes back as refused, with the error as its reason."""
    wanted = _settled(declared)
    return tuple(_applied(library, wanted, one) for one in changes)


def _applied(library: Library, wanted: Declared, change: Change) -> Change:
    try:
        if change.verb in ("add", "change"):
            _make(library, wanted, change)
        elif change.verb == "remove":
            _remove(library, change)
    except IsoManagerError as wrong:
        return change.model_copy(update={"verb": "refuse", "reason": str(wrong)})
    return change


def _make(library: Library, wanted: Declared, change: Change) -> None:
    if change.kind == "repository":
        record = _named(wanted.repositories, change.name)
        if change.verb == "add":
            add_repository(library, record.name, record.url, record.layout, record.description)
        else:
            _change_repository(library, record)
    elif change.kind == "source":
        source = _named(wanted.sources, change.name)
        if source.base:
            add_source(library, source.name, source.base, source.maps, source.priority)
        else:  # vendor or mirrors: only their place in the order is told
            library.inventory.add_source(source.model_copy(update={"created_at": library.now()}))
    elif change.kind == "site":
        site = _named(wanted.sites, change.name)
        if change.verb == "change":
            library.inventory.remove_site(site.name)
        add_site(library, site.name, site.repositories, site.description)
    else:
        found = next(one for one in wanted.subscriptions or () if _called(one) == change.name)
        library.inventory.add_subscription(found.model_copy(update={"id": secrets.token_hex(4)}))


def _change_repository(library: Library, record: RepositoryRecord) -> None:
    known = library.inventory.repository(record.name)
    if known.url != record.url and library.inventory.copies(
        record.name, states=frozenset(CopyState) - {CopyState.GONE}
    ):
        raise UsageError(
            f"The repository {record.name} is at {known.url}, with images in it; the file says {record.url}.",
            hint="Declare a new repository, and bring the images there with `isomanager sync`.",
        )
    if known.layout != record.layout:
        raise UsageError(
            f"The layout of {record.name} is {known.layout}, and the file says {record.layout}.",
            hint=f"Its images have to move: isomanager repository layout {record.name} {record.layout}",
        )
    library.inventory.update_repository(record)


def _remove(library: Library, change: Change) -> None:
    if change.kind == "subscription":
        found = next(one for one in library.inventory.subscriptions() if _called(one) == change.name)
        library.inventory.remove_subscription(found.id)
    elif change.kind == "site":
        library.inventory.remove_site(change.name)
    elif change.kind == "source":
        library.inventory.remove_source(change.name)
    else:
        library.inventory.remove_repository(change.name)


def _named(records: Any, name: str) -> Any:
    return next(one for one in records or () if one.name == name)
