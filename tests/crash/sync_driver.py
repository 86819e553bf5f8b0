"""A sync of images from the default repository into `branch`, in a process that can kill itself at a named point of it.

usage: python sync_driver.py [POINT]
"""

from __future__ import annotations

import sys

from crash.driver import Point, arm
from isomanager.library.opening import Library, library_in_use
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import loads, plan_place
from isomanager.library.sync_sources import SyncSource
from isomanager.library.syncing import retire_extra
from isomanager.model import CopyState, Outcome
from isomanager.planning.syncing import SyncKind, SyncMode

_COPIES = "isomanager.inventory.copies:CopyRecords"
_PARTIAL = "isomanager.storage.tree_partial:TreePartial"
_GROUPS = "isomanager.inventory.groups:GroupRecords"
_TREE = "isomanager.storage.local_tree:LocalTree"


def _image(_tree: object, _aside: str, final: str) -> bool:
    return final.endswith(".iso")


POINTS = {
    "a receipt kept": Point(f"{_TREE}.name_new"),
    "announced": Point(f"{_GROUPS}.announce_all"),
    "images written aside": Point(f"{_TREE}.write_together", nth=2),
    "named": Point("isomanager.storage.local_tree:name_new", nth=6),
    "one of them there": Point(f"{_TREE}.name_new", when=_image),
    "not recorded": Point(f"{_GROUPS}.record_all", before=True),
    "retiring noted": Point(f"{_GROUPS}.transition_all"),
    "one in the trash": Point("isomanager.storage.local:LocalStore.move"),
}


LARGE_POINTS = {
    "half of it written": Point(f"{_PARTIAL}.write", nth=5),
    "closed, its note torn": Point("isomanager.storage.tree_partial:write_note_durably", before=True),
    "whole": Point(f"{_PARTIAL}.close"),
    "publishing noted": Point(
        f"{_COPIES}.transition", when=lambda _inventory, _copy, to, **_: to is CopyState.PUBLISHING
    ),
    "linked": Point("os:link", when=lambda _source, place: str(place).endswith(".iso")),
}
SHARING_POINTS = {
    "blocks shared": Point("isomanager.storage.local_tree:clone_file"),
    "blocks shared and noted": Point("isomanager.storage.tree_partials:PartialFolder.start_whole"),
}
ALL_POINTS = POINTS | LARGE_POINTS | SHARING_POINTS


def mirror(library: Library) -> list[Outcome]:
    """What the flow does, with everything that is small together."""
    source = SyncSource(library, "default")
    steps, seen = plan_place(library, source, "branch", SyncMode.MIRROR, max_deletes=100)
    surveys = {"branch": seen} if seen else {}
    outcomes = [one for load in loads(steps, surveys) for one in bring(library, source, load, surveys)]
    return [*outcomes, *retire_extra(library, [one for one in steps if one.kind is SyncKind.RETIRE])]


def main(arguments: list[str]) -> int:
    """Sync, dying where told."""
    with library_in_use() as library:
        assert library.inventory, "opened and migrated before the point is armed"
        for name in arguments:
            arm(ALL_POINTS[name])
        mirror(library)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
