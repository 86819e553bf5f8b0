"""`isomanager list`: what is held, filtered, sorted, page by page; and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import filters
from cli.options import Architectures, Editions, Held, Json, Languages, OnlyRepositories
from cli.output import print_json, print_json_array, say
from cli.tables import print_facts, print_table, size

if TYPE_CHECKING:
    from isomanager.inventory.searching import CopySearch
    from isomanager.library.opening import Library
    from isomanager.model import Copy

BEGIN = "Add one with: isomanager subscribe ubuntu/server@lts"
PAGE = 1000
"""Rows of a table when nobody asks for another number: what goes on belongs into another program, as JSON."""

Metadata = Annotated[bool, typer.Option("--metadata", help="All that is known of each.")]
Stats = Annotated[bool, typer.Option("--stats", help="Count, sum, average, largest and smallest instead.")]


def list_copies(
    what: Held = [],
    repository: OnlyRepositories = [],
    flavor: filters.Flavors = [],
    version: filters.Versions = "",
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    assurance: filters.AtLeast = "",
    larger: filters.Larger = "",
    smaller: filters.Smaller = "",
    older: filters.OlderThan = "",
    newer: filters.NewerThan = "",
    unproved: filters.UnprovedFor = "",
    text: filters.Text = "",
    where: filters.Where = [],
    sort: filters.Sort = "path",
    reverse: filters.Reverse = False,
    limit: filters.Limit = None,
    offset: filters.Offset = 0,
    every: filters.Every = False,
    metadata: Metadata = False,
    eol: filters.Ending = False,
    stats: Stats = False,
    as_json: Json = False,
) -> None:
    """The images that are held."""
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    asked = {
        "repositories": tuple(repository), "flavors": tuple(flavor), "version": version, "architectures": tuple(arch),
        "languages": tuple(language), "editions": tuple(edition), "assurance": assurance, "min_size": larger, "text": text,
        "max_size": smaller, "order": sort, "descending": reverse, "offset": offset,
        "limit": (0 if as_json or stats else PAGE) if limit is None else limit,
    }  # fmt: skip
    times = {"added_before": older, "added_after": newer, "proved_before": unproved}
    with Library(load_settings()) as library:
        wanted = _search(library, asked, times, where, every)
        if eol:
            _print_ending(library, wanted, what, as_json)
        elif stats:
            _print_statistics(library, wanted, what, as_json)
        else:
            _print_copies(library, wanted, what, metadata, as_json)


def _print_ending(library: Library, wanted: CopySearch, names: list[str], as_json: bool) -> None:
    from isomanager.inventory.passing import copy_json
    from isomanager.library.support import ending

    every = wanted.model_copy(update={"limit": 0, "offset": 0})
    found_ending = ending(library, found(library, every, names))
    if as_json:
        print_json([copy_json(copy) | {"eol": end.isoformat()} for copy, end in found_ending])
        return
    today = library.now().date()
    rows = (
        (copy.title, f"{'ended' if end < today else 'ends'} {end}", size(copy.size), copy.repository, copy.path)
        for copy, end in found_ending
    )
    columns = ("image", "support", "size", "repository", "path")
    print_table(
        columns, rows, below=("path",), empty="Everything held whose support is known is supported for half a year."
    )


def _search(
    library: Library, asked: dict[str, Any], times: dict[str, str], where: list[str], every: bool
) -> CopySearch:
    from isomanager.inventory.filter_words import search_with
    from isomanager.model import CopyState

    states = {"states": tuple(CopyState)} if every else {}
    wanted = search_with(states | asked, where, times, library.now())
    for name in wanted.repositories:
        library.inventory.repository(name)
    products = tuple(_product_id(library, name) for name in wanted.products)
    return wanted.model_copy(update={"products": products})


def _product_id(library: Library, name: str) -> str:
    """The id of the product that is called so; a name the catalogue does not know may be that of a custom image."""
    from isomanager.errors import ResolveError

    try:
        return library.catalogue.product(name).id
    except ResolveError:
        return name


def _print_copies(library: Library, wanted: CopySearch, names: list[str], metadata: bool, as_json: bool) -> None:
    if as_json:
        print_json_array(_as_json(library, wanted, names, metadata))
    else:
        _print_page(library, wanted, names, metadata)


def _as_json(library: Library, wanted: CopySearch, names: list[str], metadata: bool) -> Iterator[dict[str, Any]]:
    from isomanager.inventory.passing import copy_json

    if names or metadata:
        yield from (copy_json(one, metadata=metadata) for one in found(library, wanted, names))
    else:
        yield from library.inventory.listed(wanted)


def found(library: Library, wanted: CopySearch, names: list[str]) -> Iterator[Copy]:
    """The copies that fit the search and one of `names`: families, products, selectors, titles, paths or ids.

    UsageError for names of which nothing is held and that nobody knows.
    """
    from isomanager.library.checking import copies_called

    plain = plain_names(library, names)
    if plain is not None:
        copies = library.inventory.search(wanted.model_copy(update={"named": plain}))
    else:
        all_of_them = wanted.model_copy(update={"limit": 0, "offset": 0})
        chosen = copies_called(library, names, all_of_them)
        copies = islice(chosen, wanted.offset, wanted.offset + wanted.limit if wanted.limit else None)
    anything = False
    for copy in copies:
        anything = True
        yield copy
    if names and not anything:
        _require_known(library, names)


def plain_names(library: Library, names: list[str]) -> tuple[str, ...] | None:
    """Families and product ids, when `names` are nothing else; None when some of them need the product's rules."""
    from isomanager.errors import ResolveError
    from isomanager.model import Family

    told = []
    for name in names:
        if name.lower() in list(Family):
            told.append(name.lower())
            continue
        try:
            told.append(library.catalogue.product(name).id)
        except ResolveError:
            return None
    return tuple(told)


def _require_known(library: Library, names: list[str]) -> None:
    """A family or product of which nothing is held is an answer; a name that nobody knows is a mistake."""
    from isomanager.catalogue.naming import meant
    from isomanager.errors import ResolveError, UsageError
    from isomanager.model import Family, Selector

    for name in names:
        if name.lower() in list(Family):
            continue
        try:
            meant(library.catalogue, Selector.parse(name))
        except ResolveError as wrong:
            raise UsageError(f"Nothing that is held is called '{name}', and no product is.", hint=wrong.hint) from wrong


def _print_page(library: Library, wanted: CopySearch, names: list[str], metadata: bool) -> None:
    more = wanted.model_copy(update={"limit": wanted.limit + 1 if wanted.limit else 0})
    page = list(found(library, more, names))
    shown = page[: wanted.limit] if wanted.limit else page
    if metadata:
        _print_metadata(shown)
    else:
        nothing = "Nothing that is held fits."
        if not names and wanted == type(wanted)(limit=wanted.limit):
            nothing = f"Nothing is held yet. {BEGIN}"
        elif names:
            nothing = f"Nothing of {' '.join(names)} is held."
        columns = ("image", "size", "assurance", "state", "proved", "repository", "path")
        print_table(columns, map(_row, shown), below=("path",), empty=nothing)
    if len(page) > len(shown):
        say(f"There is more: --offset {wanted.offset + len(shown)} goes on, --limit 0 shows all, --json gives all.")


def _row(copy: Copy) -> tuple[object, ...]:
    proved = f"{copy.proved_at:%Y-%m-%d}" if copy.proved_at else ""
    return (copy.title, size(copy.size), copy.assurance, copy.state, proved, copy.repository, copy.path)


def _print_metadata(copies: Iterable[Copy]) -> None:
    from isomanager.inventory.passing import copy_json

    for place, copy in enumerate(copies):
        if place:
            print()
        told = copy_json(copy, metadata=True)
        told |= {"image": copy.title, "size": size(copy.size), "version": told["version"]["text"]}
        digests, notes = told.pop("digests"), told.pop("metadata")
        first = {name: told.pop(name) for name in ("image", "path")}
        facts = {**first, **told, **digests, **notes}
        print_facts((name, value) for name, value in facts.items() if value not in (None, ""))


def _print_statistics(library: Library, wanted: CopySearch, names: list[str], as_json: bool) -> None:
    plain = plain_names(library, names)
    if plain is None:
        from isomanager.errors import UsageError

        raise UsageError(
            "--stats counts families and products.", hint="Name those, and filter by --version, --flavor ..."
        )
    named = wanted.model_copy(update={"named": plain})
    told = library.inventory.statistics(named)
    families = library.inventory.shares(named, "family")
    if as_json:
        print_json(told.model_dump() | {"families": [one.model_dump() for one in families]})
        return
    facts = [(name, size(getattr(told, name))) for name in ("total", "average", "largest", "smallest")]
    print_facts([("count", told.count), *facts])
    if families:
        print()
        print_table(("family", "images", "size"), [(one.value, one.count, size(one.total)) for one in families])
