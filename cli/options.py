"""Options that many commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Architectures = Annotated[
    list[str], typer.Option("--arch", "-a", help="x86_64, aarch64, amd64, ...; may be given again.")
]
Languages = Annotated[list[str], typer.Option("--language", help="Where a product comes in several languages.")]
Editions = Annotated[list[str], typer.Option("--edition", help="Where a product comes in several editions.")]
Repositories = Annotated[
    list[str], typer.Option("--repository", "-r", help="Name of the repository; may be given again.")
]
Force = Annotated[bool, typer.Option("--force", help="Fetch again what is held or was refused before.")]
What = Annotated[list[str], typer.Argument(help="Families, products or selectors; none means all.")]
SelectorText = Annotated[
    str, typer.Argument(metavar="SELECTOR", help="PRODUCT[/FLAVOR][@VERSION], e.g. ubuntu/server@24.04")
]
LogFile = Annotated[Path | None, typer.Option("--log-file", help="Write the whole log to this file too.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; -vv says everything.")]
