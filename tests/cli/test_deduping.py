"""`isomanager dedupe`, as a person runs it on what a repository holds twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from command import Isomanager
from custom_images import hold_twice
from isomanager.library.opening import Library
from isomanager.model import Copy
from isomanager.settings import load_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="inodes are of POSIX")


@pytest.fixture
def twins() -> tuple[Copy, ...]:
    """One image under two names."""
    with Library(load_settings()) as library:
        return hold_twice(library)


def file_of(copy: Copy) -> Path:
    return Path(load_settings().default_repository, copy.path)


@pytest.mark.prefect
def test_two_names_become_one_file_and_a_second_run_finds_nothing_to_do(
    prefect_server: str, isomanager: Isomanager, here: Isomanager, twins: tuple[Copy, ...]
) -> None:
    first, second = twins
    (done,) = isomanager("dedupe", "--way", "hardlink", "--json").well().json["outcomes"]
    assert (done["outcome"], done["code"], done["path"]) == ("current", "hardlink", second.path)
    assert f"{second.size} bytes are free" in done["reason"]
    assert file_of(first).samefile(file_of(second))
    (again,) = here("dedupe", "--json").well().json["outcomes"]
    assert (again["outcome"], again["code"]) == ("skipped", "shared")
    assert [one["state"] for one in here("list", "--json").well().json] == ["held", "held"]


def test_a_dry_run_says_what_would_be_shared_and_leaves_it(here: Isomanager, twins: tuple[Copy, ...]) -> None:
    first, second = twins
    (told,) = here("dedupe", "default", "--dry-run", "--json").well().json["outcomes"]
    assert (told["path"], told["code"]) == (second.path, "")
    assert f"would share its {second.size} bytes: the same bytes as {first.path}" in told["reason"]
    assert not file_of(first).samefile(file_of(second))


def test_without_anything_held_twice_nothing_is_started(here: Isomanager) -> None:
    here("init").well()
    assert here("dedupe", "--json").well().json["outcomes"] == []


def test_an_unknown_repository_is_named(here: Isomanager) -> None:
    told = here("dedupe", "nowhere")
    assert told.code != 0
    assert "nowhere" in told.err
