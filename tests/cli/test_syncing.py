"""`isomanager sync` and `isomanager site`, as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from command import LIMIT, Isomanager, command_line


@pytest.mark.prefect
def test_a_site_is_brought_in_step_and_one_that_is_down_is_told(
    prefect_server: str, isomanager: Isomanager, tmp_path: Path
) -> None:
    isomanager("init").well()
    library = Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"])
    (library / "lab.iso").write_bytes(b"lab" * 1000)
    isomanager("add", library / "lab.iso", "--name", "lab", "--version", "2").well()
    for name in ("branch", "down"):
        isomanager("repository", "create", tmp_path / name, "--name", name).well()
    isomanager("site", "add", "europe", "branch", "down", "--description", "Two branches").well()
    assert "branch, down" in isomanager("site", "list").well().out

    planned = isomanager("sync", "default", "europe", "--dry-run", "--json").well().json
    assert {(one["repository"], one["code"]) for one in planned["outcomes"]} == {("branch", "copy"), ("down", "copy")}
    assert [one["cost"] for one in planned["plan"]] == [3000, 3000]
    shown = isomanager("sync", "default", "europe", "--dry-run").well().out
    assert all(word in shown for word in ("2.9 KiB", "missing", "branch", "Copies 5.9 KiB"))
    (tmp_path / "down").rename(tmp_path / "gone")
    done = isomanager("sync", "default", "europe", "--json")
    told = {one["repository"]: one for one in done.json["outcomes"]}
    assert (done.code, told["branch"]["outcome"], told["down"]["outcome"]) == (1, "published", "failed")
    assert {name: one["failed"] for name, one in done.json["places"].items()} == {"branch": 0, "down": 1}
    (copy,) = isomanager("list", "--repository", "branch", "--json").well().json
    assert (copy["product"], copy["source"]) == ("lab", "sync")
    assert (tmp_path / "branch" / copy["path"]).read_bytes() == b"lab" * 1000
    assert "lab" in (tmp_path / "branch" / "SHA256SUMS").read_text()


@pytest.mark.prefect
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_after_kill_9_in_the_middle_the_next_sync_goes_on_where_it_was(
    prefect_server: str, isomanager: Isomanager, tmp_path: Path
) -> None:
    isomanager("init").well()
    library = Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"])
    whole = os.urandom(1 << 20) * 40
    (library / "lab.iso").write_bytes(whole)
    isomanager("add", library / "lab.iso", "--name", "lab", "--version", "2").well()
    isomanager("repository", "create", tmp_path / "branch", "--name", "branch").well()

    slow = {
        **os.environ,
        "ISOMANAGER_BANDWIDTH": str(1 << 20),
    }  # the first bytes are durable after ten seconds of forty
    words = command_line("sync", "default", "branch")
    told = tmp_path / "told"
    with told.open("wb") as log, subprocess.Popen(words, env=slow, stdout=log, stderr=log) as running:
        try:
            (unfinished, front) = until(lambda: durable_bytes(tmp_path / "branch"), running, told)
        finally:
            running.kill()
    assert 0 < front < len(whole)
    before = unfinished.stat().st_ino

    (outcome,) = isomanager("sync", "default", "branch", "--json").well().json["outcomes"]
    front = len(whole) - outcome["bytes"]
    assert (outcome["outcome"], front > 0) == ("published", True), "what was there already is not copied again"
    image = tmp_path / "branch" / outcome["path"]
    assert (image.stat().st_ino, image.read_bytes() == whole) == (before, True)


def durable_bytes(repository: Path) -> tuple[Path, int] | None:
    """The unfinished file and how much of it is durable; None before anything is."""
    for note in (repository / ".isomanager" / "partials").glob("*.json"):
        front = json.loads(note.read_text()).get("front", 0)
        if front:
            return note.with_suffix(".bin"), int(front)
    return None


def until(
    look: Callable[[], tuple[Path, int] | None], running: subprocess.Popen[bytes], told: Path
) -> tuple[Path, int]:
    """What `look` finds in the end; a command that ended before says why."""
    deadline = monotonic() + LIMIT
    while monotonic() < deadline:
        ended = running.poll()
        found = look()
        if found is not None:
            return found
        assert ended is None, f"ended with {ended} before anything was durable:\n{told.read_text()}"
        sleep(0.1)
    raise AssertionError(f"nothing was ever durable:\n{told.read_text()}")


def test_names_that_fit_nothing_are_refused_at_once(here: Isomanager) -> None:
    assert here("sync", "default", "nowhere").code == 2
    assert here("sync", "default", "default").code == 2
    assert here("site", "add", "europe", "nowhere").code == 1
    assert here("site", "remove", "europe").code == 1
