"""The unfinished files of a repository in a tree of files: starting, continuing, reopening and listing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from isomanager.errors import StoreError
from isomanager.storage.contract import PartialRef, Validators
from isomanager.storage.paths import final_path, safe_key
from isomanager.storage.resuming import PartialNote, may_continue
from isomanager.storage.tree import FileTree, Seen
from isomanager.storage.tree_partial import PARTIALS, PartialFiles, PlaceNew, TreePartial, is_placed_file

_PUBLISHED_NOTE_NS = 86_400 * 10**9


class PartialFolder:
    """`.isomanager/partials` of the repository in `tree`. OSErrors pass through: the store names what was being done."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree

    def _files(self, key: str) -> PartialFiles:
        return PartialFiles(self._tree, safe_key(key))

    def _all(self) -> list[Seen]:
        try:
            return sorted(self._tree.scan(PARTIALS), key=lambda seen: seen.name)
        except FileNotFoundError:
            return []

    def remove(self, key: str) -> None:
        """Remove what there is of a partial."""
        self._files(key).remove()

    def start(self, note: PartialNote, key: str) -> None:
        """Begin at byte 0, in a fresh file: the old one, removed before, may be published already under its other name."""
        files = self._files(key)
        self._tree.make_folders(PARTIALS)
        files.begin_note(note)
        self._sweep(key)
        self._tree.open(files.bytes, create=True).close()

    def start_whole(self, note: PartialNote, key: str, make: Callable[[str], None]) -> None:
        """Begin with all bytes there: `make` gives them the name it is told. The note, which says so, comes last: bytes without a
        note are never continued, and these may be those of another image, too."""
        files = self._files(key)
        self._tree.make_folders(PARTIALS)
        make(files.bytes)
        files.write_note(note)

    def _sweep(self, key: str) -> None:
        """Remove the notes of what was published long ago, by processes that died before they could."""
        there = self._all()
        now = next((one.modified_ns for one in there if one.name == f"{key}.json"), 0)
        for one in there:
            if one.name.endswith(".published") and now - one.modified_ns > _PUBLISHED_NOTE_NS:
                self._tree.drop(f"{PARTIALS}/{one.name}")

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
        if self._tree.same(files.bytes, kept.final):
            return kept if kept.final == final else None
        self._cut(files, kept.front)
        note = replace(kept, final=final, size=kept.size if size is None else size, placed="")
        files.write_note(note)
        return note

    def _cut(self, files: PartialFiles, front: int) -> None:
        """Drop what came after the last checkpoint: there may be holes in it."""
        file = self._tree.open(files.bytes)
        try:
            file.truncate(front)
        finally:
            file.close()

    def open(self, key: str, place_new: PlaceNew, orphan: PartialRef | None = None) -> TreePartial:
        """The partial as it is. With `orphan`, bytes without a note are opened as that reference with front 0."""
        files = self._files(key)
        note = note_on_disk(files)
        if note is not None and note != files.read_note():
            files.write_note(note)  # the disk lost bytes: the note must not promise them again
        note = note or self._placed(files)
        if note is None and orphan is not None and self._tree.look(files.bytes) is not None:
            note = PartialNote(final_path(orphan.final), orphan.size, orphan.validators)
        if note is None:
            raise StoreError(
                f"The unfinished file {key} is gone.",
                code="missing",
                hint="The download starts again from its beginning.",
                key=key,
            )
        return TreePartial(files, note, place_new)

    def _placed(self, files: PartialFiles) -> PartialNote | None:
        """The note of a partial that has only its final name left, if that file is still the one it speaks of."""
        note = files.read_published()
        final = self._tree.look(note.final) if note and note.final else None
        return note if note and final and is_placed_file(note, final) else None

    def refs(self) -> Iterator[PartialRef]:
        """Every unfinished file, by key; notes without bytes and bytes without a note too."""
        there = {one.name: one for one in self._all()}
        stems = (name.rpartition(".") for name in there)
        for key in sorted({stem for stem, _, ending in stems if ending in ("bin", "json")}):
            held = there.get(f"{key}.bin")
            yield self._ref(PartialFiles(self._tree, key), held, held or there[f"{key}.json"])

    def ref(self, key: str) -> PartialRef | None:
        """The unfinished file `key`, None where there are neither bytes nor a note."""
        files = self._files(key)
        held = self._tree.look(files.bytes)
        seen = held or self._tree.look(files.note)
        return self._ref(files, held, seen) if seen is not None else None

    @staticmethod
    def _ref(files: PartialFiles, held: Seen | None, seen: Seen) -> PartialRef:
        kept = files.read_note() or PartialNote("", None, Validators())
        front = min(kept.front, held.size) if held else 0
        at = datetime.fromtimestamp(seen.modified_ns / 1e9, UTC)
        return PartialRef(files.key, kept.final, kept.size, kept.validators, front, at)


def note_on_disk(files: PartialFiles) -> PartialNote | None:
    """The note, its front no further than there are bytes; None when either file is gone."""
    note, held = files.read_note(), files.tree.look(files.bytes)
    return replace(note, front=min(note.front, held.size)) if note and held else None
