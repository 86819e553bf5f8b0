"""Commands that change things. What moves images runs the flow of the same name on a Prefect API.

Subscribing and creating the library only write intentions into the inventory: they need no flow.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    Accept,
    Architectures,
    Editions,
    Force,
    FromReceipt,
    Held,
    Json,
    Languages,
    Repositories,
    SelectorText,
    What,
)
from cli.output import print_json, say
from cli.running import flows, tell
from isomanager.errors import UsageError
from isomanager.model import Assurance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isomanager.model import Subscription
    from isomanager.settings import Settings

verbosity = 0
"""How much the command line was told to say; set by the entry point before any command runs."""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would happen, and why.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("init")(init)
    app.command("subscribe")(subscribe)
    app.command("unsubscribe")(unsubscribe)
    app.command("update")(update)
    app.command("verify")(verify)
    app.command("prune")(prune)


def init(
    repository: Annotated[
        str,
        typer.Option("--repository", "-r", metavar="PLACE", help="Folder or address for images; else the setting's."),
    ] = "",
    scan: Annotated[
        str, typer.Option("--scan", metavar="FOLDER", help="Then take in the images of this folder, as `scan` does.")
    ] = "",
    import_: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Then take in what this inventory lists.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create the library: its database and the repository for images. Safe to run again."""
    from cli.inspecting import public_database
    from cli.tables import size
    from isomanager.library.opening import DEFAULT, Library
    from isomanager.library.repositories import require_usable
    from isomanager.settings import absolute_address, load_settings, save_setting
    from isomanager.storage.addresses import refuse_password

    settings: Settings = load_settings()
    if repository:
        refuse_password(repository)
        settings = settings.model_copy(update={"default_repository": absolute_address(repository)})
    with Library(settings) as library:
        record = library.inventory.repository(DEFAULT)
        free = require_usable(library.store(DEFAULT), library.now).free
    if repository:
        save_setting("default_repository", settings.default_repository)
        _warn_of_environment(settings.default_repository)
    database = public_database(settings.database)
    if scan or import_ is not None:
        _take_in(scan, import_, as_json)
        return
    if as_json:
        told = {"repository": record.url, "layout": record.layout, "database": database, "free": free}
        print_json(told)
        return
    room = "" if free is None else f" ({size(free)} free)"
    print(f"Repository: {record.url}{room}\nDatabase:   {database}")
    print("Next: isomanager subscribe ubuntu/server@lts, then isomanager update")


def _take_in(folder: str, inventory: Path | None, as_json: bool) -> None:
    """What is there already becomes the library's beginning; both commands say what became of each image."""
    from cli.exchanging import import_ as import_inventory
    from cli.scanning import scan

    if folder and inventory is not None and as_json:
        raise UsageError(
            "--scan and --import each answer with a JSON document of their own.", hint="Run one after the other."
        )
    if inventory is not None:
        import_inventory(inventory, as_json=as_json)
    if folder:
        scan(folder, as_json=as_json)


def _warn_of_environment(saved: str) -> None:
    from isomanager.settings import load_settings

    in_force = load_settings().default_repository
    if in_force != saved:
        say(f"isomanager: {saved} is saved, but ISOMANAGER_DEFAULT_REPOSITORY says {in_force}, which is stronger.")


def subscribe(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Repositories = [],
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="How many versions to keep.")] = 1,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=0, metavar="DAYS", help="Also keep what was proved in so many days.")
    ] = 0,
    old: Annotated[
        str, typer.Option("--old", metavar="WHAT", help="What happens to replaced versions: trash or keep.")
    ] = "trash",
    floor: Annotated[
        Assurance,
        typer.Option(
            "--floor", metavar="ASSURANCE", help="Publish nothing proved less: signed, pinned, published, ..."
        ),
    ] = Assurance.PUBLISHED,
    as_json: Json = False,
) -> None:
    """Keep what fits a selector up to date from now on."""
    from isomanager.library.opening import Library
    from isomanager.library.subscribing import best_assurance, out_of_reach
    from isomanager.library.subscribing import subscribe as subscribe_to
    from isomanager.model import Keep, Selector
    from isomanager.settings import load_settings

    if old not in ("trash", "keep"):
        raise UsageError(f"--old is '{old}'; it is trash or keep.")
    asked = Selector.parse(selector, architectures=tuple(arch), languages=tuple(language), editions=tuple(edition))
    with Library(load_settings()) as library:
        kept = subscribe_to(
            library,
            asked,
            repositories=tuple(repository),
            keep=Keep(last=keep, days=keep_days),
            old="keep" if old == "keep" else "trash",
            floor=floor,
        )
        best, warning = best_assurance(library, kept), out_of_reach(library, kept)
    _tell_subscribed(kept, best, warning, as_json=as_json)


def _tell_subscribed(kept: Subscription, best: Assurance | None, warning: str, *, as_json: bool) -> None:
    if as_json:
        told = {"text": str(kept.selector), "reachable": best, "warning": warning or None}
        print_json(kept.model_dump(mode="json") | told)
        return
    wanted, places = ", ".join(kept.selector.architectures), ", ".join(kept.repositories)
    print(f"Subscribed to {kept.selector} ({wanted}) in {places}.")
    if warning:
        say(f"But {warning}")
    else:
        print("Next: isomanager plan shows what that means, isomanager update does it.")


def unsubscribe(
    subscription: Annotated[str, typer.Argument(metavar="NAME", help="The subscription's id, selector or product.")],
    as_json: Json = False,
) -> None:
    """Stop keeping something up to date. What is held stays."""
    from isomanager.library.opening import Library
    from isomanager.library.planning_updates import chosen_subscriptions
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        chosen = chosen_subscriptions(library, [subscription])
        if not chosen:
            raise UsageError(f"No subscription fits '{subscription}'.", hint="`isomanager subscriptions` lists them.")
        removed = [library.inventory.remove_subscription(one.id) for one in chosen]
    if as_json:
        print_json([one.model_dump(mode="json") | {"text": str(one.selector)} for one in removed])
    else:
        print("\n".join(f"No longer subscribed to {one.selector}; what is held stays." for one in removed))


def update(
    what: What = [],
    all_of_them: Annotated[bool, typer.Option("--all", help="Every subscription; the same as naming none.")] = False,
    force: Force = False,
    dry_run: DryRun = False,
    accept: Accept = False,
    as_json: Json = False,
) -> None:
    """Fetch what the subscriptions ask for, prove it, publish it, and retire what it replaces."""
    if what and all_of_them:
        raise UsageError("Name what to update, or say --all, not both.")
    _require_subscriptions(what)
    with flows(verbosity, as_json=as_json) as run:
        from flows.update import update as flow

        report = run(lambda: flow(what=what, force=force, dry_run=dry_run, accept=accept))
    tell(report, as_json=as_json, dry_run=dry_run)


def prune(what: What = [], dry_run: DryRun = False, as_json: Json = False) -> None:
    """Retire replaced versions to the trash, without fetching anything."""
    _require_subscriptions(what)
    with flows(verbosity, as_json=as_json) as run:
        from flows.prune import prune as flow

        report = run(lambda: flow(what=what, dry_run=dry_run))
    tell(report, as_json=as_json, dry_run=dry_run)


def _require_subscriptions(what: Sequence[str]) -> None:
    """Refuse a name that fits nothing at once, before a server is started for it; say how to begin where nothing is."""
    from isomanager.library.opening import Library
    from isomanager.library.planning_updates import chosen_subscriptions
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        if not chosen_subscriptions(library, what):
            say("There are no subscriptions yet. Add one with: isomanager subscribe ubuntu/server@lts")


def verify(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME]...", help="Files; or families, products, titles and paths held; none: all held."
        ),
    ] = [],
    expected: Annotated[str, typer.Option("--expected", metavar="HEX", help="The digest a file must have.")] = "",
    algorithm: Annotated[
        str, typer.Option("--algorithm", metavar="NAME", help="Of a file's digest: SHA256, SHA512, SHA1, MD5, ...")
    ] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Look at presence and size only, read no bytes.")] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Make held images that fail whole again, fetching only their bad parts if possible."
        ),
    ] = False,
    from_receipt: FromReceipt = False,
    as_json: Json = False,
) -> None:
    """Prove images again: those of the library, any file against a digest, or offline from its receipt."""
    if from_receipt:
        from cli.fetching import verify_from_receipts

        if expected or algorithm or quick or repair:
            raise UsageError("--from-receipt reads the bytes and says itself which digests they must have.")
        verify_from_receipts([Path(name) for name in what], as_json=as_json)
        return
    files = [Path(name) for name in what if Path(name).is_file()]
    if files and len(files) == len(what) and not repair:
        from cli.fetching import verify_files

        verify_files(files, expected, algorithm, quick=quick, as_json=as_json)
        return
    if expected or algorithm:
        named = " ".join(name for name in what if not Path(name).is_file())
        raise UsageError(f"--expected and --algorithm are for files; {named or 'nothing'} is none.")
    _require_held(what)
    with flows(verbosity, as_json=as_json) as run:
        from flows.verify import verify as flow

        report = run(lambda: flow(what=what, quick=quick, repair=repair))
    tell(report, as_json=as_json)


def _require_held(what: Held) -> None:
    """Refuse a name that is neither a file nor held at once, before a server is started for it."""
    from isomanager.library.checking import held_copies
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        held_copies(library, what)
