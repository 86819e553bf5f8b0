"""The bytes of a file, in order, from the donor and from afar: what is fetched is asked for ahead, several parts at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from isomanager.errors import StoreError
from isomanager.transfer.blocks.segments import ReadAt, Segment

_PART = 4 << 20
_AHEAD = 4
"""Parts under way at a time: with _PART this bounds memory to 20 MiB."""


def assembled(plan: Sequence[Segment], donor: ReadAt, fetch: ReadAt) -> Iterator[bytes]:
    """The whole file, piece by piece. Raises what the readers raise, StoreError when a donor has fewer bytes than it had."""
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="parts") as pool:
        waiting = iter([part for one in plan if one.at is None for part in _parts(one)])
        under_way: deque[Future[bytes]] = deque()

        def ask() -> None:
            part = next(waiting, None)
            if part is not None:
                under_way.append(pool.submit(fetch, part.start, part.length))

        for _ in range(_AHEAD):
            ask()
        try:
            for part in (part for one in plan for part in _parts(one)):
                if part.at is None:
                    yield under_way.popleft().result()
                    ask()
                else:
                    yield _given(donor(part.at, part.length), part)
        finally:
            for future in under_way:
                future.cancel()


def _parts(one: Segment) -> Iterator[Segment]:
    for offset in range(0, one.length, _PART):
        yield Segment(one.start + offset, min(_PART, one.length - offset), None if one.at is None else one.at + offset)


def _given(piece: bytes, part: Segment) -> bytes:
    if len(piece) != part.length:
        raise StoreError("A file that parts are taken from changed meanwhile.", code="changed")
    return piece
