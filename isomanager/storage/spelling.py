"""Names in a tree that some system could not tell apart, whatever kind of tree it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from isomanager.errors import StoreError
from isomanager.storage.paths import fold
from isomanager.storage.tree import Kind, Seen

NamesIn = Callable[[str], Iterable[Seen]]
"""Every name directly in a folder."""
NamesLike = Callable[[str, str], Iterable[Seen]]
"""The names directly in a folder that are a given one but for case."""


def spellings(like: NamesLike, path: str) -> list[str]:
    """Everything whose path differs from `path` by no more than case, and a file that stands where `path` needs a folder."""
    found, in_the_way = [""], list[str]()
    *folders, name = path.split("/")
    for part in folders:
        near = [(_joined(folder, one), one.kind) for folder in found for one in like(folder, part)]
        in_the_way += [below for below, kind in near if kind is Kind.FILE]
        found = [below for below, kind in near if kind is Kind.FOLDER]
    return in_the_way + [_joined(folder, one) for folder in found for one in like(folder, name)]


def _joined(folder: str, one: Seen) -> str:
    return f"{folder}/{one.name}" if folder else one.name


def looked_for(names_in: NamesIn) -> NamesLike:
    """Look into the folder each time; one that went away meanwhile has no names."""

    def like(folder: str, name: str) -> Iterable[Seen]:
        try:
            return [one for one in names_in(folder) if fold(one.name) == fold(name)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    return like


class Remembered:
    """Looks into each folder once. Not for several threads."""

    def __init__(self, names_in: NamesIn) -> None:
        self._names_in = names_in
        self._folders: dict[str, dict[str, list[Seen]]] = {}

    def like(self, folder: str, name: str) -> Iterable[Seen]:
        """The names in a folder that are `name` but for case."""
        if folder not in self._folders:
            names: dict[str, list[Seen]] = {}
            for one in self._names_in(folder):
                names.setdefault(fold(one.name), []).append(one)
            self._folders[folder] = names
        return self._folders[folder].get(fold(name), ())

    def made(self, folder: str, name: str) -> None:
        """A folder was made: there is nothing in it."""
        self._folders[f"{folder}/{name}" if folder else name] = {}
        if folder in self._folders:
            self._folders[folder].setdefault(fold(name), []).append(Seen(name, Kind.FOLDER, 0, 0, ""))


def taken(path: str, holder: str) -> StoreError:
    """The error of a name that something else has."""
    return StoreError(
        f"The name '{path}' is taken by '{holder}'.",
        code="name-taken",
        hint="Give the image a name that says more: its edition, build, or digest.",
        path=path,
    )
