"""Guards: however right it seems to let copies go, a run lets go of no more than this. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isomanager.planning.verdicts import Reason, Verdict
from isomanager.planning.wanting import Guards

ALWAYS_ALLOWED = 3
"""So many copies a repository may lose whatever share of it they are: a library of four must not stand still."""


@dataclass
class Tally:
    """What a repository has and has lost so far."""

    held: int = 0
    deletes: int = 0
    freed: int = 0

    def lose(self, size: int) -> None:
        """One copy more goes."""
        self.deletes += 1
        self.freed += size


def let_go(repository: str, in_turn: Iterable[Verdict], guards: Guards, held: int) -> Iterable[Verdict]:
    """Of the verdicts that let copies of a repository go, the oldest first, those that no guard turns round. `in_turn` is not asked
    for more once nothing more may go, however small; a limit in bytes may pass over a large copy for a smaller one."""
    return (one for one in _as_they_pass(repository, in_turn, guards, Tally(held)) if not one.stays)


def in_their_turn(
    repository: str, going: Iterable[Verdict], in_turn: Iterable[Verdict], guards: Guards, held: int
) -> Iterator[Verdict]:
    """The verdicts that let `going` copies go as they are when their turn comes among all of the repository, `in_turn`: turned
    round where a guard forbids it. No more of `in_turn` is asked for than that takes."""
    waiting, tally = {one.copy.id: one for one in going}, Tally(held)
    passing = _as_they_pass(repository, in_turn, guards, tally)
    while waiting and (verdict := next(passing, None)) is not None:
        if waiting.pop(verdict.copy.id, None) is not None:
            yield verdict
    yield from (_guarded(repository, one, guards, tally) for one in waiting.values())


def _as_they_pass(repository: str, in_turn: Iterable[Verdict], guards: Guards, tally: Tally) -> Iterator[Verdict]:
    waiting = iter(in_turn)
    while forbidden(repository, tally, 0, guards) is None and (verdict := next(waiting, None)) is not None:
        yield _guarded(repository, verdict, guards, tally)


def _guarded(repository: str, verdict: Verdict, guards: Guards, tally: Tally) -> Verdict:
    """The verdict that lets a copy go, noted in the tally; turned round where a guard forbids it."""
    size = verdict.copy.size or 0
    reason = forbidden(repository, tally, size, guards)
    if reason is not None:
        return Verdict(verdict.copy, True, (reason, *verdict.reasons))
    tally.lose(size)
    return verdict


def forbidden(repository: str, tally: Tally, size: int, guards: Guards) -> Reason | None:
    """Why one copy more, of so many bytes, may not go from the repository in this run; None when it may."""
    if guards.frozen:
        return Reason("frozen", "the library is frozen: nothing is deleted anywhere", "`isomanager unfreeze`")
    if repository not in guards.listed:
        text = f"{repository} could not be listed, or its listing is empty: nothing of it is deleted"
        return Reason("unlisted", text, "a repository that answers")
    later = "the next run, or another limit in the settings"
    if tally.deletes >= guards.max_deletes:
        text = f"this run may retire {guards.max_deletes} copies of {repository} (max_deletes); the next run goes on"
        return Reason("max-deletes", text, later)
    if guards.max_delete_bytes and tally.freed + size > guards.max_delete_bytes:
        text = f"this run may retire {guards.max_delete_bytes} bytes of {repository} (max_delete_bytes); the next run goes on"
        return Reason("max-delete-bytes", text, later)
    if tally.deletes >= max(ALWAYS_ALLOWED, int(guards.max_delete_share * tally.held)):
        share = f"{guards.max_delete_share:.0%}"
        text = f"this run may retire {share} of the copies of {repository} (max_delete_share); the next run goes on"
        return Reason("max-delete-share", text, later)
    return None
