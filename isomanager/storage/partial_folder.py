"""The unfinished files of a local repository: starting, continuing, reopening and listing them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from isomanager.errors import StoreError
from isomanager.storage.contract import INTERNAL, PartialRef, Validators
from isomanager.storage.durable import PositionedFile, make_folders, replace_durably, sync_folder
from isomanager.storage.local_partial import LocalPartial, PartialFiles, PlaceNew, is_placed_file
from isomanager.storage.paths import final_path, safe_key
from isomanager.storage.placing import same_file
from isomanager.storage.resuming import PartialNote, may_continue

_PUBLISHED_NOTE_SECONDS = 86_400


class PartialFolder:
    """`.isomanager/partials` of the repository in `root`. OSErrors pass through: the store names what was being done."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / INTERNAL / "partials"

    def _files(self, key: str) -> PartialFiles:
        return PartialFiles(self._folder, safe_key(key))

    def remove(self, key: str) -> None:
        """Remove what there is of a partial."""
        self._files(key).remove()

    def start(self, note: PartialNote, key: str) -> None:
        """Begin at byte 0, in a fresh file: the old one, removed before, may be published already under its other name."""
        files = self._files(key)
        make_folders(self._folder)
        replace_durably(files.note, note.as_bytes())
        self._sweep(files.note.stat().st_mtime)
        PositionedFile(files.bytes, create=True).close()
        sync_folder(self._folder)

    def _sweep(self, now: float) -> None:
        """Remove the notes of what was published long ago, by processes that died before they could."""
        for published in self._folder.glob("*.published"):
            with suppress(FileNotFoundError):
                if now - published.stat().st_mtime > _PUBLISHED_NOTE_SECONDS:
                    published.unlink()

    def continue_with(
        self, final: str, size: int | None, validators: Validators, key: str, resume: PartialRef
    ) -> PartialNote | None:
        """The note to go on from, written down; None when the bytes must be fetched from the start."""
        files = self._files(key)
        kept = note_on_disk(files)
        if kept is None or resume.key != key or not may_continue(kept.validators, validators):
            return None
        if kept.size is not None and size is not None and kept.size != size:
            return None
        if same_file(files.bytes, self._root / kept.final):
            return kept if kept.final == final else None
        self._cut(files, kept.front)
        note = replace(kept, final=final, size=kept.size if size is None else size, placed="")
        replace_durably(files.note, note.as_bytes())
        return note

    @staticmethod
    def _cut(files: PartialFiles, front: int) -> None:
        """Drop what came after the last checkpoint: there may be holes in it."""
        file = PositionedFile(files.bytes)
        try:
            file.truncate(front)
        finally:
            file.close()

    def open(self, key: str, place_new: PlaceNew, orphan: PartialRef | None = None) -> LocalPartial:
        """The partial as it is. With `orphan`, bytes without a note are opened as that reference with front 0."""
        files = self._files(key)
        note = note_on_disk(files)
        if note is not None and note != files.read_note():
            replace_durably(files.note, note.as_bytes())  # the disk lost bytes: the note must not promise them again
        note = note or self._placed(files)
        if note is None and orphan is not None and files.bytes.exists():
            note = PartialNote(final_path(orphan.final), orphan.size, orphan.validators)
        if note is None:
            raise StoreError(
                f"The unfinished file {key} is gone.",
                code="missing",
                hint="The download starts again from its beginning.",
                key=key,
            )
        return LocalPartial(self._root, files, note, place_new)

    def _placed(self, files: PartialFiles) -> PartialNote | None:
        """The note of a partial that has only its final name left, if that file is still the one it speaks of."""
        note = files.read_published()
        try:
            return note if note and is_placed_file(note, (self._root / note.final).stat()) else None
        except (FileNotFoundError, NotADirectoryError):
            return None

    def refs(self) -> Iterator[PartialRef]:
        """Every unfinished file, by key; notes without bytes and bytes without a note too."""
        found = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        for key in sorted({one.stem for one in found if one.suffix in (".bin", ".json")}):
            files = PartialFiles(self._folder, key)
            note = note_on_disk(files) or files.read_note() or PartialNote("", None, Validators())
            front = note.front if files.bytes.exists() else 0
            yield PartialRef(key, note.final, note.size, note.validators, front, _changed_at(files))


def _changed_at(files: PartialFiles) -> datetime | None:
    for one in (files.bytes, files.note):
        with suppress(FileNotFoundError):
            return datetime.fromtimestamp(one.stat().st_mtime, UTC)
    return None


def note_on_disk(files: PartialFiles) -> PartialNote | None:
    """The note, its front no further than there are bytes; None when either file is gone."""
    note = files.read_note()
    try:
        there = files.bytes.stat().st_size
    except FileNotFoundError:
        return None
    return note and replace(note, front=min(note.front, there))
