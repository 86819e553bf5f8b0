"""Bundles and the site's key, as a person uses them: what writes a bundle and what takes it in are processes of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from command import Isomanager


@pytest.mark.prefect
def test_a_bundle_is_carried_to_another_site(
    prefect_server: str, isomanager: Isomanager, here: Isomanager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("init").well()
    library = Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"])
    (library / "lab.iso").write_bytes(b"lab" * 100_000)
    here("add", library / "lab.iso", "--name", "lab", "--version", "2").well()
    bundle = tmp_path / "june.tar.zst"
    refused = here("export", "--bundle", bundle)
    assert (refused.code, "isomanager keys site" in refused.err) == (2, True)
    key = here("keys", "site", "--json").well().json
    assert (key["created"], here("keys", "site", "--json").well().json["public"]) == (True, key["public"])
    assert here("export", "--bundle", bundle, "--dry-run", "--json").well().json["totals"]["skipped"] == 1
    assert not bundle.exists()
    told = isomanager("export", "--bundle", bundle, "lab", "--json").well().json
    assert [(one["outcome"], one["reason"][:10]) for one in told["outcomes"]] == [("published", "compressed")]

    monkeypatch.setenv("ISOMANAGER_DATA_FOLDER", str(tmp_path / "island"))
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", str(tmp_path / "isos"))
    here("init").well()
    foreign = here("import", "--bundle", bundle)
    assert (foreign.code, "--key" in foreign.out + foreign.err) == (1, True)
    taken = isomanager("import", "--bundle", bundle, "--key", key["public"], "--json").well().json
    assert [one["outcome"] for one in taken["outcomes"]] == ["published"]
    assert (tmp_path / "isos" / taken["outcomes"][0]["path"]).read_bytes() == b"lab" * 100_000
    again = here("import", "--bundle", bundle, "--key", key["public"], "--json").well().json
    assert [one["outcome"] for one in again["outcomes"]] == ["current"]


def test_what_belongs_to_bundles_alone_is_refused_elsewhere(here: Isomanager, tmp_path: Path) -> None:
    assert here("export", tmp_path / "x.json", "--against", tmp_path / "y.json").code == 2
    assert here("import", tmp_path / "x.json", "--unsigned").code == 2
    assert here("import", "--bundle", tmp_path / "nowhere").code == 2
    assert here("import", "--bundle", tmp_path, "--key", "nonsense").code == 2
    assert here("export", "--bundle", tmp_path / "x", "--against", tmp_path / "nowhere.json").code == 2
