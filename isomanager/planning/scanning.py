"""Deciding about files that were found: which become images of the library, which are asked about, which are left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from isomanager.model import Copy, CopyState, Title, Value

SURE = 0.8
"""From this confidence on a file is taken for what it seems to be without asking."""


class FoundFile(Value):
    """A file that a scan looked at. `sha256` is "" when it was not read whole; `title` None when nobody knows what it is.

    `versionless` says that nothing tells its version, so that the title's is none; `trouble` why it can be no image: damaged, cut
    off, unreadable; `growing` that somebody still writes to it.
    """

    path: str
    size: int
    sha256: str = ""
    title: Title | None = None
    versionless: bool = False
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    trouble: str = ""
    growing: bool = False


class ScanKind(StrEnum):
    """What becomes of a found file."""

    TAKE = "take"
    ASK = "ask"
    KNOWN = "known"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    DAMAGED = "damaged"
    WAIT = "wait"


class ScanStep(Value):
    """One decision about one file, and why."""

    kind: ScanKind
    file: FoundFile
    reason: str
    title: Title | None = None
    copy_id: str = ""


def plan_scan(
    found: Iterable[FoundFile],
    copies: Sequence[Copy],
    *,
    inside: bool,
    sure: float = SURE,
    answers: Mapping[str, Title | None] | None = None,
) -> tuple[ScanStep, ...]:
    """A step for each file. `copies` are the repository's live ones; `inside` says that the files lie in that repository.

    `sure` is the confidence from which nobody is asked: 0 takes every file that could be identified at all.
    """
    by_path = {copy.path.casefold(): copy for copy in copies} if inside else {}
    by_digest = {copy.sha256: copy for copy in copies if copy.sha256 and copy.state is CopyState.HELD}
    steps: list[ScanStep] = []
    taken: dict[str, str] = {}
    for file in found:
        step = _settled(file, by_path, by_digest, taken) or _judged(file, sure, answers or {})
        if step.kind is ScanKind.TAKE and file.sha256:
            taken[file.sha256] = file.path
        steps.append(step)
    return tuple(steps)


def _settled(
    file: FoundFile, by_path: Mapping[str, Copy], by_digest: Mapping[str, Copy], taken: Mapping[str, str]
) -> ScanStep | None:
    """The answer where it does not matter what the file is."""
    known = by_path.get(file.path.casefold())
    if known is not None:
        return ScanStep(
            kind=ScanKind.KNOWN, file=file, title=known.title, copy_id=known.id, reason=f"it is {known.title}"
        )
    if file.growing:
        return ScanStep(kind=ScanKind.WAIT, file=file, reason="somebody still writes to it; the next scan looks again")
    if file.trouble:
        return ScanStep(kind=ScanKind.DAMAGED, file=file, reason=file.trouble)
    twin = by_digest.get(file.sha256) if file.sha256 else None
    if twin is not None:
        reason = f"the same bytes are held as {twin.title} at {twin.path}"
        return ScanStep(kind=ScanKind.DUPLICATE, file=file, title=twin.title, copy_id=twin.id, reason=reason)
    if file.sha256 in taken:
        return ScanStep(kind=ScanKind.DUPLICATE, file=file, reason=f"the same bytes as {taken[file.sha256]}")
    return None


def _judged(file: FoundFile, sure: float, answers: Mapping[str, Title | None]) -> ScanStep:
    """The answer from what the file seems to be, and from what a person said of it."""
    if file.path in answers:
        said = answers[file.path]
        if said is None:
            return ScanStep(kind=ScanKind.UNKNOWN, file=file, title=file.title, reason="it was left, as was asked for")
        return ScanStep(kind=ScanKind.TAKE, file=file, title=said, reason=f"a person said that it is {said}")
    because = "; ".join(file.evidence) or "nothing tells what it is"
    if file.title is None:
        return ScanStep(kind=ScanKind.UNKNOWN, file=file, reason=because)
    if file.confidence >= sure and not (file.versionless and sure):
        return ScanStep(kind=ScanKind.TAKE, file=file, title=file.title, reason=because)
    others = f", or {', '.join(file.alternatives)}" if file.alternatives else ""
    lacking = "; nothing tells its version" if file.versionless else ""
    told = f"perhaps {file.title} ({file.confidence:.0%}){others}: {because}{lacking}"
    return ScanStep(kind=ScanKind.ASK, file=file, title=file.title, reason=told)
