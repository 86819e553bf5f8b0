"""`isomanager keys`: the signing keys this installation knows. A key counts only where a product pins its fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Json
from cli.output import print_json
from cli.tables import print_table
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.library.opening import Library

app = typer.Typer(help="The signing keys that are known.", no_args_is_help=True)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Every key that is here, and which products pin it."""
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        pinned = _pinned_by(library)
        told: list[dict[str, Any]] = [
            {"fingerprint": one.fingerprint, "products": pinned.get(one.fingerprint, [])}
            for one in library.keyring.certificates()
        ]
    if as_json:
        print_json(told)
        return
    rows = ((one["fingerprint"], ", ".join(one["products"]) or "no product pins it") for one in told)
    print_table(("fingerprint", "pinned by"), rows, empty="No keys yet: they are fetched when they are first needed.")


@app.command("add")
def add_key(
    file: Annotated[Path, typer.Argument(help="OpenPGP key material, armoured or binary.")], as_json: Json = False
) -> None:
    """Keep the keys in a file. It proves nothing by itself: products pin the fingerprints that count."""
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings
    from isomanager.trust.certificates import read_certificates

    try:
        material = file.read_bytes()
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
    with Library(load_settings()) as library:
        found = [one.fingerprint for one in read_certificates(material, str(file))]
        for fingerprint in found:
            library.keyring.accept(fingerprint, material)
        pinned = _pinned_by(library)
    if as_json:
        print_json([{"fingerprint": one, "products": pinned.get(one, [])} for one in found])
        return
    for one in found:
        print(f"{one}: kept; pinned by {', '.join(pinned.get(one, [])) or 'no product of the catalogue'}")


def _pinned_by(library: Library) -> dict[str, list[str]]:
    """Products by the fingerprints that they pin."""
    from isomanager.library.digesting_documents import pinned_keys

    found: dict[str, list[str]] = {}
    for product in library.catalogue.products:
        for fingerprint in pinned_keys(product):
            found.setdefault(fingerprint, []).append(product.id)
    return found
