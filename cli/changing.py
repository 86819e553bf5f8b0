"""Commands that change things. What moves images runs the flow of the same name on a Prefect API.

Subscribing and creating the library only write intentions into the inventory: they need no flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.looking import print_plan
from cli.options import Architectures, Editions, Force, Json, Languages, Repositories, SelectorText, What
from cli.output import FAILED, print_json, print_table, say, size
from isomanager.errors import UsageError
from isomanager.model import Assurance

if TYPE_CHECKING:
    from cli.running import Run
    from isomanager.library.outcomes import RunReport
    from isomanager.settings import Settings

verbosity = 0
"""How much the command line was told to say; set by the entry point before any command runs."""


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("init")(init)
    app.command("subscribe")(subscribe)
    app.command("unsubscribe")(unsubscribe)
    app.command("download")(download)
    app.command("update")(update)
    app.command("verify")(verify)
    app.command("prune")(prune)


def init(
    repository: Annotated[
        str, typer.Option("--repository", "-r", help="Where images are kept; the setting otherwise.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Create the library: database and default repository. Safe to run again."""
    from isomanager.library.opening import DEFAULT, Library
    from isomanager.settings import load_settings, save_setting

    if repository:
        save_setting("default_repository", str(Path(repository).expanduser().absolute()))
    settings = load_settings()
    with Library(settings) as library:
        record = library.inventory.repository(DEFAULT)
        space = library.store(DEFAULT).space()
    if as_json:
        print_json(
            {"repository": record.url, "layout": record.layout, "database": settings.database, "free": space.free}
        )
        return
    print(f"Repository: {record.url} ({size(space.free)} free)\nDatabase:   {settings.database}")
    print("Next: isomanager subscribe ubuntu/server@lts, then isomanager update")


def subscribe(
    selector: SelectorText,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Repositories = [],
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many versions to keep.")] = 1,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=0, help="Also keep what was proved in so many days.")
    ] = 0,
    old: Annotated[str, typer.Option("--old", help="What happens to replaced versions: trash or keep.")] = "trash",
    floor: Annotated[
        Assurance, typer.Option("--floor", help="Publish nothing that is proved less.")
    ] = Assurance.MIRROR,
    as_json: Json = False,
) -> None:
    """Keep what fits a selector up to date from now on."""
    from isomanager.library.opening import Library
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
    if as_json:
        print_json(kept.model_dump(mode="json"))
    else:
        print(
            f"Subscribed to {kept.selector} ({', '.join(kept.selector.architectures)}) in {', '.join(kept.repositories)}."
        )
        print("`isomanager plan` shows what that means, `isomanager update` does it.")


def unsubscribe(
    subscription: Annotated[str, typer.Argument(help="Its id or selector.")], as_json: Json = False
) -> None:
    """Stop keeping something up to date. What is held stays."""
    from isomanager.library.opening import Library
    from isomanager.library.planning_updates import chosen_subscriptions
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        removed = [
            library.inventory.remove_subscription(one.id) for one in chosen_subscriptions(library, [subscription])
        ]
    if as_json:
        print_json([one.model_dump(mode="json") for one in removed])
    else:
        print("\n".join(f"No longer subscribed to {one.selector}; what is held stays." for one in removed))


def update(
    what: What = [],
    all_of_them: Annotated[bool, typer.Option("--all", help="Every subscription; the same as naming none.")] = False,
    force: Force = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch what the subscriptions ask for, prove it, publish it, and retire what it replaces."""
    if what and all_of_them:
        raise UsageError("Name what to update, or say --all, not both.")
    with _flows(as_json) as run:
        from flows.update import update as flow

        report = run(lambda: flow(what=what, force=force, dry_run=dry_run))
    _tell(report, as_json, dry_run=dry_run)


def prune(
    what: What = [],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Retire replaced versions to the trash, without fetching anything."""
    with _flows(as_json) as run:
        from flows.prune import prune as flow

        report = run(lambda: flow(what=what, dry_run=dry_run))
    _tell(report, as_json, dry_run=dry_run)


def download(
    selector: Annotated[str, typer.Argument(metavar="[SELECTOR]", help="PRODUCT[/FLAVOR][@VERSION]")] = "",
    url: Annotated[str, typer.Option("--url", help="An address of your own instead of a selector.")] = "",
    to: Annotated[Path | None, typer.Option("--to", help="A file or folder; with it no library is touched.")] = None,
    arch: Architectures = [],
    language: Languages = [],
    edition: Editions = [],
    repository: Annotated[str, typer.Option("--repository", "-r", help="Name of the repository.")] = "default",
    name: Annotated[str, typer.Option("--name", help="What to call an image from an address.")] = "",
    sha256: Annotated[str, typer.Option("--sha256", metavar="HEX", help="The digest the image must have.")] = "",
    checked: Annotated[bool, typer.Option("--verify/--no-verify", help="Refuse what nothing proves.")] = True,
    register: Annotated[bool, typer.Option("--register/--no-register", help="Put it into the library.")] = True,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Download one image once: by selector, or from an address of your own."""
    from isomanager.library.requesting import Asked

    asked = Asked(
        selector, tuple(arch), tuple(language), tuple(edition), repository, url, name, sha256, force, not checked
    )
    if to is not None or not register:
        from cli.fetching import fetch_to_file

        fetch_to_file(asked, to, as_json)
        return
    with _flows(as_json) as run:
        from flows.download import download as flow

        report = run(
            lambda: flow(
                selector=selector,
                architectures=arch,
                languages=language,
                editions=edition,
                repository=repository,
                url=url,
                name=name,
                sha256=sha256,
                force=force,
                accept_unproved=not checked,
            )
        )
    _tell(report, as_json)


def verify(
    what: Annotated[
        list[str], typer.Argument(help="Files, or families, products and paths of the library; none: all.")
    ] = [],
    expected: Annotated[str, typer.Option("--expected", metavar="HEX", help="The digest a file must have.")] = "",
    algorithm: Annotated[str, typer.Option("--algorithm", help="SHA256, SHA512, SHA1, MD5, ...")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Look at presence and size only.")] = False,
    as_json: Json = False,
) -> None:
    """Prove images again: those of the library, or any file against a digest."""
    files = [Path(name) for name in what if Path(name).is_file()]
    if files and len(files) == len(what):
        from cli.fetching import verify_files

        verify_files(files, expected, algorithm, quick, as_json)
        return
    if expected:
        raise UsageError(f"--expected is for one file, and {' '.join(what) or 'nothing'} is not one.")
    with _flows(as_json) as run:
        from flows.verify import verify as flow

        report = run(lambda: flow(what=what, quick=quick))
    _tell(report, as_json)


@contextmanager
def _flows(as_json: bool) -> Iterator[Run]:
    """A Prefect API to run on, live progress in the terminal, and RunFailed turned back into its report."""
    from cli.running import Run, quiet_prefect
    from deployments.server import prefect_api
    from isomanager.settings import load_settings

    settings: Settings = load_settings()
    quiet_prefect(verbosity)
    with prefect_api(settings, say):
        yield Run(show_progress=not as_json)


def _tell(report: RunReport, as_json: bool, *, dry_run: bool = False) -> None:
    if as_json:
        from cli.running import report_json

        print_json(report_json(report))
    elif dry_run and report.plan is not None:
        print_plan(report.plan)
    else:
        print_report(report)
    if report.bad:
        raise typer.Exit(FAILED)


def print_report(report: RunReport) -> None:
    """What became of each image, and the totals."""
    for told in report.recovered:
        say(f"Recovered: {told}")
    rows = (
        (
            one.outcome,
            one.title or one.selector,
            one.path,
            size(one.bytes) if one.bytes else "",
            one.assurance,
            one.reason,
        )
        for one in report.outcomes
    )
    print_table(("outcome", "image", "path", "size", "assurance", "why"), rows, empty="Nothing to do.")
    totals = ", ".join(f"{count} {kind}" for kind, count in report.totals.items() if count and kind != "bytes")
    print(f"{totals or 'nothing to do'}; {size(report.totals['bytes'])} fetched in {report.seconds:.1f} s.")
