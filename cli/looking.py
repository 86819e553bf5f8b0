"""Commands that only look: what is held, where it is, what is wanted, what an update would do. None of them needs Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.identifying import description_facts
from cli.listing import BEGIN, list_copies
from cli.options import (
    Architectures,
    Editions,
    Json,
    Languages,
    SelectorText,
    Target,
    Under,
    Variables,
    What,
    under_bytes,
)
from cli.output import FAILED, print_json, say
from cli.reports import print_plan
from cli.running import plan_json
from cli.tables import print_facts, print_table, size

if TYPE_CHECKING:
    from isomanager.library.opening import Library


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("list")(list_copies)
    app.command("show")(show)
    app.command("path")(path)
    app.command("subscriptions")(subscriptions)
    app.command("plan")(plan)


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A title, selector, product, path or id.")],
    as_json: Json = False,
) -> None:
    """Everything that is known of a held image: digests, how it is trusted, who signed what, where it came from, what that does
    not prove, what it says of itself."""
    from isomanager.library.checking import held_copies
    from isomanager.library.describing import describe
    from isomanager.trust.explaining import explain

    with _library() as library:
        copies = held_copies(library, [name])
        told = [(copy, library.inventory.receipts(copy.sha256 or ""), describe(library, copy)) for copy in copies]
    if as_json:
        from isomanager.inventory.passing import copy_json

        print_json(
            [
                {
                    **copy_json(copy),
                    "digests": copy.digests,
                    "notes": copy.metadata,
                    "receipts": [one.model_dump(mode="json") for one in receipts],
                    "trust": [[f"{word}: {said}" for word, said in explain(one)] for one in receipts],
                    "metadata": description.as_json() if description else None,
                }
                for copy, receipts, description in told
            ]
        )
        return
    for place, (copy, receipts, description) in enumerate(told):
        if place:
            print()
        rows: list[tuple[str, object]] = [
            ("image", copy.title),
            ("repository", copy.repository),
            ("path", copy.path),
            ("size", size(copy.size)),
        ]
        rows += [("state", copy.state), ("assurance", copy.assurance), *sorted(copy.digests.items())]
        rows += sorted(copy.metadata.items())
        for receipt in receipts:
            rows += explain(receipt)
        print_facts([*rows, *description_facts(description)])


def path(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    variables: Variables = "",
    as_json: Json = False,
) -> None:
    """Where the newest held image that fits a selector is. Looks only; exit code 1 when there is none."""
    from isomanager.library.finding import location, newest_held
    from isomanager.model import Selector

    asked = Selector.parse(selector, architectures=tuple(arch), languages=tuple(language), editions=tuple(edition))
    with _library() as library:
        copy = newest_held(library, asked)
        place = location(library, copy) if copy else ""
    if copy is None:
        told = f"Nothing that is held fits {asked}."
        if as_json:
            print_json({"error": "not-held", "message": told})
        else:
            say(f"isomanager: {told} `isomanager download {selector}` fetches it.")
        raise typer.Exit(FAILED)
    if variables:
        from isomanager.inventory.report.variables import variables_of, write_variables

        print(write_variables(variables_of(copy, place), variables), end="")
    elif as_json:
        from isomanager.inventory.passing import copy_json

        print_json({**copy_json(copy), "location": place})
    else:
        print(place)


def subscriptions(as_json: Json = False) -> None:
    """What the library is to hold."""
    from isomanager.planning.keeping import policy_told

    with _library() as library:
        found = library.inventory.subscriptions()
    if as_json:
        print_json([one.model_dump(mode="json") | {"text": str(one.selector)} for one in found])
        return
    columns = ("id", "selector", "architectures", "repositories", "keep", "floor", "called for by")
    rows = (
        (
            one.id,
            one.selector,
            ", ".join(one.selector.architectures),
            ", ".join(one.repositories),
            policy_told(one.keep) if one.old != "keep" else "every version",
            one.floor,
            ", ".join([*(f"tag:{tag}" for tag in one.tags), *([f"group:{one.group}"] if one.group else [])]),
        )
        for one in found
    )
    print_table(columns, rows, below=("keep", "called for by"), empty=f"No subscriptions yet. {BEGIN}")


def plan(
    what: What = [],
    arch: Architectures = [],
    under: Under = "",
    target: Target = "",
    as_json: Json = False,
) -> None:
    """What an update would do now, and why. Asks upstream, changes nothing."""
    from isomanager.library.choosing import Narrowing, by_product, chosen_subscriptions
    from isomanager.library.costing import costs_for
    from isomanager.library.planning_updates import make_plan
    from isomanager.library.resolving import resolve_all, resolve_patiently

    with _library() as library:
        chosen = chosen_subscriptions(library, what, Narrowing(tuple(arch), under_bytes(under), target))
        wants = resolve_all(library, by_product(chosen), resolve_patiently)
        made = make_plan(library, wants)
        costs = costs_for(library, made)
    if as_json:
        print_json(plan_json(made, costs))
    elif chosen:
        print_plan(made, costs)
    else:
        print(f"Nothing to do: there are no subscriptions yet. {BEGIN}")
