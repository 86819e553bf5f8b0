"""Files outside the library: a download straight to a path, a file held against a digest. The domain alone; no Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.output import FAILED, print_json, print_table, size

if TYPE_CHECKING:
    from isomanager.library.requesting import Asked


def fetch_to_file(asked: Asked, to: Path | None, as_json: bool) -> None:
    """Download to a file or folder, proved as far as there is proof, under the final name only when whole."""
    from cli.progress import terminal_progress
    from isomanager.library.fetching import fetch
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    name = asked.selector or asked.name or asked.url.rpartition("/")[2]
    with Library(load_settings()) as library, terminal_progress(shown=not as_json) as show:
        fetched = fetch(library, asked, to, lambda done, total: show(name, done, total))
    if as_json:
        print_json(fetched.model_dump(mode="json"))
        return
    print(f"{fetched.path}\n{size(fetched.size)}, proved: {fetched.assurance}, SHA-256 {fetched.sha256}")
    print("\n".join(fetched.reasons))


def verify_files(files: list[Path], expected: str, algorithm: str, quick: bool, as_json: bool) -> None:
    """Each file's digest, held against `expected` when it is given."""
    from isomanager.library.fetching import check_file
    from isomanager.settings import load_settings

    chosen = algorithm or load_settings().default_digest_algorithm
    told: list[dict[str, Any]] = [check_file(file, expected, chosen, quick=quick) for file in files]
    if as_json:
        print_json(told if len(told) > 1 else told[0])
    else:
        rows = ((one["path"], size(one["size"]), one["algorithm"], one["digest"] or "-", one["result"]) for one in told)
        print_table(("file", "size", "algorithm", "digest", "result"), rows)
    if not all(one["valid"] for one in told):
        raise typer.Exit(FAILED)
