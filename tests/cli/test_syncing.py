"""`isomanager sync` and `isomanager site`, as a person runs them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from command import Isomanager


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

    planned = isomanager("sync", "default", "europe", "--dry-run", "--json").well().json["outcomes"]
    assert {(one["repository"], one["code"]) for one in planned} == {("branch", "copy"), ("down", "copy")}
    (tmp_path / "down").rename(tmp_path / "gone")
    done = isomanager("sync", "default", "europe", "--json")
    told = {one["repository"]: one for one in done.json["outcomes"]}
    assert (done.code, told["branch"]["outcome"], told["down"]["outcome"]) == (1, "published", "failed")
    (copy,) = isomanager("list", "--repository", "branch", "--json").well().json
    assert (copy["product"], copy["source"]) == ("lab", "sync")
    assert (tmp_path / "branch" / copy["path"]).read_bytes() == b"lab" * 1000
    assert "lab" in (tmp_path / "branch" / "SHA256SUMS").read_text()


def test_names_that_fit_nothing_are_refused_at_once(here: Isomanager) -> None:
    assert here("sync", "default", "nowhere").code == 2
    assert here("sync", "default", "default").code == 2
    assert here("site", "add", "europe", "nowhere").code == 1
    assert here("site", "remove", "europe").code == 1
