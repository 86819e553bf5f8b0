"""Sources are added, ordered, tested and removed from the terminal."""

from __future__ import annotations

from pathlib import Path

from command import Isomanager
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.sample.upstream import SampleUpstream


def test_a_source_is_added_preferred_tested_and_removed(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    with SampleServer(ServedFolder(folder)) as mirror:
        added = here("source", "add", "InternalMirror", mirror.url, "--maps", "name", "--json").well().json
        assert (added["name"], added["base"], added["maps"]) == ("InternalMirror", mirror.url, "name")
        ordered = here("source", "prefer", "InternalMirror", "Microsoft", "Direct", "--json").well().json
        assert [one["name"] for one in ordered] == ["InternalMirror", "vendor"]
        assert mirror.url in here("source", "list").well().out
        (reached,) = here("source", "test", "--json").well().json
        assert reached["ok"]
        lacking = here("source", "test", "InternalMirror", "--image", "sample-orchard/server@lts", "--json")
        assert (lacking.code, lacking.json[0]["ok"]) == (1, False)
        assert "404" in lacking.json[0]["told"]
    here("source", "remove", "InternalMirror").well()
    assert [one["name"] for one in here("source", "list", "--json").well().json] == ["vendor"]


def test_a_source_with_a_secret_in_its_address_is_refused(here: Isomanager) -> None:
    refused = here("source", "add", "internal", "https://me:hunter2@mirror.example/")
    assert refused.code == 2
    assert "hunter2" not in refused.out + refused.err
