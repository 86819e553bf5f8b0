from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from domain_update import update
from isomanager.library.indexing import refresh_indexes
from isomanager.library.leasing import leased
from isomanager.library.opening import Library
from isomanager.library.repositories import add_repository
from isomanager.library.site_keys import site_key, site_key_file
from isomanager.settings import load_settings
from library.conftest import SERVER, PlanFor


def test_every_repository_describes_itself_and_is_rewritten_only_when_it_changed(
    library: Library, plan_for: PlanFor, repository: Path, tmp_path: Path
) -> None:
    add_repository(library, "second", str(tmp_path / "second"))
    plan_for(SERVER)
    update(library)
    assert json.loads((tmp_path / "second" / "inventory.json").read_text())["isos"] == []
    assert len(json.loads((repository / "inventory.json").read_text())["isos"]) == 1
    assert refresh_indexes(library) == ()
    (repository / "SHA256SUMS").write_text("not ours\n")
    assert refresh_indexes(library) == ("default: SHA256SUMS",)


def test_what_another_process_is_indexing_is_left_to_it_and_told(library: Library, another: Library) -> None:
    with leased(another, "indexes:default"):
        (told,) = refresh_indexes(library)
    assert "were not rewritten" in told
    assert len(refresh_indexes(library)) == 3


def test_a_repository_that_is_away_does_not_stop_the_others(library: Library, tmp_path: Path) -> None:
    add_repository(library, "aaa-away", str(tmp_path / "away"))
    shutil.rmtree(tmp_path / "away")
    told = refresh_indexes(library)
    assert told[0].startswith("aaa-away: the indexes were not rewritten")
    assert len(told) == 4


def test_indexes_can_be_switched_off(library: Library, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_AUTO_UPDATE_INVENTORY", "false")
    with Library(load_settings()) as quiet:
        assert refresh_indexes(quiet) == ()
    assert not (repository / "SHA256SUMS").exists()


def test_sums_are_signed_from_the_run_after_the_site_got_a_key_until_it_has_none(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    plan_for(SERVER)
    update(library)
    assert not (repository / "SHA256SUMS.minisig").exists()
    key = site_key(library, create=True)
    assert "default: SHA256SUMS.minisig" in refresh_indexes(library)
    command = ["minisign", "-V", "-m", str(repository / "SHA256SUMS"), "-P", key.public]
    subprocess.run(command, check=True, capture_output=True)
    site_key_file(library).unlink()
    assert "default: SHA256SUMS.minisig" in refresh_indexes(library)
    assert not (repository / "SHA256SUMS.minisig").exists()


def test_each_repository_publishes_the_forms_that_the_settings_name_for_it(
    library: Library, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_repository(library, "second", str(tmp_path / "second"))
    monkeypatch.setenv("ISOMANAGER_PUBLICATIONS", json.dumps({"*": ["atom"], "second": ["pulp", "atom"]}))
    with Library(load_settings()) as publishing:
        refresh_indexes(publishing)
    assert (repository / "feed.xml").exists()
    assert not (repository / "PULP_MANIFEST").exists()
    assert {"feed.xml", "PULP_MANIFEST"} <= {one.name for one in (tmp_path / "second").iterdir()}
