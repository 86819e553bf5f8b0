"""Making, naming and removing what is on a share, with as few round trips as keep every promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from isomanager.storage.smb_messages import (
    A_FOLDER,
    CREATE_NEW,
    DELETE,
    IS_DIRECTORY,
    IS_NORMAL,
    NO_FOLDER,
    READ_ATTRIBUTES,
    THE_LINK_ITSELF,
    WRITE_ATTRIBUTES,
    WRITE_DATA,
    Answer,
    Asked,
    close,
    create,
    file_of,
    flush,
    give_name,
    let_it_go,
    write,
    written_of,
)
from isomanager.storage.smb_share import SmbShare

_WRITING = WRITE_DATA | READ_ATTRIBUTES | WRITE_ATTRIBUTES | DELETE
_THERE = 0xC0000035
"""OBJECT_NAME_COLLISION ([MS-ERREF] 2.3.1)."""


def add_folders(share: SmbShare, paths: Sequence[str]) -> Mapping[str, bool]:
    """Create folders, all at once; whether each was not there before. One that could not be made is left out. Elsewhere."""
    answers = share.exchange([_folder(path) for path in paths])
    made = {path: created.status for path, (created, _) in zip(paths, answers, strict=True)}
    return {path: not status for path, status in made.items() if status in (0, _THERE)}


def add_folder(share: SmbShare, path: str) -> None:
    """Create one; OSError when it cannot be. Elsewhere."""
    share.ask(path, *_folder(path))


def _folder(path: str) -> tuple[Asked, Asked]:
    opened = create(path, READ_ATTRIBUTES, A_FOLDER, disposition=CREATE_NEW, attributes=IS_DIRECTORY)
    return opened, close()


def remove(share: SmbShare, path: str, *, folder: bool = False) -> None:
    """Remove a file, or an empty folder; a link itself. OSError when it cannot be. Elsewhere."""
    options = THE_LINK_ITSELF | (A_FOLDER if folder else NO_FOLDER)
    share.ask(path, create(path, DELETE | READ_ATTRIBUTES, options), let_it_go(), close())


def link(share: SmbShare, path: str, final: str) -> None:
    """Give a file a second name; OSError when that is taken, or the server knows of no second names. Elsewhere."""
    share.ask(path, create(path, WRITE_ATTRIBUTES | READ_ATTRIBUTES, NO_FOLDER), give_name(final), close())


class FreshFiles:
    """Files that are written aside and flushed, then given the names that they are for: step by step, and each step for all of them
    at once. The file system flushes many files together that are asked for together; and none has its name before it is flushed.

    What goes wrong with one costs the others nothing: it is not among those that `put` tells, and its first name is gone.
    """

    def __init__(self, share: SmbShare, files: Mapping[str, tuple[str, bytes]]) -> None:
        """`files` are the names that they are for and the bytes, by the names they have at first. Elsewhere."""
        self._share, self._files, self._piece = share, files, share.request()
        self._open: dict[str, bytes] = {}
        self._short: set[str] = set()

    def put(self) -> dict[str, int]:
        """What the server said to giving each its name (NTSTATUS), by its first one; what did not come so far is left out."""
        self._create()
        whole = self._flushed(self._written())
        named = dict(zip(whole, self._exchange(self._naming(one) for one in whole), strict=True))
        closed = {one for one, answers in named.items() if not any(answer.status for answer in answers[1:])}
        self._exchange(_unmade(file) for one, file in self._open.items() if one not in closed)
        return {one: answers[0].status for one, answers in named.items()}

    def _exchange(self, chains: Iterable[Sequence[Asked]]) -> list[list[Answer]]:
        asked = list(chains)
        return self._share.exchange(asked) if asked else []

    def _create(self) -> None:
        chains = [self._begun(aside, memoryview(data)[: self._piece]) for aside, (_, data) in self._files.items()]
        for aside, chain, (created, *wrote) in zip(self._files, chains, self._exchange(chains), strict=True):
            if not created.status:
                self._open[aside] = file_of(created.body)
                if not all(map(_is_whole, chain[1:], wrote)):
                    self._short.add(aside)

    def _begun(self, aside: str, data: memoryview) -> tuple[Asked, ...]:
        opened = create(aside, _WRITING, NO_FOLDER, disposition=CREATE_NEW, attributes=IS_NORMAL)
        return (opened, write(data, 0)) if data else (opened,)

    def _written(self) -> list[str]:
        """Those that have all their bytes."""
        rest = [
            (aside, write(memoryview(self._files[aside][1])[start : start + self._piece], start, file))
            for aside, file in self._open.items()
            if aside not in self._short
            for start in range(self._piece, len(self._files[aside][1]), self._piece)
        ]
        for (aside, asked), (wrote,) in zip(rest, self._exchange([asked] for _, asked in rest), strict=True):
            if not _is_whole(asked, wrote):
                self._short.add(aside)
        return [aside for aside in self._open if aside not in self._short]

    def _flushed(self, whole: Sequence[str]) -> list[str]:
        answers = self._exchange([flush(self._open[aside])] for aside in whole)
        return [aside for aside, (one,) in zip(whole, answers, strict=True) if not one.status]

    def _naming(self, aside: str) -> tuple[Asked, ...]:
        """The second name is never that of another file; the first goes in any case."""
        return give_name(self._files[aside][0], self._open[aside]), let_it_go(), close()


def _is_whole(asked: Asked, wrote: Answer) -> bool:
    """Whether the server took all bytes of a write."""
    return not wrote.status and written_of(wrote.body) == len(asked.data)


def _unmade(file: bytes) -> tuple[Asked, ...]:
    return let_it_go(file), close()
