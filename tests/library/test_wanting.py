"""Every way to want something: once, the newest, a series that stays, channels, one release behind, several side by side."""

from __future__ import annotations

import pytest

from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, CopyState, Selector
from isomanager.sample.upstream import SampleUpstream

WAYS = {
    "sample-orchard/server": "26.10",
    "sample-orchard/server@stable": "26.10",
    "sample-orchard/server@latest": "26.10",
    "sample-orchard/server@lts": "26.04.1",
    "sample-orchard/server@26": "26.10",
    "sample-orchard/server@24.04": "24.04.3",
    "sample-orchard/server@24.04.2": "24.04.2",
    "sample-orchard/server@preview": "27.04-beta",
    "sample-orchard/server@previous": "26.04.1",
}


def versions(library: Library) -> set[str]:
    return {one.title.version.text for one in library.inventory.copies(states={CopyState.HELD})}


@pytest.mark.parametrize(("selector", "version"), WAYS.items())
def test_each_way_to_want_brings_its_version(library: Library, selector: str, version: str) -> None:
    subscribe(library, Selector.parse(selector), floor=Assurance.MIRROR)
    update(library)
    assert versions(library) == {version}


def test_several_ways_stand_side_by_side(library: Library, upstream: SampleUpstream) -> None:
    for selector in WAYS:
        subscribe(library, Selector.parse(selector), floor=Assurance.MIRROR)
    update(library)
    assert versions(library) == set(WAYS.values())
    upstream.publish("orchard")
    update(library)
    assert versions(library) >= {"26.10", "26.04.2", "24.04.3", "24.04.2", "27.04-beta"}


def test_a_minor_version_is_kept_current(library: Library, upstream: SampleUpstream) -> None:
    subscribe(library, Selector.parse("sample-orchard/server@26.04"), floor=Assurance.MIRROR)
    for version in ("26.04.1", "26.04.2", "26.04.3"):
        update(library)
        assert versions(library) == {version}
        upstream.publish("orchard")
