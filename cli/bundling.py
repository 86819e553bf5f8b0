"""Bundles: `isomanager export --bundle` and `isomanager import --bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cli import changing
from isomanager.errors import UsageError


def export_bundle(
    place: Path,
    what: list[str],
    repositories: list[str],
    against: list[Path],
    compress: Literal["auto", "always", "never"],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write a bundle."""
    from cli.running import flows, tell
    from isomanager.inventory.exchange.bundle_form import known_elsewhere
    from isomanager.library.bundling import plan_bundle
    from isomanager.library.opening import DEFAULT, Library
    from isomanager.library.site_keys import site_key
    from isomanager.settings import load_settings

    if len(repositories) > 1:
        raise UsageError("A bundle is of one repository.", hint="Make one for each.")
    repository = repositories[0] if repositories else DEFAULT
    with Library(load_settings()) as library:  # what cannot be is refused before a server is started for it
        plan_bundle(library, what, repository, known_elsewhere(against))
        if not dry_run:
            site_key(library)
    known = [str(one.absolute()) for one in against]
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.bundles import export_bundle as flow

        report = run(
            lambda: flow(
                place=str(place.absolute()),
                what=what,
                repository=repository,
                against=known,
                compress=compress,
                dry_run=dry_run,
            )
        )
    tell(report, as_json=as_json, moved="written")


def import_bundle(place: Path, repository: str, keys: list[str], unsigned: bool, dry_run: bool, as_json: bool) -> None:
    """Take in a bundle."""
    from cli.running import flows, tell
    from isomanager.library.opening import Library
    from isomanager.library.site_keys import trusted_sites
    from isomanager.settings import load_settings

    if not place.exists():
        raise UsageError(f"There is no bundle at {place}.")
    with Library(load_settings()) as library:
        library.inventory.repository(repository)
        named = list(trusted_sites(library, keys))
    with flows(changing.verbosity, as_json=as_json) as run:
        from flows.bundles import import_bundle as flow

        report = run(
            lambda: flow(
                place=str(place.absolute()), repository=repository, keys=named, unsigned=unsigned, dry_run=dry_run
            )
        )
    tell(report, as_json=as_json, dry_run=dry_run, moved="copied")
