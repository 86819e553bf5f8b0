"""Aliases: stable names for the newest, as links where the store has them, and in `aliases.json` everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal

from isomanager.errors import StoreError
from isomanager.inventory.searching import CopySearch
from isomanager.library.leasing import leased
from isomanager.library.opening import Library
from isomanager.model import Copy, CopyState, Selector, Title
from isomanager.planning.aliasing import alias_reasons, aliased
from isomanager.planning.verdicts import Reason
from isomanager.planning.wanting import Scope, scope
from isomanager.storage.contract import Links, Store
from isomanager.storage.index import ALIASES, read_index, write_if_new
from isomanager.storage.layout import PathDefaults, TakenPaths, plan_path
from isomanager.version import Version

SCHEMA_VERSION = 1


def chosen_aliases(library: Library, copies: Sequence[Copy]) -> Mapping[tuple[Scope, str], Copy]:
    """What the aliases of one repository stand for, given its copies."""

    def in_channel(channel: Literal["stable", "lts"], title: Title) -> bool:
        return library.fits(_selector(channel, *scope(title)), title)

    def series_of(title: Title) -> tuple[object, ...]:
        product = library.product_of(title)
        return tuple(title.version.pieces[: product.version.series if product else 1])

    return aliased(copies, library.settings.aliases, in_channel, series_of)


@lru_cache(maxsize=4096)
def _selector(channel: str, product: str, flavor: str, architecture: str, language: str, edition: str) -> Selector:
    return Selector(
        product=product,
        flavor=flavor,
        channel=channel,
        architectures=(architecture,),
        languages=(language,) if language else (),
        editions=(edition,) if edition else (),
    )


def reasons_of_aliases(library: Library, copies: Sequence[Copy]) -> dict[str, tuple[Reason, ...]]:
    """Why copies stay that aliases stand for, over all repositories."""
    repositories = dict.fromkeys(copy.repository for copy in copies)
    told: dict[str, tuple[Reason, ...]] = {}
    for name in repositories:
        told |= alias_reasons(chosen_aliases(library, [one for one in copies if one.repository == name]))
    return told


def point_aliases(library: Library, repository: str) -> tuple[str, ...]:
    """Let every alias of the repository stand for what it should, each switched in one step; the paths that changed.

    Links come before `aliases.json` speaks of them, and go before it forgets them.
    """
    store = library.store(repository)
    with leased(library, f"aliases:{repository}"):
        wanted = _wanted(library, repository)
        document, etag = read_index(store, ALIASES)
        before = _known(document)
        changed = _link(store, {path: copy for path, (_, copy) in wanted.items()}, before)
        if wanted or before:
            told = {path: _told(name, copy) for path, (name, copy) in wanted.items()}
            data = json.dumps({"schema_version": SCHEMA_VERSION, "aliases": told}, indent=2, ensure_ascii=False) + "\n"
            changed += [path for path in [write_if_new(store, ALIASES, data.encode(), document, etag)] if path]
    return tuple(changed)


def _wanted(library: Library, repository: str) -> dict[str, tuple[str, Copy]]:
    """Each alias by its path: what it is called, and what it stands for. Of the copies those of one product are in memory at once,
    and of the others what they are called."""
    if not library.settings.aliases:
        return {}
    held = CopySearch(repositories=(repository,), states=(CopyState.HELD,), order="name")
    chosen: dict[tuple[Scope, str], Copy] = {}
    taken = TakenPaths()
    for _, copies in groupby(library.inventory.search(held), lambda one: one.title.product):
        of_product = tuple(copies)
        chosen |= chosen_aliases(library, of_product)
        for copy in of_product:
            taken.add(copy.path)
    return _placed(library, chosen, taken)


def _placed(
    library: Library, chosen: Mapping[tuple[Scope, str], Copy], taken: TakenPaths
) -> dict[str, tuple[str, Copy]]:
    """Where each alias stands: as the default layout has it, with the alias in place of the version, whatever layout images have:
    the address never changes."""
    placed: dict[str, tuple[str, Copy]] = {}
    for (_, name), copy in sorted(chosen.items(), key=lambda one: (one[0][1], one[0][0])):
        title, product = copy.title, library.product_of(copy.title)
        path = plan_path(
            title.model_copy(update={"version": Version(name)}),
            copy.path.rpartition("/")[2],
            taken=taken,
            product_name=product.name if product else title.product,
            now=copy.created_at,
            defaults=PathDefaults(languages=("", product.default_language)) if product else PathDefaults(),
        )
        taken.add(path)
        placed[path] = (name, copy)
    return placed


def _known(document: bytes | None) -> tuple[str, ...]:
    """The aliases that were written down before; none of a document that is no such."""
    try:
        read: Any = json.loads(document or b"{}")
    except ValueError:
        return ()
    aliases = read.get("aliases") if isinstance(read, dict) else None
    return tuple(aliases) if isinstance(aliases, dict) else ()


def _link(store: Store, wanted: Mapping[str, Copy], before: Sequence[str]) -> list[str]:
    if not isinstance(store, Links) or not store.traits.symbolic_links:
        return []
    changed = []
    for path in before:
        if path not in wanted and store.points_to(path) is not None:
            store.unpoint(path)
            changed.append(path)
    for path, copy in wanted.items():
        if store.points_to(path) != copy.path:
            try:
                store.point(path, copy.path)
            except StoreError as wrong:
                if wrong.code not in ("name-taken", "no-links"):
                    raise
            else:
                changed.append(path)
    return changed


def _told(name: str, copy: Copy) -> dict[str, object]:
    return {
        "alias": name,
        "image": str(copy.title),
        "path": copy.path,
        "size": copy.size,
        "sha256": copy.sha256,
        "assurance": copy.assurance.value,
    }
