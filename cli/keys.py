"""`isomanager keys`: the signing keys this installation knows. A key counts only where a product pins its fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Json
from cli.output import FAILED, print_json
from cli.tables import print_table
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.library.opening import Library
    from isomanager.library.pinned_keys import KnownKey

app = typer.Typer(help="The signing keys that are known.", no_args_is_help=True)


@app.command("list")
def list_keys(
    every: Annotated[
        bool, typer.Option("--all", help="Also keys that products pin and that were not needed here yet.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Every key that is here, until when it is good, and which products pin it."""
    from isomanager.library.pinned_keys import known_keys
    from isomanager.library.refreshing_keys import refreshed_at

    with _library() as library:
        told = known_keys(library.keyring, library.catalogue.products, refreshed_at(library), every=every)
    if as_json:
        print_json([one.model_dump(mode="json") for one in told])
        return
    rows = ((one.fingerprint, one.kind, _state(one), ", ".join(one.products) or "no product pins it") for one in told)
    columns = ("fingerprint", "kind", "state", "pinned by")
    print_table(columns, rows, below=("pinned by",), empty="No keys yet: they are fetched when they are first needed.")


def _state(key: KnownKey) -> str:
    if key.revoked:
        return "revoked"
    if not key.here:
        return "not fetched yet"
    return f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "here"


@app.command("refresh")
def refresh(
    names: Annotated[
        list[str], typer.Argument(metavar="[PRODUCT|FINGERPRINT]...", help="None: every pinned key that is here.")
    ] = [],
    as_json: Json = False,
) -> None:
    """Fetch keys again, so that renewals, new subkeys and revocations arrive; exit code 1 when a key is nowhere to be had."""
    from isomanager.library.refreshing_keys import refresh_keys

    with _library() as library:
        told = refresh_keys(library, names)
    if as_json:
        print_json([one.model_dump(mode="json") for one in told])
    else:
        rows = ((one.fingerprint, one.outcome, "; ".join(one.changes), ", ".join(one.products)) for one in told)
        nothing = "There is no key to fetch."
        columns = ("fingerprint", "outcome", "what changed", "pinned by")
        print_table(columns, rows, below=("what changed", "pinned by"), empty=nothing)
        for url, why in (pair for one in told if one.outcome == "failed" for pair in one.failed.items()):
            print(f"{url}: {why}")
    if any(one.outcome == "failed" for one in told):
        raise typer.Exit(FAILED)


@app.command("add")
def add_key(
    file: Annotated[Path, typer.Argument(help="OpenPGP keys, armoured or binary, or RSA keys in PEM.")],
    as_json: Json = False,
) -> None:
    """Keep the keys in a file. It proves nothing by itself: products pin the fingerprints that count."""
    from isomanager.library.pinned_keys import pinned_by
    from isomanager.trust.key_material import read_key_material

    try:
        content = file.read_bytes()
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
    material = read_key_material(content, str(file))
    if material.spelled:
        raise UsageError(
            f"{file} is a signify or minisign key, which is not kept: a product pins it whole.",
            hint=f'Write it into the product file: keys = "{material.spelled}"',
        )
    with _library() as library:
        for fingerprint in material.pins:
            library.keyring.accept(fingerprint, content)
        pinned = pinned_by(library.catalogue.products)
    told: list[dict[str, Any]] = [{"fingerprint": one, "products": pinned.get(one, [])} for one in material.pins]
    if as_json:
        print_json(told)
        return
    for one in told:
        print(f"{one['fingerprint']}: kept; pinned by {', '.join(one['products']) or 'no product of the catalogue'}")


@app.command("site")
def site(as_json: Json = False) -> None:
    """This site's own key, made when there is none: it signs bundles, and the `SHA256SUMS` of every repository. Tell other
    sites its public part; the secret stays here."""
    from isomanager.library.site_keys import site_key, site_key_file

    with _library() as library:
        file = site_key_file(library)
        fresh = not file.exists()
        key = site_key(library, create=True)
    if as_json:
        print_json({"public": key.public, "file": str(file), "created": fresh})
        return
    print(key.public)
    print(
        f"The secret key is in {file}, for its owner alone{'; it was made just now' if fresh else ''}. On the other site:"
    )
    print(f"isomanager import --bundle PLACE --key {key.public}")


def _library() -> Library:
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    return Library(load_settings())
