"""`isomanager export` and `isomanager import`, as a person runs them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from command import Isomanager


@pytest.mark.prefect
def test_a_library_is_exported_and_a_folder_of_images_imported(
    prefect_server: str, isomanager: Isomanager, here: Isomanager, tmp_path: Path
) -> None:
    library = Path(os.environ["ISOMANAGER_DEFAULT_REPOSITORY"])
    here("init").well()
    (library / "lab.iso").write_bytes(b"lab" * 1000)
    given = tmp_path / "given.json"
    given.write_text('[{"Family": "Linux", "Name": "Lab", "Major version": 2, "path": "lab.iso"}]')

    planned = here("import", given, "--dry-run", "--json").well().json
    assert [one["outcome"] for one in planned["outcomes"]] == ["skipped"]
    done = isomanager("import", given, "--json").well().json
    assert [(one["outcome"], one["path"]) for one in done["outcomes"]] == [("published", "lab.iso")]
    (copy,) = here("list", "--json").well().json
    assert (copy["product"], copy["version"]["text"], copy["assurance"]) == ("lab", "2", "none")

    told = isomanager("export", tmp_path / "out.csv", "--format", "csv", "--json").well().json
    assert (told["images"], told["bytes"]) == (1, (tmp_path / "out.csv").stat().st_size)
    out = json.loads(here("export", "-").well().out)
    assert (out["version"], out["isos"][0]["name"]) == ("1.0", "lab")
    assert "1 images" in here("export", tmp_path / "all.json", "--format", "isomanager").well().out


def test_a_document_that_is_none_is_told_in_a_sentence(here: Isomanager, tmp_path: Path) -> None:
    assert here("import", tmp_path / "nowhere.json").code == 2
    assert here("export", tmp_path / "x.json", "--repository", "nowhere").code == 1
    assert here("export", tmp_path / "x.json", "ubuntu/server@24").code == 2
    assert not (tmp_path / "x.json").exists()
