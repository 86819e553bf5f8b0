"""Judging everything that is held: what tests of retention ask, and what judging a part of it is held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from isomanager.model import Copy
from isomanager.planning.deciding import Rules
from isomanager.planning.guarding import Tally, forbidden
from isomanager.planning.judging import judge_retention
from isomanager.planning.retention import judge_unguarded
from isomanager.planning.shelf import CopiesOnHand
from isomanager.planning.verdicts import Verdict
from isomanager.planning.wanting import Guards, Selects, Want


def judge_all(
    copies: Sequence[Copy], wants: Sequence[Want], *, selects: Selects, guards: Guards, now: datetime
) -> tuple[Verdict, ...]:
    """The judge's verdict on every copy that is held."""
    return tuple(judge_retention(copies, wants, CopiesOnHand(copies), Rules(selects, guards), now=now).values())


def judged_one_by_one(
    copies: Sequence[Copy], wants: Sequence[Want], *, selects: Selects, guards: Guards, now: datetime
) -> tuple[Verdict, ...]:
    """The same from all copies at once, as simply as it can be said: those that stay, then by repository the oldest first, each
    turned round if the limits forbid it after what went before."""
    verdicts = judge_unguarded(copies, wants, selects=selects, guards=guards, now=now)
    held = Counter(one.copy.repository for one in verdicts)
    tallies = {name: Tally(held=count) for name, count in held.items()}
    told = [one for one in verdicts if one.stays]
    going = [one for one in verdicts if not one.stays]
    for verdict in sorted(going, key=lambda one: (one.copy.repository, one.copy.title.version)):
        tally, size = tallies[verdict.copy.repository], verdict.copy.size or 0
        reason = forbidden(verdict.copy.repository, tally, size, guards)
        if reason is None:
            tally.lose(size)
        told.append(Verdict(verdict.copy, True, (reason, *verdict.reasons)) if reason else verdict)
    return tuple(told)
