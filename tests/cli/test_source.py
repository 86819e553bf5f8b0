"""Sources are added, ordered, tested and removed from the terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from command import Isomanager
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.sample.upstream import SampleUpstream
from isomanager.trust.site_key import create_site_key


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


def test_a_repository_of_another_isomanager_tells_which_site_signed_its_sums(
    here: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_site_key(tmp_path / "their.key", now=datetime.now(UTC))
    folder = tmp_path / "theirs"
    folder.mkdir()
    sums = f"{'5' * 64}  a.iso\n".encode()
    (folder / "SHA256SUMS").write_bytes(sums)
    (folder / "SHA256SUMS.minisig").write_bytes(key.sign(sums, comment="theirs"))
    with SampleServer(ServedFolder(folder)) as server:
        here("source", "add", "theirs", server.url).well()
        (stranger,) = here("source", "test", "--json").well().json
        assert "does not name" in stranger["told"]
        monkeypatch.setenv("ISOMANAGER_SITE_KEYS", json.dumps([key.public]))
        (known,) = here("source", "test", "--json").well().json
        assert f"signed by the site {key.public}" in known["told"]
        (folder / "SHA256SUMS").write_bytes(sums.replace(b"5", b"6"))
        (changed,) = (refused := here("source", "test", "--json")).json
        assert (refused.code, changed["ok"]) == (1, False)
        assert "does not hold" in changed["told"]


def test_a_source_with_a_secret_in_its_address_is_refused(here: Isomanager) -> None:
    refused = here("source", "add", "internal", "https://me:hunter2@mirror.example/")
    assert refused.code == 2
    assert "hunter2" not in refused.out + refused.err
