"""`isomanager catalogue add` and `remove`, from a file, from standard input, by answers."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest

from command import Isomanager
from isomanager.sample.upstream import SampleUpstream

FLAT = """
id = "flat"
name = "Flat"
family = "appliance"
source = { allow_http = true, allow_private = true }
[[offers]]
strategy = "listing"
file = 'beacon-ve_(?P<version>\\d+\\.\\d+-\\d+)\\.iso'
steps = [{ url = "@BASE@/beacon/iso/" }]
[[proof]]
document = "{folder}SHA256SUMS"
"""


def own(tmp_path: Path) -> Path:
    return tmp_path / "data" / "catalogue"


def test_a_file_is_added_tried_and_used(here: Isomanager, upstream: SampleUpstream, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FLAT.replace("@BASE@", upstream.url))
    told = here("catalogue", "add", "mine.toml").well().out
    assert "Added flat" in told
    assert "beacon-ve_9.2-1.iso" in told
    assert (own(tmp_path) / "flat.toml").read_text() == (tmp_path / "mine.toml").read_text()
    assert here("catalogue", "resolve", "flat", "--json").well().json["version"] == "9.2-1"
    assert "flat" in {one["id"] for one in here("catalogue", "list", "--json").well().json}


def test_json_comes_from_standard_input(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps(tomllib.loads(FLAT.replace("@BASE@", upstream.url)))
    monkeypatch.setattr("sys.stdin", io.StringIO(body))
    told = here("catalogue", "add", "-", "--json").well().json
    assert (told["product"], told["check"]["health"]["state"]) == ("flat", "ok")
    assert tomllib.loads((own(tmp_path) / "flat.toml").read_text()) == json.loads(body)


def test_questions_are_answered_with_what_was_guessed_unless_one_knows_better(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"{upstream.url}/beacon/iso"
    answers = [f"{base}/beacon-ve_9.2-1.iso", "my-beacon", "", "appliance", f"{base}/SHA256SUMS", ""]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    told = here("catalogue", "add").well()
    assert "Read as version 9.2-1" in told.err
    assert "Added my-beacon" in told.out
    assert here("catalogue", "resolve", "my-beacon", "--json").well().json["filename"] == "beacon-ve_9.2-1.iso"


def test_where_nobody_answers_it_says_what_to_do(here: Isomanager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    told = here("catalogue", "add")
    assert told.code == 2
    assert "Name a product file" in told.err


def test_what_does_not_resolve_yet_is_kept_and_told(here: Isomanager, upstream: SampleUpstream, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FLAT.replace("@BASE@/beacon", f"{upstream.url}/nowhere"))
    told = here("catalogue", "add", "mine.toml")
    assert told.code == 1
    assert "does not resolve yet" in told.err
    assert (own(tmp_path) / "flat.toml").exists()
    assert here("catalogue", "add", "mine.toml", "--force", "--no-check").code == 0


def test_a_wrong_file_is_told_file_field_and_what_would_be_right(here: Isomanager, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FLAT.replace('"appliance"', '"gadget"'))
    told = here("catalogue", "add", "mine.toml")
    assert told.code == 1
    for part in ("mine.toml", "family", "'linux'", "'appliance'"):
        assert part in told.err
    assert here("catalogue", "add", "nowhere.toml").code == 2


def test_one_s_own_product_is_removed_and_a_bundled_one_is_not(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(FLAT.replace("@BASE@", upstream.url))
    here("catalogue", "add", "mine.toml", "--no-check").well()
    here("catalogue", "remove", "Flat").well()
    assert not list(own(tmp_path).glob("*.toml"))
    assert here("catalogue", "remove", "debian").code == 2
