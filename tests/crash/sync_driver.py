"""A sync of small images from the default repository into `branch`, in a process that can kill itself at a named point of it.

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
from isomanager.model import Outcome
from isomanager.planning.syncing import SyncKind, SyncMode

_GROUPS = "isomanager.inventory.groups:GroupRecords"
_TREE = "isomanager.storage.local_tree:LocalTree"


def _image(_tree: object, _aside: str, final: str, _data: bytes) -> bool:
    return final.endswith(".iso")


POINTS = {
    "a receipt kept": Point(f"{_TREE}.put_new"),
    "announced": Point(f"{_GROUPS}.announce_all"),
    "named": Point("isomanager.storage.local_tree:name_new", nth=6),
    "one of them there": Point(f"{_TREE}.put_new", when=_image),
    "not recorded": Point(f"{_GROUPS}.record_all", before=True),
    "retiring noted": Point(f"{_GROUPS}.transition_all"),
    "one in the trash": Point("isomanager.storage.local:LocalStore.move"),
}


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
            arm(POINTS[name])
        mirror(library)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
