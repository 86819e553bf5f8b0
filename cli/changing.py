"""Commands that change things. What moves images runs the flow of the same name on a Prefect API.

Subscribing and creating the library only write intentions into the inventory: they need no flow.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    Accept,
    Architectures,
    Force,
    FromReceipt,
    Held,
    Json,
    OnlyRepositories,
    Target,
    Under,
    What,
    under_bytes,
)
from cli.output import FAILED, print_json, say
from cli.running import ask_in_terminal, flows, require_terminal, tell
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isomanager.library.choosing import Narrowing
    from isomanager.settings import Settings

verbosity = 0
"""How much the command line was told to say; set by the entry point before any command runs."""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would happen, and why.")]
Failed = Annotated[bool, typer.Option("--failed", help="Only what failed or was refused when it was last tried.")]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Ask upstream again about what it was asked a short while ago.")
]
Approve = Annotated[
    bool, typer.Option("--approve", help="Show the plan and its costs, and ask before anything is done.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("init")(init)
    app.command("update")(update)
    app.command("verify")(verify)
    app.command("prune")(prune)
    app.command("scrub")(scrub)


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
    steps = [partial(import_inventory, inventory)] if inventory is not None else []
    steps += [partial(scan, folder)] if folder else []
    failed = False
    with flows(verbosity, as_json=as_json) if len(steps) > 1 else nullcontext():  # one server for both
        for take_in in steps:
            try:
                take_in(as_json=as_json)
            except typer.Exit as ended:  # what the one could not take in keeps nothing from the other
                failed = failed or bool(ended.exit_code)
    if failed:
        raise typer.Exit(FAILED)


def _warn_of_environment(saved: str) -> None:
    from isomanager.settings import load_settings

    in_force = load_settings().default_repository
    if in_force != saved:
        say(f"isomanager: {saved} is saved, but ISOMANAGER_DEFAULT_REPOSITORY says {in_force}, which is stronger.")


def update(
    what: What = [],
    all_of_them: Annotated[bool, typer.Option("--all", help="Every subscription; the same as naming none.")] = False,
    force: Force = False,
    dry_run: DryRun = False,
    accept: Accept = False,
    arch: Architectures = [],
    under: Under = "",
    target: Target = "",
    failed: Failed = False,
    refresh: Refresh = False,
    approve: Approve = False,
    as_json: Json = False,
) -> None:
    """Fetch what the subscriptions ask for, prove it, publish it, and retire what it replaces."""
    if what and all_of_them:
        raise UsageError("Name what to update, or say --all, not both.")
    from isomanager.library.choosing import Narrowing

    if approve and not dry_run:
        require_terminal()
    smaller = under_bytes(under)
    _require_subscriptions(what, Narrowing(tuple(arch), smaller, target))
    with flows(verbosity, as_json=as_json) as run:
        from flows.approving import answering
        from flows.update import update as flow

        with answering(ask_in_terminal):
            report = run(
                lambda: flow(
                    what=what,
                    architectures=arch,
                    under=smaller,
                    target=target,
                    force=force,
                    dry_run=dry_run,
                    accept=accept,
                    refresh=refresh,
                    failed=failed,
                    approve=approve,
                )
            )
    tell(report, as_json=as_json, dry_run=dry_run)


def prune(what: What = [], dry_run: DryRun = False, as_json: Json = False) -> None:
    """Retire replaced versions to the trash, without fetching anything."""
    _require_subscriptions(what)
    with flows(verbosity, as_json=as_json) as run:
        from flows.prune import prune as flow

        report = run(lambda: flow(what=what, dry_run=dry_run))
    tell(report, as_json=as_json, dry_run=dry_run)


def scrub(
    budget: Annotated[
        str, typer.Option("--budget", metavar="SIZE", help="Read at most so much; 0: no limit.")
    ] = "50GiB",
    minutes: Annotated[
        float, typer.Option("--minutes", min=0, metavar="N", help="Begin no further image after so many; 0: no limit.")
    ] = 0,
    repository: OnlyRepositories = [],
    repair: Annotated[bool, typer.Option("--repair/--no-repair", help="Mend what fails.")] = True,
    as_json: Json = False,
) -> None:
    """Prove images again, those first that were not proved for longest. What fails is set aside, and mended."""
    with flows(verbosity, as_json=as_json) as run:
        from flows.scrub import scrub as flow

        report = run(lambda: flow(budget=budget, minutes=minutes, repositories=repository, repair=repair))
    tell(report, as_json=as_json)


def _require_subscriptions(what: Sequence[str], narrowing: Narrowing | None = None) -> None:
    """Refuse a name that fits nothing at once, before a server is started for it; say how to begin where nothing is."""
    from isomanager.library.choosing import chosen_subscriptions
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        if not chosen_subscriptions(library, what, narrowing):
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
