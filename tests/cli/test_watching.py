"""`status`, `runs` and `doctor` without any Prefect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import Isomanager
from deployments.server import free_port
from isomanager.library.opening import Library
from isomanager.library.recording import recorded
from isomanager.library.subscribing import subscribe
from isomanager.model import Outcome, OutcomeKind, Selector
from isomanager.settings import load_settings


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


@pytest.fixture
def remembered() -> None:
    """A library that wants something and remembers one run, in which an image failed."""
    with Library(load_settings()) as library:
        subscribe(library, Selector.parse("debian"))
        with recorded(library, "update") as record:
            record((Outcome(outcome=OutcomeKind.FAILED, selector="debian", reason="the line was cut"),))


def test_an_empty_library_has_nothing_to_tell_and_no_alarm(here: Isomanager) -> None:
    told = here("status")
    assert (told.code, "No image is being worked on." in told.out) == (0, True)
    assert "No runs yet." in here("runs", "list").out


def test_a_library_that_wants_something_and_never_ran_raises_the_alarm(here: Isomanager) -> None:
    here("subscribe", "debian")
    told = here("status", "--json")
    assert told.code == 1
    assert "No run has ever been finished" in json.loads(told.out)["alarm"]


@pytest.mark.usefixtures("remembered")
def test_runs_are_listed_and_shown_with_what_became_of_each_image(here: Isomanager) -> None:
    (run,) = json.loads(here("runs", "list", "--json").out)["runs"]
    assert (run["name"], run["state"]) == ("update", "finished")
    assert "1 failed" in here("runs", "list").out
    assert "the line was cut" in here("runs", "show", run["id"][:6]).out
    assert here("status").code == 0


def test_what_is_not_there_cannot_be_shown_or_cancelled(here: Isomanager) -> None:
    assert "remembers no run called 'xyz'" in here("runs", "show", "xyz").err
    told = here("runs", "cancel", "xyz")
    assert (told.code, "No Prefect server answers" in told.err) == (2, True)


def test_the_doctor_finds_a_new_library_well_and_says_what_every_part_is(here: Isomanager) -> None:
    told = here("doctor", "--json")
    found = {one["name"]: one for one in json.loads(told.out)}
    assert told.code == 0, found
    assert {
        "server",
        "configuration",
        "database",
        "repository default",
        "keys",
        "catalogue",
        "versions",
    } <= found.keys()
    assert found["server"]["state"] == "warn"
    assert "revision" in found["database"]["told"]


def test_the_doctor_says_what_is_wrong_and_what_to_do(
    here: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("doctor")
    library = tmp_path / "library"
    for file in sorted(library.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    library.rmdir()
    library.write_text("in the way")
    monkeypatch.setenv("PREFECT_API_URL", f"http://me:hush@127.0.0.1:{free_port()}/api")
    monkeypatch.setenv("ISOMANAGER_LOW_SPACE", str(1 << 60))
    told = here("doctor")
    assert told.code == 1
    assert "which does not answer" in " ".join(told.out.split())
    assert "hush" not in told.out
    assert "isomanager repository check default" in told.out
    assert "free" in told.out.partition("data folder")[2]


def test_the_doctor_can_be_asked_when_the_configuration_is_unusable(
    here: Isomanager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_RETRY_COUNT", "many")
    told = here("doctor")
    assert told.code == 1
    assert "retry_count" in told.out
