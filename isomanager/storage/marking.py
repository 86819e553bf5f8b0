"""The mark of a repository in a folder of this machine, by which it is told from the folder beneath a mount point."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from isomanager.storage.contract import INTERNAL

MARK = f"{INTERNAL}/repository"
"""A file that lies in every such repository."""
MARKED = b"An isomanager repository. Leave this file here: where it is missing, the disk is not mounted.\n"
"""What is in it; nobody reads it but people."""


class Folder(Protocol):
    """A folder of this machine that a repository is in. Where its disk is not mounted, another one is there, and empty."""

    def require(self) -> None:
        """StoreUnavailable unless it is there, and the repository in it that is expected."""
        ...

    def expect(self, repository: str) -> None:
        """Use it from now on only while it has the mark of a repository, which is the one of that name."""
        ...

    def is_marked(self) -> bool:
        """Whether the mark of a repository is there."""
        ...

    def mark(self) -> None:
        """Put the mark of a repository there. A repeat does nothing."""
        ...


@runtime_checkable
class InFolder(Protocol):
    """A store that may be in a folder of this machine."""

    @property
    def folder(self) -> Folder | None:
        """That folder; None where it is spoken to otherwise."""
        ...
