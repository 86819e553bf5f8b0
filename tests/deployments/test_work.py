"""The worker's environment: its runs use the same library from whatever folder."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from deployments.work import POOL, QUEUE, worker_command, worker_environment
from isomanager.settings import load_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISOMANAGER_DATA_FOLDER")
    monkeypatch.delenv("ISOMANAGER_DEFAULT_REPOSITORY")
    return tmp_path


def test_relative_places_in_the_environment_mean_the_same_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_CONFIG", "config.toml")
    monkeypatch.setenv("ISOMANAGER_DATA_FOLDER", "data")
    monkeypatch.setenv("ISOMANAGER_CATALOGUE_FOLDERS", '["products"]')
    monkeypatch.setenv("ISOMANAGER_DATABASE_URL", "sqlite:///own.db")
    told = worker_environment(load_settings())
    assert told["ISOMANAGER_CONFIG"] == str(folder / "config.toml")
    assert told["ISOMANAGER_DATA_FOLDER"] == str(folder / "data")
    assert told["ISOMANAGER_CATALOGUE_FOLDERS"] == f'["{(folder / "products").as_posix()}"]'
    assert told["ISOMANAGER_DATABASE_URL"] == f"sqlite:///{(folder / 'own.db').as_posix()}"


def test_relative_places_in_the_configuration_file_do_too(folder: Path) -> None:
    (folder / "config.toml").write_text('default_repository = "library"\n')
    assert worker_environment(load_settings())["ISOMANAGER_DEFAULT_REPOSITORY"] == str(folder / "library")


def test_an_address_with_a_scheme_is_passed_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_DATABASE_URL", "postgresql+psycopg://db.example.org/isos")
    assert worker_environment(load_settings())["ISOMANAGER_DATABASE_URL"] == "postgresql+psycopg://db.example.org/isos"


def test_other_settings_of_the_environment_are_passed_and_defaults_are_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_RETRY_COUNT", "7")
    told = worker_environment(load_settings())
    assert told["ISOMANAGER_RETRY_COUNT"] == "7"
    assert "ISOMANAGER_CATALOGUE_FOLDERS" not in told


def test_the_worker_runs_on_this_interpreter_in_our_pool() -> None:
    command = worker_command(5)
    assert command[0] == sys.executable
    assert command[command.index("--pool") + 1] == POOL
    assert command[command.index("--limit") + 1] == "5"
    assert command[command.index("--work-queue") + 1] == QUEUE


def test_a_worker_of_a_site_asks_for_the_site_s_runs_alone() -> None:
    command = worker_command(1, ["attic", "cellar"], "here")
    asked = [after for word, after in pairwise(command) if word == "--work-queue"]
    assert asked == ["attic", "cellar"]
