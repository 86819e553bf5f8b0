"""Deciding where held images belong under another layout: a move for each that lies elsewhere, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from isomanager.model import Copy, Value

PathFor = Callable[[Copy, Callable[[str], bool]], str]
"""Where the layout wants a copy, given which paths are taken."""


class Move(Value):
    """One image that is to lie elsewhere in its repository."""

    copy_id: str
    image: str
    path: str
    wanted: str
    reason: str


def plan_moves(
    copies: Iterable[Copy], names: Iterable[str], path_for: PathFor, *, fold: Callable[[str], str], layout: str
) -> tuple[Move, ...]:
    """The moves that bring the held `copies` of a repository, the oldest version first, where `path_for` wants them. One copy is
    looked at after the other.

    `names` are the paths of everything there, of copies in any state and of files that are no copies and stay. A copy keeps a place
    that only differs in what had to be added to tell it from another image when that other image is still in the way, and one that
    differs in upper and lower case alone: no name is given anew where many a filesystem sees the very same.
    """
    taken = {fold(path) for path in names}
    moves: list[Move] = []
    for copy in copies:
        taken.discard(fold(copy.path))
        wanted = path_for(copy, lambda path: fold(path) in taken)
        taken.add(fold(wanted))
        if fold(wanted) != fold(copy.path):
            told = f"the layout {layout} puts it there"
            moves.append(Move(copy_id=copy.id, image=str(copy.title), path=copy.path, wanted=wanted, reason=told))
    return tuple(moves)
