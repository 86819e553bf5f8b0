"""Commands that need no library: what a checksum document says, and what the settings are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import Json
from cli.output import FAILED, print_json
from cli.tables import print_facts, print_table


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("digests")(digests)
    app.command("config")(config)


def digests(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checksum document.")],
    signature: Annotated[
        Path | None, typer.Option("--signature", metavar="FILE", help="Its detached signature.")
    ] = None,
    product: Annotated[
        str, typer.Option("--product", metavar="PRODUCT", help="The product whose pinned keys must have signed.")
    ] = "",
    key: Annotated[
        list[Path], typer.Option("--key", metavar="FILE", help="A key file that counts instead; may be given again.")
    ] = [],
    as_json: Json = False,
) -> None:
    """What a checksum document says, and whether its signature is good; exit code 1 when it is not, or nothing can be believed."""
    from isomanager.library.digesting_documents import report_digests
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        told = report_digests(library, file, signature=signature, product=product, keys=key)
    if as_json:
        print_json(told)
    else:
        _print_digests(told)
    asked = signature or product or key
    if told["problem"] or (asked and not told["signature"]["valid"]):
        raise typer.Exit(FAILED)


def _print_digests(told: dict[str, Any]) -> None:
    rows = ((one["name"], one["algorithm"], one.get("size") or "", one["digest"]) for one in told["entries"])
    print_table(("name", "algorithm", "size", "digest"), rows, below=("digest",), empty="It lists no digests.")
    if told["problem"]:
        print(f"\nProblem ({told['problem']['code']}): {told['problem']['reason']}")
    print("\nSignature")
    facts = told["signature"] | {"pinned_for": ", ".join(told["signature"].get("pinned_for", ()))}
    print_facts((name, value) for name, value in facts.items() if value not in (None, ""))


def config(as_json: Json = False) -> None:
    """Each setting, its value, where it comes from and what it is for."""
    from isomanager.settings import Settings, default_config_file, load_settings, origins

    settings = load_settings()
    found, fields = origins(settings), Settings.model_fields
    values = {name: getattr(settings, name) for name in fields}
    values["database_url"] = public_database(settings.database_url)
    if as_json:
        told = {
            name: {"value": values[name], "from": found[name], "description": field.description or ""}
            for name, field in fields.items()
        }
        print_json(told)
        return
    rows = ((name, values[name], found[name], field.description or "") for name, field in fields.items())
    print_table(("setting", "value", "from", "what for"), rows, below=("what for",))
    print(f"\nFile: {default_config_file()}\nEnvironment: ISOMANAGER_ and the setting's name in capitals")
    print(f"Database in use: {public_database(settings.database)}")


def public_database(url: str) -> str:
    """The database's address without a password; whether there is one still shows."""
    scheme, found, rest = url.partition("://")
    account, at, place = rest.rpartition("@")
    if not found or not at:
        return url
    return f"{scheme}://{account.partition(':')[0]}:***@{place}"
