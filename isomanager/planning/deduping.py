"""Which copies of one repository hold the same bytes, and which of them may share those of another. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

from isomanager.model import Copy, CopyState, Value

Shares = Callable[[Copy, Copy], bool]
"""Whether two copies share their bytes already."""


class Duplicate(Value):
    """A copy that has the bytes of another one, `original`, in its repository. With a `code` it is left as it is, for `reason`."""

    copy_id: str
    image: str
    repository: str
    path: str
    size: int
    original_id: str
    original: str
    reason: str
    code: str = ""


def plan_dedupe(copies: Iterable[Copy], *, in_use: Collection[str], shares: Shares) -> tuple[Duplicate, ...]:
    """A decision for every held copy whose bytes an earlier copy of the same repository has too.

    The original is the one that is proved furthest, of those the one that came first: so it stays the same from run to run.
    """
    groups: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.state is CopyState.HELD and copy.sha256 and copy.size:
            groups[copy.repository, copy.sha256].append(copy)
    return tuple(one for group in groups.values() if len(group) > 1 for one in _decided(group, in_use, shares))


def _decided(group: list[Copy], in_use: Collection[str], shares: Shares) -> Iterator[Duplicate]:
    original, *others = sorted(group, key=lambda one: (-one.assurance.rank, one.created_at, one.id))
    for copy in others:
        code, told = "", f"the same bytes as {original.path}"
        if shares(original, copy):
            code, told = "shared", f"it shares the bytes of {original.path} already"
        elif copy.id in in_use or original.id in in_use:
            code, told = (
                "in-use",
                f"the same bytes as {original.path}, and one of the two is in use; the next run looks again",
            )
        yield Duplicate(
            copy_id=copy.id, image=str(copy.title), repository=copy.repository, path=copy.path, size=copy.size or 0,
            original_id=original.id, original=original.path, reason=told, code=code,
        )  # fmt: skip
