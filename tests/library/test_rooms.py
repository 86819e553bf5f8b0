"""Quotas hold, count the trash, and repositories that are nearly full are named."""

from __future__ import annotations

import pytest

from domain_update import answers, update
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan
from isomanager.library.rooms import nearly_full, room_of
from isomanager.library.subscribing import subscribe
from isomanager.library.trash import empty, trashed
from isomanager.model import ActionKind, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from library.conftest import SERVER, held


def test_a_quota_refuses_what_it_has_no_room_for_until_the_trash_is_emptied(
    library: Library, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (first,) = held(library)
    upstream.publish("orchard")
    update(library)
    upstream.publish("orchard")
    size = first.size or 0
    monkeypatch.setenv("ISOMANAGER_QUOTAS", f'{{"default": {size * 5 // 2}}}')
    with Library(load_settings()) as bounded:
        (refused,) = make_plan(bounded, answers(bounded)).actions
        assert (refused.kind, refused.code) == (ActionKind.FAIL, "no-space")
        assert "trash empty" in refused.reason
        (full,) = [one for one in nearly_full(bounded) if one.limit == "its quota"] or [None]
        assert full is None, "four fifths are no warning"
        empty(bounded, trashed(bounded))
        assert room_of(bounded, "default").reclaimable().trash == 0
        assert make_plan(bounded, answers(bounded)).of_kind(ActionKind.DOWNLOAD)


def test_a_repository_that_is_nearly_full_is_named(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (copy,) = held(library)
    monkeypatch.setenv("ISOMANAGER_QUOTAS", f'{{"default": {copy.size}}}')
    monkeypatch.setenv("ISOMANAGER_SPACE_WARNING", "1.0")
    with Library(load_settings()) as bounded:
        (full,) = nearly_full(bounded)
        assert (full.repository, full.used, full.share, full.limit) == ("default", copy.size, 1.0, "its quota")
