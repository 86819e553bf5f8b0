"""Names in a tree of files that some system could not tell apart."""

from __future__ import annotations

from collections.abc import Iterator

from isomanager.storage.paths import fold, is_internal
from isomanager.storage.tree import FileTree, Kind


def spellings(tree: FileTree, path: str) -> list[str]:
    """Everything in `tree` whose path differs from `path` by no more than case.

    Names among the internals are our own: no two of them differ by case alone, and there may be very many.
    """
    if is_internal(path):
        return [path] if tree.look(path) else []
    found = [""]
    *folders, name = path.split("/")
    for part in folders:
        found = [below for folder in found for below in _named(tree, folder, part, Kind.FOLDER)]
    return [below for folder in found for below in _named(tree, folder, name)]


def _named(tree: FileTree, folder: str, name: str, kind: Kind | None = None) -> Iterator[str]:
    for one in tree.scan(folder):
        if fold(one.name) == fold(name) and kind in (None, one.kind):
            yield f"{folder}/{one.name}" if folder else one.name
