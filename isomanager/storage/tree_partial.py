"""An unfinished file in a tree: `<key>.bin` for the bytes and `<key>.json` for what is known of them.

The note is written before the effect it announces: created before the first byte, `front` only after the bytes are on the
medium, `placed` before the file gets its final name. So whatever a crash leaves can be told from the two files alone. A note that
promises nothing is not flushed: without it the bytes are fetched again, as they are with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from isomanager.errors import StoreError
from isomanager.storage.contract import INTERNAL, Entry, PartialRef, Validators
from isomanager.storage.extents import Extents
from isomanager.storage.os_failures import store_errors
from isomanager.storage.resuming import PartialNote
from isomanager.storage.tree import FileTree, Seen, TreeFile

PARTIALS = f"{INTERNAL}/partials"
_MAX_NOTE_BYTES = 1 << 20

PlaceNew = Callable[[str, str], None]
"""Gives a file its final name: (the file, the path in the repository). StoreError(code="name-taken") when it is held."""


@dataclass(frozen=True)
class PartialFiles:
    """The files of one partial. `published` is the note of one that has its final name."""

    tree: FileTree
    key: str

    @property
    def bytes(self) -> str:
        """The unfinished bytes."""
        return f"{PARTIALS}/{self.key}.bin"

    @property
    def note(self) -> str:
        """What is known of them."""
        return f"{PARTIALS}/{self.key}.json"

    @property
    def published(self) -> str:
        """The note once they have their final name; kept until `discard`, so that a repeat finds its own bytes."""
        return f"{PARTIALS}/{self.key}.published"

    def read_note(self) -> PartialNote | None:
        """The note, or None when there is none that can be read."""
        return self._read(self.note)

    def read_published(self) -> PartialNote | None:
        """The note of what was published (or was about to be when the process died), or None."""
        return self._read(self.published) or self._read(self.note)

    def _read(self, path: str) -> PartialNote | None:
        try:
            return PartialNote.from_bytes(self.tree.read(path, 0, _MAX_NOTE_BYTES)[1])
        except FileNotFoundError:
            return None
        except ValueError:  # not ours, or torn: then nothing is known of the bytes, and they are fetched again
            return None

    def write_note(self, note: PartialNote) -> None:
        """Write the note so that a reader, or a crash, sees the old one or the new one, whole."""
        write_note_durably(self.tree, self.note, note.as_bytes())

    def begin_note(self, note: PartialNote) -> None:
        """Write the first note, where there is none: one that is lost or torn in a crash is as good as none."""
        file = self.tree.open(self.note, create=True)
        try:
            file.write_at(0, note.as_bytes())
        finally:
            file.close()

    def remove(self) -> None:
        """Remove whatever there is, the bytes first: a note without bytes is harmless, bytes without a note are litter."""
        for one in (self.bytes, self.note):
            self.tree.remove(one)
        for one in (self.published, f"{self.note}.new"):
            self.tree.drop(one)


def write_note_durably(tree: FileTree, path: str, data: bytes) -> None:
    """Write `path` so that a reader, or a crash, sees the old content or the new, whole. One writer at a time."""
    fresh = f"{path}.new"
    tree.remove(fresh)
    tree.write_new(fresh, data)
    tree.replace(fresh, path)


class TreePartial:
    """Honours the Partial contract in a tree of files. Made by TreeStore only."""

    def __init__(self, files: PartialFiles, note: PartialNote, place_new: PlaceNew) -> None:
        self._tree, self._files, self._note, self._place_new = files.tree, files, note, place_new
        self._extents = Extents(note.front)
        self._extents_lock = threading.Lock()
        self._is_flushed = True
        self._note_lock = threading.RLock()
        # after a crash both names may lead to one file: writing then would change bytes that are published
        there = self._tree.look(files.bytes)
        final = self._tree.look(note.final) if there is not None and note.final else None
        self._sealed = there is not None and final is not None and there.identity == final.identity
        self._file: TreeFile | None = self._tree.open(files.bytes) if there is not None else None

    @property
    def _told(self) -> str:
        return f"'{self._note.final}' (unfinished file {self._files.key})"

    @property
    def ref(self) -> PartialRef:
        """The name by which it is reopened; `front` as of now."""
        note = self._note
        return PartialRef(self._files.key, note.final, note.size, note.validators, note.front)

    def front(self) -> int:
        """How many bytes from the start are contiguous and on the medium."""
        return self._note.front

    def _open_file(self) -> TreeFile:
        if self._file is None:
            raise StoreError(
                f"{self._told} is closed; reopen it by its reference.", code="missing", key=self._files.key
            )
        return self._file

    def write(self, offset: int, buffer: bytes | bytearray | memoryview) -> None:
        """Put bytes at `offset`, whatever its alignment. Thread-safe."""
        if self._sealed:
            raise StoreError(
                f"{self._told} is published; its bytes never change.", code="name-taken", key=self._files.key
            )
        try:
            with store_errors(f"Writing {self._told}"):
                length = self._open_file().write_at(offset, buffer)
        finally:
            with self._extents_lock:
                self._is_flushed = (
                    False  # also when it failed: some of it may be there, and flushing says what is wrong
                )
        with self._extents_lock:
            self._extents.add(offset, offset + length)

    def checkpoint(self, validators: Validators | None = None) -> int:
        """Flush, then remember how far the bytes are contiguous; return that front."""
        with self._note_lock, store_errors(f"Flushing {self._told}"):
            reached = self._flush()
            self._remember(replace(self._note, front=reached, validators=validators or self._note.validators))
            return reached

    def _flush(self) -> int:
        """Put what is written on the medium; how far it is contiguous."""
        file = self._open_file()
        with self._extents_lock:
            reached, flushed = self._extents.contiguous, self._is_flushed
            self._is_flushed = True  # what is written from now on says otherwise
        if not flushed:
            try:
                file.sync()
            except BaseException:
                self._is_flushed = False
                raise
        return reached

    def _remember(self, note: PartialNote) -> None:
        if note != self._note:
            self._files.write_note(note)
            self._note = note

    def read(self, offset: int, length: int) -> bytes:
        """Bytes already written; fewer than `length` only at the end."""
        with store_errors(f"Reading {self._told}"):
            if self._file is not None:
                return self._file.read_at(offset, length)
            if not self._sealed:
                self._open_file()
            return self._tree.read(self._note.final, offset, length)[1]

    def close(self) -> PartialRef:
        """Flush, and let go of the file; the reference reopens it."""
        with self._note_lock, store_errors(f"Flushing {self._told}"):
            if self._file is not None:
                try:
                    reached = self._flush()
                finally:
                    self._let_go()
                self._remember(replace(self._note, front=reached, placed=self._etag_of(reached)))
            return self.ref

    def _etag_of(self, size: int) -> str:
        """What the file looks like now that it is closed; "" unless it has all its bytes, and none more."""
        seen = self._tree.look(self._files.bytes) if size == self._note.size else None
        return seen.etag if seen is not None and seen.size == size else ""

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def discard(self) -> None:
        """Remove it for good; a file that has its final name stays. A repeat does nothing."""
        with self._note_lock, store_errors(f"Removing {self._told}"):
            self._let_go()
            self._files.remove()

    def publish(self, size: int) -> Entry:
        """Give it its final name in one atomic, create-only, durable step; a repeat finds its own bytes and succeeds.

        Raises StoreError(code="incomplete") when not exactly `size` bytes are there, and "name-taken" when other bytes hold
        the name: the partial then stays, and can be begun again under another name.
        """
        with self._note_lock, store_errors(f"Publishing {self._told}"):
            if not self._is_placed():
                self._seal(size)
                self._place_new(self._files.bytes, self._note.final)
            self._sealed = True
            return self._finish(size)

    def _is_placed(self) -> bool:
        """Whether the file has only its final name left."""
        return self._file is None and self._tree.look(self._files.bytes) is None

    def _seal(self, size: int) -> None:
        if self._is_flushed and self._note.front == size and self._note.placed == self._etag_of(size) != "":
            self._sealed = True  # closed whole, and untouched since: its note says all that is to be said
            self._let_go()
            return
        file = self._file or self._tree.open(self._files.bytes)
        self._file = file
        reached = self.checkpoint()
        if reached != size:
            raise StoreError(
                f"{self._told} has {reached} of {size} bytes.",
                code="incomplete",
                hint="Run the download again; it continues where it stopped.",
                key=self._files.key,
                size=size,
                front=reached,
            )
        if not self._sealed:
            self._sealed = True
            file.truncate(size)  # what a dead process wrote beyond its last checkpoint
        self._let_go()
        sealed = self._tree.look(self._files.bytes)
        self._remember(replace(self._note, placed=sealed.etag if sealed else ""))

    def _finish(self, size: int) -> Entry:
        seen = self._tree.look(self._note.final)
        if seen is None or seen.size != size or not is_placed_file(self._note, seen):
            raise StoreError(
                f"'{self._note.final}' is no longer the file that was published there.",
                code="name-taken",
                hint="Verify the repository; something else changed it.",
                path=self._note.final,
            )
        if self._tree.look(self._files.note) is not None:
            self._tree.replace(self._files.note, self._files.published)
        return seen.entry(self._note.final)


def is_placed_file(note: PartialNote, seen: Seen) -> bool:
    """Whether a final file that looks like `seen` is the one that `note` was written about.

    Filesystems without hard links (FAT) may also give a renamed file a new inode number; size and time stay.
    """
    return bool(note.placed) and note.placed.split("-")[1:] == seen.etag.split("-")[1:]
