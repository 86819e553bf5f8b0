"""Small files put into a tree together: folders are looked into once, names flushed by folder."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from isomanager.errors import IsoManagerError
from isomanager.storage.contract import INTERNAL
from isomanager.storage.os_failures import store_errors
from isomanager.storage.paths import fold, is_internal, safe_path
from isomanager.storage.spelling import Remembered, spellings, taken
from isomanager.storage.tree import FileTree, Kind, LooksQuickly, PutsTogether, WritesTogether, parent_of

SMALL = f"{INTERNAL}/small"
"""Where a file is before it has its name."""
_LITTER_AGE_NS = 3600 * 10**9
_TRIES = 5


def look_at_all(tree: FileTree, paths: Collection[str]) -> dict[str, int]:
    """The sizes of those that are there."""
    for path in paths:
        safe_path(path)
    if isinstance(tree, LooksQuickly):
        return tree.sizes(paths)
    found: dict[str, int] = {}

    def look(path: str) -> None:
        tree.check(path)
        seen = tree.look(path)
        if seen is not None and seen.kind is Kind.FILE:
            found[path] = seen.size

    together(tree.traits.at_once, look, paths)
    return found


def sweep(tree: FileTree) -> None:
    """Remove what dead processes left there an hour ago, by the clock of the tree's own machine: the folder changed just now."""
    here = tree.look(SMALL)
    for one in tree.scan(SMALL) if here else ():
        if here and here.modified_ns - one.modified_ns > _LITTER_AGE_NS:
            tree.remove(f"{SMALL}/{one.name}")


class TreeBatch:
    """One call of `put_all`. What it saw of a folder it remembers, but for the internals: no two names there differ by case."""

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._together = tree if isinstance(tree, WritesTogether) else None
        self._lock = threading.RLock()
        self._unflushed: set[str] = set()
        self._forget()

    def put(self, files: Mapping[str, bytes]) -> dict[str, IsoManagerError]:
        """Put each file; what failed and why, by path."""
        failed: dict[str, IsoManagerError] = {}
        done = self._put_at_once(files)
        files = {path: data for path, data in files.items() if path not in done}
        aside = self._write_aside(files)

        def put_one(path: str) -> None:
            try:
                with store_errors(f"Writing '{path}'"):
                    self._put(path, files[path], aside.get(path))
            except IsoManagerError as wrong:
                failed[path] = wrong

        together(self._tree.traits.at_once, put_one, files)
        for one in aside.values():
            self._tree.drop(one)
        self._flush({*files, *done}, failed)
        sweep(self._tree)
        return failed

    def _put_at_once(self, files: Mapping[str, bytes]) -> Collection[str]:
        """Where the tree can: those that are there now. What is in the way of the others is found when each is put by itself."""
        if not isinstance(self._tree, PutsTogether):
            return ()
        try:
            ready = self._prepare_all(self._tree, files)
            done = self._tree.put_together({_fresh(): (path, files[path]) for path in ready})
        except OSError:
            self._forget()
            return ()
        self._unflushed.update(map(parent_of, done))
        return done

    def _prepare_all(self, tree: PutsTogether, paths: Collection[str]) -> list[str]:
        """The folders of all, level by level; those paths that can be put now."""
        spelled: dict[str, str] = {}
        free = [path for path in paths if self._is_free(path) and _is_first(path, spelled)]
        wanted = {above for path in (*free, f"{SMALL}/any") for above in _folders_of(path)} - self._made
        for depth in sorted({one.count("/") for one in wanted}):
            for folder, fresh in tree.add_folders([one for one in sorted(wanted) if one.count("/") == depth]).items():
                self._note_made(folder, fresh)
        return [path for path in free if parent_of(path) in self._made]

    def _is_free(self, path: str) -> bool:
        try:
            self._tree.check(path)
            return is_internal(path) or all(one == path for one in spellings(self._names.like, path))
        except (IsoManagerError, OSError):
            return False

    def _write_aside(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Several files, by path, where that is worth while. What goes wrong is left to be told of each of them."""
        if len(files) < 2 or self._together is None:
            return {}
        aside = {path: _fresh() for path in files}
        try:
            self._make(SMALL)
            self._together.write_together({aside[path]: data for path, data in files.items()})
        except OSError:
            for one in aside.values():
                self._tree.drop(one)
            return {}
        return aside

    def _put(self, path: str, data: bytes, aside: str | None) -> None:
        self._tree.check(path)
        for tries_left in reversed(range(_TRIES)):
            try:
                self._prepare(path)
                self._name(path, data, aside)
                break
            except FileExistsError:
                if not self._holds(path, data):
                    raise taken(path, path) from None
                break
            except FileNotFoundError:  # another process removed the folder while it was empty
                self._forget()
                if not tries_left:
                    raise
        with self._lock:
            self._unflushed.add(parent_of(path))

    def _name(self, path: str, data: bytes, aside: str | None) -> None:
        if aside is not None and self._together is not None:
            self._together.name_new(aside, path)
        else:
            self._tree.put_new(_fresh(), path, data)

    def _prepare(self, path: str) -> None:
        """The folders, unless another spelling has the name; looked for and made by one thread at a time."""
        with self._lock:
            self._make(SMALL)
            if not is_internal(path):
                holder = next((one for one in spellings(self._names.like, path) if one != path), None)
                if holder is not None:
                    raise taken(path, holder)
            self._make(parent_of(path))

    def _make(self, folder: str) -> None:
        if folder in self._made:
            return
        self._make(parent_of(folder))
        fresh = True
        try:
            self._tree.add_folder(folder)
        except FileExistsError:
            fresh = False
        self._note_made(folder, fresh)

    def _note_made(self, folder: str, fresh: bool) -> None:
        above, _, name = folder.rpartition("/")
        if fresh:
            self._unflushed.add(above)
            self._names.made(above, name)
        self._made.add(folder)

    def _holds(self, path: str, data: bytes) -> bool:
        seen = self._tree.look(path)
        same = seen is not None and seen.kind is Kind.FILE and seen.size == len(data)
        return same and self._tree.read(path, 0, len(data))[1] == data

    def _forget(self) -> None:
        with self._lock:
            self._names = Remembered(self._tree.scan)
            self._made = {""}

    def _flush(self, files: Collection[str], failed: dict[str, IsoManagerError]) -> None:
        """Each folder once; a folder that cannot be flushed fails what was put into it."""

        def flush(folder: str) -> None:
            try:
                with store_errors(f"Flushing '{folder}'"):
                    self._tree.flush_names(folder)
            except IsoManagerError as wrong:
                below = f"{folder}/" if folder else ""
                failed.update({path: wrong for path in files if path.startswith(below)})

        together(self._tree.traits.at_once, flush, sorted(self._unflushed))


def _folders_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _is_first(path: str, spelled: dict[str, str]) -> bool:
    """Whether it, and each of its folders, is spelled as those before it."""
    return all(spelled.setdefault(fold(one), one) == one for one in (*_folders_of(path), path))


def _fresh() -> str:
    return f"{SMALL}/{secrets.token_hex(12)}"


def together(at_once: int, act: Callable[[str], None], given: Collection[str]) -> None:
    """Do it for each of what is given, so many at once."""
    if len(given) <= 1:
        for one in given:
            act(one)
        return
    with ThreadPoolExecutor(min(at_once, len(given)), thread_name_prefix="small-files") as pool:
        for _ in pool.map(act, given):
            pass
