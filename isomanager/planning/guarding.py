"""Guards: however right it seems to let copies go, a run lets go of no more than this. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from isomanager.planning.verdicts import Reason, Verdict
from isomanager.planning.wanting import Guards
from isomanager.version import Version

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


def guarded(verdicts: Sequence[Verdict], guards: Guards) -> Iterable[Verdict]:
    """The verdicts on all held copies, those to go turned round where a guard forbids it; the oldest versions go first."""
    held = Counter(one.copy.repository for one in verdicts)
    tallies = {name: Tally(held=count) for name, count in held.items()}
    yield from (one for one in verdicts if one.stays)
    for verdict in sorted((one for one in verdicts if not one.stays), key=_turn):
        tally, size = tallies[verdict.copy.repository], verdict.copy.size or 0
        reason = forbidden(verdict.copy.repository, tally, size, guards)
        if reason is not None:
            yield Verdict(verdict.copy, True, (reason, *verdict.reasons))
        else:
            tally.lose(size)
            yield verdict


def _turn(verdict: Verdict) -> tuple[str, Version]:
    """The oldest of a repository go first."""
    return verdict.copy.repository, verdict.copy.title.version


def let_go(repository: str, in_turn: Iterable[Verdict], guards: Guards, held: int) -> Iterable[Verdict]:
    """Of the verdicts that let copies of a repository go, the oldest first, those that no guard turns round. `in_turn` is not asked
    for more once nothing more may go, however small; a limit in bytes may pass over a large copy for a smaller one."""
    tally = Tally(held=held)
    waiting = iter(in_turn)
    while forbidden(repository, tally, 0, guards) is None and (verdict := next(waiting, None)) is not None:
        size = verdict.copy.size or 0
        if forbidden(repository, tally, size, guards) is None:
            tally.lose(size)
            yield verdict


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
