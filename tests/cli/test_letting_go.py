"""What stays and what goes, from the terminal: pins, freezing, why, the trash, the quarantine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from command import Isomanager
from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import CopyState, Selector
from isomanager.sample.upstream import SampleUpstream

SERVER = "sample-orchard/server@lts"


@pytest.fixture
def path(library: Library) -> str:
    """The one image that is held."""
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (copy,) = library.inventory.copies(states={CopyState.HELD})
    return copy.path


def test_pins_are_made_listed_and_released(here: Isomanager, path: str) -> None:
    assert "Nothing is pinned" in here("pins").well().out
    (pinned,) = here("pin", path, "--reason", "exam", "--until", "90d", "--json").well().json
    assert (pinned["kind"], pinned["covers"], pinned["reason"]) == ("pin", [path], "exam")
    (held,) = here("hold", SERVER, "--json").well().json
    assert (held["text"], held["covers"]) == (SERVER, [path])
    assert [one["id"] for one in here("pins", "--json").well().json] == [pinned["id"], held["id"]]
    assert "exam" in here("pins").well().out
    here("release", path).well()
    here("release", held["id"]).well()
    assert here("pins", "--json").well().json == []
    assert here("release", path).code == 2
    assert here("pin", "no-such-thing").code == 2


def test_freezing_is_told_and_taken_back(here: Isomanager, path: str) -> None:
    assert here("freeze", "--reason", "moving", "--json").well().json["reason"] == "moving"
    assert here("unfreeze", "--json").well().json == {"was_frozen": True}
    assert "not frozen" in here("unfreeze").well().out


def test_why_gives_reasons_for_people_and_machines(here: Isomanager, path: str) -> None:
    (told,) = here("why", path, "--json").well().json
    assert (told["fate"], told["path"]) == ("stays", path)
    assert {"code", "reason", "change"} == set(told["reasons"][0])
    shown = here("why", SERVER).well().out
    assert "would change" in shown
    assert "does not prove" in shown
    assert here("why", "never-heard-of").code == 2


def test_a_subscription_tells_its_policy(here: Isomanager, path: str) -> None:
    here("subscribe", SERVER, "--keep", 2, "--keep-majors", 3, "--json").well()
    assert "2, one for each of 3 major versions" in here("subscriptions").well().out
    assert here("subscribe", SERVER, "--old", "archive").code == 2


@pytest.mark.prefect
def test_what_was_retired_is_restored_in_one_command(
    here: Isomanager, library: Library, upstream: SampleUpstream, path: str, prefect_server: str
) -> None:
    upstream.publish("orchard")
    update(library)
    (listed,) = here("trash", "list", "--json").well().json
    assert (listed["path"], listed["state"]) == (path, "trashed")
    assert "replaces it" in here("trash", "list").well().out
    report = here("trash", "restore", path, "--json").well().json
    assert [one["code"] for one in report["outcomes"]] == ["restored"]
    assert (Path(library.store("default").url) / path).exists()
    assert "empty" in here("trash", "list").well().out
    assert here("trash", "empty").code == 2
    assert here("trash", "restore", path).code == 2


def test_refusals_are_listed_shown_and_released(here: Isomanager, library: Library, upstream: SampleUpstream) -> None:
    assert "No image was refused" in here("quarantine", "list").well().out
    subscribe(library, Selector.parse(SERVER))
    upstream.fault("flip-bit", "*.iso")
    update(library)
    (one,) = here("quarantine", "list", "--json").well().json
    assert one["id"] in here("quarantine", "list").well().out
    assert one["fingerprint"] in here("quarantine", "show", one["id"]).well().out
    assert here("quarantine", "release", one["id"], "--json").well().json[0]["image"] == one["image"]
    assert here("quarantine", "show", one["id"]).code == 2


def test_what_is_supported_no_longer_is_listed(here: Isomanager, library: Library, path: str) -> None:
    assert "is supported" in here("list", "--eol").well().out
    assert here("list", "--eol", "--json").well().json == []
    end = library.now().date() - timedelta(days=3)
    (one,) = library.inventory.copies(states={CopyState.HELD})
    (folder,) = library.settings.catalogue_folders
    file = next(file for file in folder.rglob("*.toml") if f'id = "{one.title.product}"' in file.read_text())
    file.write_text(f'{file.read_text()}\n[[lifecycle]]\nversion = "{one.title.version}"\neol = "{end}"\n')
    (told,) = here("list", "--eol", "--json").well().json
    assert (told["id"], told["eol"]) == (one.id, str(end))
    assert f"ended {end}" in here("list", "--eol").well().out
