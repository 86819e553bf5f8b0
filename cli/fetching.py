"""Files outside the library: a download straight to a path, a file held against a digest. The domain alone; no Prefect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.output import FAILED, print_json
from cli.progress import terminal_progress
from cli.tables import print_facts, print_table, size
from isomanager.errors import UsageError

if TYPE_CHECKING:
    from isomanager.library.requesting import Asked


def fetch_to_file(asked: Asked, to: str, *, as_json: bool) -> None:
    """Download to a file or folder, proved as far as there is proof, under the final name only when whole."""
    from isomanager.library.fetching import fetch
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    name = asked.selector or asked.name or (asked.url or asked.torrent.partition("?")[0]).rpartition("/")[2]
    with Library(load_settings()) as library, terminal_progress(shown=not as_json) as show:
        fetched = fetch(library, asked, _place(to), lambda done, total: show(name, done, total))
    if as_json:
        print_json(fetched.model_dump(mode="json"))
        return
    facts = [("file", fetched.path), ("size", size(fetched.size)), ("sha256", fetched.sha256)]
    print_facts([*facts, ("assurance", fetched.assurance), *(("why", reason) for reason in fetched.reasons)])


def _place(to: str) -> Path | None:
    """The file or folder that is meant: what ends like a folder becomes one."""
    if not to:
        return None
    place = Path(to).expanduser()
    if to.endswith(tuple(one for one in (os.sep, os.altsep) if one)):
        place.mkdir(parents=True, exist_ok=True)
    return place


def verify_files(files: list[Path], expected: str, algorithm: str, *, quick: bool, as_json: bool) -> None:
    """Each file's digest, held against `expected` when it is given; exit code 1 when one is wrong or empty."""
    from isomanager.library.checking_files import check_file
    from isomanager.settings import load_settings

    if expected and len(files) > 1:
        raise UsageError(f"--expected is the digest of one file; {len(files)} are named.")
    chosen = algorithm or load_settings().default_digest_algorithm
    told: list[dict[str, Any]] = []
    with terminal_progress(shown=not as_json) as show:
        for file in files:
            seen = lambda done, total, name=file.name: show(name, done, total)  # noqa: E731 - a callback for this file
            told.append(check_file(file, expected, chosen, quick=quick, progress=seen))
    if as_json:
        print_json(told if len(told) > 1 else told[0])
    else:
        columns = ("file", "size", "algorithm", "result", "digest")
        rows = ((one["path"], size(one["size"]), one["algorithm"], one["result"], one["digest"] or "-") for one in told)
        print_table(columns, rows, below=("digest",))
    if not all(one["valid"] for one in told):
        raise typer.Exit(FAILED)


def verify_from_receipts(named: list[Path], *, as_json: bool) -> None:
    """Files judged again by their receipts: the one that is named beside a single file, else those in their repository.

    Exit code 1 when one is not proved any more.
    """
    from isomanager.library.opening import Library
    from isomanager.library.proving_again import prove_again
    from isomanager.settings import load_settings

    receipts = [one for one in named if one.suffix == ".json"]
    files = [one for one in named if one.suffix != ".json"]
    if not files or (receipts and (len(receipts), len(files)) != (1, 1)):
        raise UsageError(
            "Name files, or one file and its receipt: isomanager verify --from-receipt FILE [RECEIPT.json]"
        )
    with Library(load_settings()) as library, terminal_progress(shown=not as_json) as show:
        told = [
            prove_again(
                library,
                file,
                receipts[0] if receipts else None,
                lambda done, total, name=file.name: show(name, done, total),
            )
            for file in files
        ]
    if as_json:
        print_json(told if len(told) > 1 else told[0])
    else:
        for one in told:
            _print_proof(one)
    if not all(one["valid"] for one in told):
        raise typer.Exit(FAILED)


def _print_proof(told: dict[str, Any]) -> None:
    facts = [("file", told["path"]), ("receipt", told["receipt"]), ("image", told.get("title"))]
    result = f"proved again ({told['assurance']})" if told["valid"] else f"NOT proved ({told['code']})"
    facts += [("result", result), ("signed by", told.get("signed_by")), *(("why", one) for one in told["reasons"])]
    print_facts((name, value) for name, value in facts if value)
