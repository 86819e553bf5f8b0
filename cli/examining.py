"""`isomanager catalogue check`: every step of one product, or the health of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from cli.output import FAILED, print_json, say
from cli.tables import print_facts, print_table, size

if TYPE_CHECKING:
    from isomanager.catalogue.tracing import Exchange, Look
    from isomanager.library.health import Health
    from isomanager.library.opening import Library
    from isomanager.library.surveying import Examination
    from isomanager.model import Selector


def check(what: list[str], *, as_json: bool) -> None:
    """Print the steps of the one product that is named, else a line for each. Exit code 1 when one is broken."""
    from isomanager.library.opening import Library
    from isomanager.library.surveying import survey
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        only = _only_product(library, what)
        if only is not None:
            check_one(library, only, as_json=as_json)
            return
        if not as_json:
            say("Asking the vendors ...")
        found = survey(library, what)
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        print_health(found)
    if any(one.state == "broken" for one in found):
        raise typer.Exit(FAILED)


def _only_product(library: Library, what: Sequence[str]) -> Selector | None:
    """The selector that is meant when one product is named; None for several names, a family, or everything."""
    from isomanager.catalogue.naming import meant
    from isomanager.errors import UsageError
    from isomanager.model import Family, Selector

    if len(what) != 1 or what[0].lower() in list(Family):
        return None
    try:
        selector = Selector.parse(what[0])
    except UsageError:
        return None
    return meant(library.catalogue, selector)[1]


def check_one(library: Library, selector: Selector, *, as_json: bool) -> None:
    """Every step of one product; exit code 1 when it is broken."""
    from isomanager.library.surveying import examine

    found = examine(library, selector)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_examination(found)
    if found.health.state == "broken":
        raise typer.Exit(FAILED)


def print_health(found: Sequence[Health]) -> None:
    """A line for each product."""
    columns = ("product", "state", "newest", "assurance", "status", "last good", "why")
    rows = (
        (one.product, one.state, one.version, one.assurance, one.status, _last_good(one), one.reason) for one in found
    )
    print_table(columns, rows, below=("why",))


def _last_good(one: Health) -> str:
    from isomanager.library.knowing import age_told

    if one.good_at is None or one.checked_at is None:
        return "never"
    return f"{one.good_version}, {age_told(one.good_at, one.checked_at)}"


def print_examination(found: Examination) -> None:
    """The steps in their order: asked for, seen, chosen, proved."""
    health = found.health
    print_table(
        ("asked", "answer", "size", "seconds", "address"), map(_exchange_row, found.exchanges), below=("address",)
    )
    for look in found.looks:
        print()
        print_facts(_look_facts(look))
    print()
    facts = [
        ("product", f"{health.product} ({found.selector})"),
        ("status", health.status if health.status == "confirmed" else f"{health.status}: {found.facts}"),
        ("version", health.version),
        ("file", health.filename),
        ("size", size(found.size) if health.filename else ""),
        *(("address", url) for url in found.urls),
        ("checksum", found.checksum),
        ("signature", found.signature),
        *sorted(found.digests.items()),
        ("assurance", health.assurance),
        *(("why", reason) for reason in found.reasons or (health.reason,)),
        ("state", health.state + (f" ({health.code})" if health.code else "")),
        ("last good", _last_good(health) if health.state != "ok" else ""),
    ]
    print_facts((name, value) for name, value in facts if value)


def _exchange_row(one: Exchange) -> tuple[str, ...]:
    answer = "unchanged (304)" if one.cached else str(one.status or "none")
    target = f" -> {one.final_url}" if one.final_url not in ("", one.url) else ""
    trouble = f": {one.error}" if one.error else ""
    counted = size(one.bytes) if not one.error else ""
    return one.method, answer, counted, f"{one.seconds:.2f}", f"{one.url}{target}{trouble}"


def _look_facts(look: Look) -> Iterator[tuple[str, object]]:
    yield "document", look.document or "(no document)"
    yield "entry", f"{look.entry}, {look.strategy}"
    yield "candidates", f"{look.candidates}, of which {look.fitting} fit: {', '.join(look.versions) or 'none'}"
    if look.chosen:
        yield "choice", look.chosen
    yield "why", look.why
