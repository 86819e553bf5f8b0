"""An update, step by step as the tasks do it, in a process that can kill itself with SIGKILL at a named point of it.

usage: python driver.py [--check] [POINT]

With --check every held image is proved again in place of the update.

The points wrap functions of store, inventory and transfer at run time; the code under test knows nothing of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from typing import Any

from domain_update import update
from isomanager.library.checking import check_copy
from isomanager.library.opening import library_in_use
from isomanager.model import CopyState
from isomanager.transfer.limits import Limits


@dataclass(frozen=True)
class Point:
    """Where to die: `before` or `after` the `nth` call of `target` (`module:name`) for which `when` holds."""

    target: str
    before: bool = False
    nth: int = 1
    when: Callable[..., bool] = lambda *_, **__: True
    torn: bool = False


def _to(state: CopyState) -> Callable[..., bool]:
    return lambda _inventory, _copy_id, to, **_: to is state


def _image(place: object) -> bool:
    return str(place).endswith(".iso") and "trash" not in str(place)


def _has_two_pieces(partial: Any) -> bool:
    return bool(partial._extents.contiguous >= 2 << 20)


_COPIES = "isomanager.inventory.copies:CopyRecords"
_STORE = "isomanager.storage.local:LocalStore"
_PARTIAL = "isomanager.storage.tree_partial:TreePartial"

ARCHIVE = "old"
"""The repository that replaced versions are archived in, where a test has one."""

POINTS = {
    # reserving and downloading
    "nothing reserved yet": Point(f"{_COPIES}.reserve", before=True),
    "reserved": Point(f"{_COPIES}.reserve"),
    "leased": Point("isomanager.inventory.leases:LeaseRecords.acquire_all"),
    "partial begun": Point(f"{_STORE}.begin"),
    "first piece written": Point(f"{_PARTIAL}.write"),
    "first piece durable": Point(f"{_PARTIAL}.checkpoint"),
    "second piece torn": Point("isomanager.storage.durable:PositionedFile.write_at", nth=2, torn=True),
    "second piece durable": Point(f"{_PARTIAL}._remember", when=lambda partial, *_: _has_two_pieces(partial)),
    "third piece written": Point(f"{_PARTIAL}.write", nth=3),
    "checkpoint's note torn": Point("isomanager.storage.tree_partial:write_note_durably", before=True),
    # receiving
    "received, not noted": Point(f"{_COPIES}.transition", before=True, when=_to(CopyState.RECEIVED)),
    "received noted": Point(f"{_COPIES}.transition", when=_to(CopyState.RECEIVED)),
    "receipt kept": Point("isomanager.library.registering:keep_receipt"),
    # publishing
    "publishing noted": Point(f"{_COPIES}.transition", when=_to(CopyState.PUBLISHING)),
    "sealed": Point(f"{_PARTIAL}._seal"),
    "linked": Point("os:link", when=lambda _source, place: _image(place)),
    "placed": Point(f"{_STORE}._place", when=lambda _store, _source, path: _image(path)),
    "published": Point(f"{_PARTIAL}.publish"),
    "recording": Point("isomanager.inventory.copies:write_receipts"),
    "recorded": Point(f"{_COPIES}.record_published"),
    "discarded": Point(f"{_PARTIAL}.discard"),
    # retiring
    "retiring noted": Point(f"{_COPIES}.transition", when=_to(CopyState.RETIRING)),
    "half in the trash": Point("os:link", when=lambda _source, place: "trash" in str(place)),
    "moved to the trash": Point(f"{_STORE}.move"),
    "trashed noted": Point(f"{_COPIES}.transition", when=_to(CopyState.TRASHED)),
    # indexing
    "no index written": Point(f"{_STORE}.replace_small", before=True),
    "sums written": Point(f"{_STORE}.replace_small", when=lambda _store, path, *_, **__: path == "SHA256SUMS"),
    "inventory written aside": Point(f"{_STORE}._write_aside", when=lambda _store, data: b'"isos"' in data),
    "inventory written": Point(f"{_STORE}.replace_small", when=lambda _store, path, *_, **__: path == "inventory.json"),
    "all done": Point("isomanager.library.indexing:write_indexes"),
    # aliases, before anything goes
    "alias made aside": Point("pathlib:Path.symlink_to"),
    "alias switched": Point(f"{_STORE}.point"),
    # archiving what goes
    "archive reserved": Point(f"{_COPIES}.reserve", when=lambda _inventory, copy, *_: copy.repository == ARCHIVE),
    "archive published, not recorded": Point(f"{_COPIES}.record_published", before=True, nth=2),
    "archived, not retired": Point("isomanager.library.archiving:archive_copy"),
    # setting aside what is damaged
    "suspect noted": Point(f"{_COPIES}.transition", when=_to(CopyState.SUSPECT)),
    "half set aside": Point("os:link", when=lambda _source, place: "damaged" in str(place)),
    # a refusal
    "refusal noted": Point("isomanager.inventory.quarantine:QuarantineRecords.quarantine"),
    # the first time they go for a second look
    "refused bytes discarded": Point(f"{_PARTIAL}.discard", nth=2),
    "refused row gone": Point(f"{_COPIES}.transition", when=_to(CopyState.GONE)),
    # recovery itself
    "adopting": Point(f"{_COPIES}.record_published", before=True),
    "recovery's reading": Point("isomanager.library.recovering:digests_of"),
}


def arm(point: Point) -> None:
    """Let the process kill itself at `point`."""
    module, _, name = point.target.partition(":")
    *owners, last = name.split(".")
    owner: Any = import_module(module)
    for one in owners:
        owner = getattr(owner, one)
    setattr(owner, last, _deadly(getattr(owner, last), point))


def _deadly(acting: Callable[..., Any], point: Point) -> Callable[..., Any]:
    calls = 0

    @wraps(acting)
    def dying(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += point.when(*given, **named)
        now = calls == point.nth and point.when(*given, **named)
        if now and point.torn:
            file, offset, buffer = given
            acting(file, offset, memoryview(buffer)[: len(buffer) // 2])
        if now and (point.before or point.torn):
            die()
        given_back = acting(*given, **named)
        if now:
            die()
        return given_back

    return dying


def die() -> None:
    """As by `kill -9`: nothing is flushed, no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Update, dying where told."""
    patient = Limits.of
    # sample images are small: checkpoints come with every piece, not every 64 MiB
    Limits.of = lambda settings: replace(patient(settings), checkpoint_bytes=1)  # type: ignore[method-assign]
    with library_in_use() as library:
        assert library.inventory, "opened and migrated before the point is armed"
        for name in arguments:
            if name != "--check":
                arm(POINTS[name])
        if "--check" in arguments:
            for copy in library.inventory.copies(states={CopyState.HELD}):
                check_copy(library, copy)
        else:
            update(library)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
