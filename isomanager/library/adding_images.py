"""Add: one file becomes an image under a name, with notes and a proof that a person gives."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from isomanager.errors import UsageError
from isomanager.inventory.exchange.items import Text
from isomanager.library.adopting import Adoptable, adopt
from isomanager.library.naming import title_of
from isomanager.library.opening import Library
from isomanager.library.taking_in import copied_in
from isomanager.model import Assurance, Copy, CopyState, Digests, Title, Value
from isomanager.storage.opening import folder_of, open_store, scheme_of
from isomanager.transfer.progress import Progress, silent

_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_MOST_NOTES = 64


class ImageEntry(Value):
    """What a person says of a file. `file` is a path or an address in a store; `digest` any of MD5, SHA-1, SHA-256, SHA-512.

    `base` and `purpose` say what the image was made from, and what for; `notes` are anything else.
    """

    file: str = Field(min_length=1)
    name: Text = Field(min_length=1)
    family: Text = "custom"
    flavor: Text = ""
    version: Text = ""
    architecture: Text = ""
    language: Text = ""
    edition: Text = ""
    digest: Text = ""
    base: Text = ""
    purpose: Text = ""
    notes: dict[str, Text] = Field(default_factory=dict, max_length=_MOST_NOTES)


def add_image(library: Library, entry: ImageEntry, *, repository: str = "default", progress: Progress = silent) -> Copy:
    """The copy, held. A file that lies in the repository is adopted in its place, any other is copied in and stays.

    With a digest the image is `pinned` by it, without one nothing proves it. Raises UsageError for a file that is not there, and
    as `adopt` and `copied_in` do.
    """
    title = _title(library, entry)
    digests = _digests(entry.digest)
    assurance = Assurance.PINNED if digests else Assurance.NONE
    reasons = ("A person added it, and gave its digest.",) if digests else ("A person added it, without a digest.",)
    inside = _inside(library, entry.file, repository)
    if inside:
        found = Adoptable(
            repository, inside, title, digests=digests, assurance=assurance, reasons=reasons, source="add",
            metadata=_notes(entry),
        )  # fmt: skip
        return adopt(library, found, progress)
    address, name = _split(entry.file)
    copy = copied_in(
        library, open_store(address), name, repository, title, digests=digests, assurance=assurance, reasons=reasons,
        source_name="add", progress=progress,
    )  # fmt: skip
    return library.inventory.transition(
        copy.id, CopyState.HELD, expected=CopyState.HELD, metadata={**copy.metadata, **_notes(entry)}
    )


def _title(library: Library, entry: ImageEntry) -> Title:
    custom = entry.family.strip().lower() in ("", "custom") or entry.family.lower().endswith("-custom")
    return title_of(
        library,
        entry.name,
        family="custom" if custom else entry.family,
        flavor=entry.flavor,
        version=entry.version,
        architecture_text=entry.architecture,
        language=entry.language,
        edition=entry.edition,
    )


def _digests(text: str) -> Digests:
    digest = text.lower().removeprefix("sha256:").strip()
    if not digest:
        return {}
    algorithm = _LENGTHS.get(len(digest))
    if algorithm is None or any(letter not in "0123456789abcdef" for letter in digest):
        raise UsageError(
            f"'{text}' is no digest.", hint="Give an MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal digits."
        )
    return {algorithm: digest}


def _notes(entry: ImageEntry) -> dict[str, str]:
    told = {"base": entry.base, "purpose": entry.purpose}
    return {**entry.notes, **{name: text for name, text in told.items() if text}}


def _inside(library: Library, file: str, repository: str) -> str:
    """The file's path in the repository, "" when it lies elsewhere."""
    url = library.inventory.repository(repository).url
    if scheme_of(url) not in ("", "file") or scheme_of(file) not in ("", "file"):
        return ""
    root, place = folder_of(url).resolve(), folder_of(file).resolve()
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else ""


def _split(file: str) -> tuple[str, str]:
    """The store that a file is in, and its name there."""
    if scheme_of(file) not in ("", "file"):
        above, _, name = file.rstrip("/").rpartition("/")
        return above, name
    place: Path = folder_of(file)
    if not place.is_file():
        raise UsageError(f"{file} is not a file.", file=file)
    return str(place.absolute().parent), place.name
