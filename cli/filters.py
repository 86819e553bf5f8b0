"""Options that say which of the images that are held are meant, and in which order."""

from __future__ import annotations

from typing import Annotated

import typer

Flavors = Annotated[list[str], typer.Option("--flavor", metavar="NAME", help="server, netinst, ...")]
Versions = Annotated[str, typer.Option("--version", metavar="CLAUSES", help="24.04, or >=22.04,<24.")]
AtLeast = Annotated[str, typer.Option("--assurance", metavar="LEVEL", help="At least signed, published, ...")]
Larger = Annotated[str, typer.Option("--larger", metavar="SIZE", help="At least so large: 1.5GiB.")]
Smaller = Annotated[str, typer.Option("--smaller", metavar="SIZE", help="At most so large.")]
OlderThan = Annotated[str, typer.Option("--older-than", metavar="AGE", help="Came earlier: 30d, 6m, or a date.")]
NewerThan = Annotated[str, typer.Option("--newer-than", metavar="AGE", help="Came later.")]
UnprovedFor = Annotated[str, typer.Option("--unproved-for", metavar="AGE", help="Not proved since: 90d, or a date.")]
Text = Annotated[str, typer.Option("--text", "-t", metavar="WORDS", help="Words in names, path, digest or source.")]
Where = Annotated[
    list[str],
    typer.Option("--where", metavar="NAME=VALUE", help="Any filter, also Type=, Name=, Version=, Architecture=."),
]
Sort = Annotated[
    str, typer.Option("--sort", metavar="ORDER", help="path, name, version, size, added, proved, assurance.")
]
Reverse = Annotated[bool, typer.Option("--reverse", help="The other way round.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=0, help="So many; 0 means all.")]
Offset = Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Leave out the first so many.")]
Every = Annotated[bool, typer.Option("--all", help="Also what is unfinished, in the trash or gone.")]
Ending = Annotated[
    bool, typer.Option("--eol", help="Only what its vendor supports no longer, or not for half a year more.")
]
