"""What an ISO image is: the command `identify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.output import FAILED, say
from cli.tables import print_facts, print_table, size

if TYPE_CHECKING:
    from isomanager.errors import IsoManagerError
    from isomanager.library.identifying import Identified
    from isomanager.media.metadata import Metadata


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("identify")(identify)


def identify(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Images, folders, or addresses in stores.")],
    full: Annotated[bool, typer.Option("--full", help="Also all that the image says of itself.")] = False,
    digest: Annotated[
        bool, typer.Option("--digest", help="Read each file whole and ask first whether its SHA-256 is known.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What images are: by digest, content, volume identifiers and name. Exit code 1 when one cannot be read."""
    from isomanager.library.identifying import identify_paths
    from isomanager.library.opening import Library
    from isomanager.settings import load_settings

    with Library(load_settings()) as library:
        found = identify_paths(library, paths, full=full, by_digest=digest)
        failed = _print_lines(found, full) if as_json else _print_people(list(found), full)
    if failed:
        raise typer.Exit(FAILED)


def _print_lines(found: Iterable[Identified], full: bool) -> bool:
    """One object a line, as soon as it is known."""
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    failed = False
    for one in found:
        failed = failed or one.error is not None
        print(json.dumps(one.as_json(full=full), ensure_ascii=plain, default=str))
    return failed


def _print_people(found: list[Identified], full: bool) -> bool:
    if full:
        for place, one in enumerate(found):
            if place:
                print()
            print_facts([("path", one.path), *_answer(one), *(metadata_facts(one.metadata) if one.metadata else ())])
    else:
        columns = ("product", "version", "flavor", "architecture", "language", "edition", "sure", "path")
        print_table(columns, map(_row, found), below=("path",), empty="There are no images.")
    for one in found:
        if one.metadata and not one.metadata.is_complete:
            say(f"isomanager: {one.path} was cut off: {one.metadata.needed - one.metadata.size} bytes are missing.")
        if one.error:
            say(f"isomanager: {one.error}")
    return any(one.error for one in found)


def _row(one: Identified) -> tuple[str, ...]:
    told = one.identification
    cells = (told.version, told.flavor, told.architecture, told.language, told.edition)
    sure = f"{told.confidence:.0%}" if told.product else ""
    return (told.product or "unknown", *(cell or "" for cell in cells), sure, one.path)


def _answer(one: Identified) -> Iterable[tuple[str, object]]:
    told = one.identification
    yield "product", told.product or "unknown"
    for name in ("family", "version", "flavor", "architecture", "language", "edition"):
        if getattr(told, name):
            yield name, getattr(told, name)
    if told.product:
        yield "sure", f"{told.confidence:.0%}"
    for reason in told.evidence:
        yield "because of", reason
    for other in told.alternatives:
        words = (other.product, other.version, f"({other.confidence:.0%})", "; ".join(other.evidence))
        yield "or", " ".join(word for word in words if word)


def metadata_facts(metadata: Metadata) -> Iterable[tuple[str, object]]:
    """What an image says of itself, for people."""
    yield "size", size(metadata.size)
    if not metadata.is_complete:
        yield "cut off", f"{metadata.needed - metadata.size} bytes are missing"
    if metadata.primary is not None:
        for name in ("volume", "volume_set", "system", "publisher", "preparer", "application", "created"):
            if value := getattr(metadata.primary, name):
                yield name.replace("_", " "), value
    names = ("Rock Ridge" if metadata.rock_ridge else "", "Joliet" if metadata.joliet else "")
    formats = ["ISO 9660" if metadata.primary else "", *names, f"UDF ({metadata.udf})" if metadata.udf else ""]
    yield "formats", ", ".join(one for one in formats if one)
    for entry in metadata.boot:
        yield "boots", f"{entry.platform}, emulation {entry.emulation}"
    if metadata.partitions:
        yield "hybrid", ", ".join(dict.fromkeys(one.table for one in metadata.partitions))
    yield from metadata.markers
    for image in metadata.windows:
        languages = ", ".join(image.languages)
        yield "edition", f"{image.index}: {image.name} {image.build} {image.architecture} {languages}".rstrip()
    if metadata.counts:
        yield "files", f"{metadata.counts.files} in {metadata.counts.folders} folders, {size(metadata.counts.size)}"
    for fault in metadata.faults:
        yield "fault", fault


def description_facts(description: Metadata | IsoManagerError | None) -> Iterable[tuple[str, object]]:
    """What a held image says of itself, or why that could not be read."""
    from isomanager.errors import IsoManagerError

    if isinstance(description, IsoManagerError):
        yield "content", description
    elif description is not None:
        yield from (fact for fact in metadata_facts(description) if fact[0] != "size")
