"""Another layout moves what is held inside a real store, and a crash in between leaves no lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain_update import update
from isomanager.errors import ConfigurationError
from isomanager.inventory.searching import CopySearch
from isomanager.library.opening import Library
from isomanager.library.recovering import recover
from isomanager.library.relocating import move_copy, plan_layout, set_layout
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, CopyState, OutcomeKind, Selector
from isomanager.storage.layout_checking import check_layout


@pytest.fixture
def filled(library: Library) -> Library:
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    return library


def held(library: Library) -> dict[str, Copy]:
    return {one.path: one for one in library.inventory.search(CopySearch())}


def test_images_move_to_where_the_new_layout_wants_them(filled: Library, repository: Path) -> None:
    before = held(filled)
    moves = plan_layout(filled, "default", "by-type")
    assert {one.path for one in moves} == set(before)
    set_layout(filled, "default", "by-type")
    told = [move_copy(filled, "default", one) for one in moves]
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}
    after = held(filled)
    assert {(one.title, one.sha256, one.assurance, one.source) for one in after.values()} == {
        (one.title, one.sha256, one.assurance, one.source) for one in before.values()
    }
    assert all((repository / path).is_file() for path in after)
    assert not any((repository / path).exists() for path in before)
    assert plan_layout(filled, "default", "by-type") == ()


def test_a_plan_that_is_out_of_date_moves_nothing(filled: Library) -> None:
    first, second = plan_layout(filled, "default", "by-type")
    assert move_copy(filled, "default", first).outcome is OutcomeKind.PUBLISHED
    assert move_copy(filled, "default", first).outcome is OutcomeKind.SKIPPED
    assert move_copy(filled, "default", second).outcome is OutcomeKind.PUBLISHED


class Died(BaseException):
    """As a kill would."""


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_crash_while_moving_leaves_the_image_held_once(
    filled: Library, repository: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    store = filled.store("default")
    moving = store.move

    def dies(source: str, destination: str) -> Any:
        if point == "after":
            moving(source, destination)
        raise Died

    monkeypatch.setattr(store, "move", dies)
    (move, *_) = plan_layout(filled, "default", "by-type")
    with pytest.raises(Died):
        move_copy(filled, "default", move)
    monkeypatch.undo()
    assert recover(filled)
    there = [path for path in (move.path, move.wanted) if (repository / path).is_file()]
    copies = [one for path, one in held(filled).items() if path in (move.path, move.wanted)]
    assert [(one.path, one.state) for one in copies] == [(there[0], CopyState.HELD)]
    assert len(there) == 1


@pytest.mark.parametrize(
    "layout", ["default", "by-type", "by-date", "by-version", "upstream-name", "{Name}/{version}.iso"]
)
def test_layouts_that_work_are_accepted(layout: str) -> None:
    check_layout(layout)


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ("by-colour", "no layout"),
        ("{colour}/{name}.iso", "unknown field"),
        ("../{name}.iso", "not a relative path"),
        ("images/all.iso", "no layout"),
        ("{Family}/image.iso", "same name"),
        ("/".join(["{Name} {flavor} {version}"] * 6), "bytes"),
        ('{"Production": 7}', "custom tree"),
        ("{}", "is empty"),
        ("CON/{name}-{version}.iso", "Windows reserves"),
        ("{Name}/nul.{name}", "Windows reserves"),
        ("{Name}/{filename}.", "ends in a dot"),
        ("x" * 300 + "/{name}", "bytes"),
        ('{"NUL": {"Linux": ["*"]}}', "Windows reserves"),
        ('{"../x": {"Linux": ["*"]}}', "'..' part"),
        ('{"A": {"/etc": ["*"]}}', "empty"),
    ],
)
def test_layouts_that_do_not_work_are_refused_before_a_repository_has_them(layout: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        check_layout(layout)
