"""Options that many commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from isomanager.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Architectures = Annotated[
    list[str], typer.Option("--arch", "-a", metavar="ARCH", help="x86_64, aarch64, amd64, ...; may be given again.")
]
Languages = Annotated[
    list[str], typer.Option("--language", metavar="LANGUAGE", help="Where a product comes in several languages.")
]
Editions = Annotated[
    list[str], typer.Option("--edition", metavar="EDITION", help="Where a product comes in several editions.")
]
Repository = Annotated[str, typer.Option("--repository", "-r", metavar="NAME", help="The repository to put it in.")]
OnlyRepositories = Annotated[
    list[str], typer.Option("--repository", "-r", metavar="NAME", help="Only this repository; may be given again.")
]
Force = Annotated[bool, typer.Option("--force", help="Fetch again what is held or was refused before.")]
Accept = Annotated[
    bool, typer.Option("--accept", help="Believe answers that surprise although nobody else bears them out.")
]
What = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME]...",
        help="Families, products, selectors, tag:WORD, group:WORD, or conditions such as '*/server@lts'; none means all.",
    ),
]
Under = Annotated[str, typer.Option("--under", metavar="SIZE", help="Leave out what is not smaller, such as 1GiB.")]
Target = Annotated[
    str, typer.Option("--target", metavar="VERSION", help="This version for this run, in place of the newest.")
]
Held = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME]...", help="Families, products, titles, paths or ids of what is held; none means all."
    ),
]
SelectorText = Annotated[
    str, typer.Argument(metavar="SELECTOR", help="PRODUCT[/FLAVOR][@VERSION]: ubuntu/server@24.04, debian, ubuntu@lts")
]
Variables = Annotated[
    Literal["", "hcl", "json", "env"],
    typer.Option(
        "--variables", metavar="FORM", help="iso_url and iso_checksum for Packer or Terraform: hcl, json, env."
    ),
]
LogFile = Annotated[
    Path | None, typer.Option("--log-file", metavar="FILE", help="Write the whole log to this file too.")
]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more; -vv says all.")
]
FromReceipt = Annotated[
    bool,
    typer.Option(
        "--from-receipt",
        help="Judge files by their receipts, offline: FILE..., the receipts being in their repository, or FILE RECEIPT.json.",
    ),
]


def under_bytes(text: str) -> int:
    """The bytes that `--under` says; 0 for none. UsageError for what is no size."""
    from isomanager.catalogue.fields import parse_size

    try:
        return int(parse_size(text)) if text else 0
    except ValueError as wrong:
        raise UsageError(f"--under: {wrong}.") from wrong
