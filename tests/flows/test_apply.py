"""A library file applied by a run, as the form does it, and what a form changes of a subscription."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow_runs import Given, outcomes_of
from flows.apply import apply
from flows.remove_repository import remove_repository
from flows.subscribe import change_subscription
from flows.update import update
from isomanager.errors import PermanentError, UsageError
from isomanager.library.opening import library_in_use
from isomanager.model import Keep
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect


def declared(folder: Path, keep: int = 1) -> str:
    """A library with an archive and one subscription."""
    return (
        f"repositories:\n- name: old\n  url: {folder / 'old'}\n"
        f"subscriptions:\n- select: sample-lantern\n  floor: mirror\n  keep: {keep}\n"
    )


def test_a_repository_is_shown_before_it_is_forgotten_and_its_files_stay(given: Given, tmp_path: Path) -> None:
    apply(library_file=declared(tmp_path), form="yaml")
    there = sorted((tmp_path / "old").rglob("*"))
    assert remove_repository(repository="old").obstacles == ()
    with library_in_use() as library:
        assert library.inventory.repository("old").name == "old", "a dry run unless told otherwise"
    assert str(tmp_path / "old") in remove_repository(repository="old", dry_run=False).remains
    with library_in_use() as library:
        assert [one.name for one in library.inventory.repositories()] == ["default"]
    assert sorted((tmp_path / "old").rglob("*")) == there


def test_a_library_file_is_shown_applied_once_and_then_changes_nothing(
    given: Given, upstream: SampleUpstream, tmp_path: Path
) -> None:
    shown = apply(library_file=declared(tmp_path), form="yaml", dry_run=True)
    assert {one.kind for one in shown} >= {"repository", "subscription"}
    assert not (tmp_path / "old").exists()
    apply(library_file=declared(tmp_path), form="yaml")
    assert {one.verb for one in apply(library_file=declared(tmp_path), form="yaml")} == {"keep"}
    again = apply(library_file=declared(tmp_path, keep=2), form="yaml")
    (changed,) = [one for one in again if one.verb != "keep"]
    assert (changed.kind, changed.verb) == ("subscription", "change")
    assert outcomes_of(update()) == {"sample-lantern": "published"}


def test_what_cannot_be_done_turns_the_run_red_and_a_file_that_is_none_changes_nothing(
    given: Given, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match="nowhere"):
        apply(library_file=f"repositories:\n- name: nowhere\n  url: {tmp_path / 'file' / 'below'}\n", form="yaml")
    with pytest.raises(UsageError):
        apply(library_file="subscriptions:\n- select: sample-lantern\n  kep: 1\n", form="yaml")
    with library_in_use() as library:
        assert [one.name for one in library.inventory.repositories()] == ["default"]


def test_a_form_changes_what_is_kept_and_where_old_versions_go(
    given: Given, upstream: SampleUpstream, tmp_path: Path
) -> None:
    apply(library_file=declared(tmp_path), form="yaml")
    (changed,) = change_subscription(
        what=["sample-lantern"], keep_days=7, keep_minors=2, old="archive", archive="old", tags=["lab"]
    )
    assert (changed.keep, changed.old, changed.archive) == (Keep(last=1, days=7, per_minor=2), "archive", "old")
    (changed,) = change_subscription(what=["tag:lab"], keep_days=0, keep_minors=0)
    assert (changed.keep, changed.archive) == (Keep(last=1), "old")
    update()
    upstream.publish("lantern")
    update()
    with library_in_use() as library:
        held = [(one.repository, one.state.value) for one in library.inventory.copies(product="sample-lantern")]
    assert sorted(held) == [("default", "held"), ("default", "trashed"), ("old", "held")]
