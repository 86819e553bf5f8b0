"""The admin panel: everything that is done in Prefect's web page, done in Chromium on a real server with a real worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from isomanager.library.choices import choices
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Selector
from isomanager.settings import load_settings
from panel import Panel, open_panel
from prefect_over_http import Api

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(1800)]

LANTERN = "sample-lantern"


@pytest.fixture(scope="module")
def browser(api: Api, running_worker: None) -> Iterator[Panel]:
    with open_panel(api) as panel:
        yield panel


@pytest.fixture
def panel(browser: Panel, worker_library) -> Panel:
    return browser


@pytest.fixture
def held(panel: Panel) -> str:
    """The title of an image that the library holds."""
    with Library(load_settings()) as library:
        subscribe(library, Selector.parse(LANTERN), floor=Assurance.MIRROR)
        known = choices(library).held
    if not any(LANTERN in one for one in known):
        assert_completed(panel.api.ended(panel.api.start("update/update", {"what": [LANTERN]}).json()["id"]))
    with Library(load_settings()) as library:
        return next(one for one in choices(library).held if LANTERN in one)


def assert_completed(run: Any) -> None:
    assert run["state"]["type"] == "COMPLETED", run["state"]


def test_an_image_is_selected_by_dropdowns_and_version_parts(panel: Panel, worker_library) -> None:
    panel.open_form("download/download")
    panel.choose("product", "sample-orchard")
    panel.choose("flavor", "server")
    panel.fill(major="26", minor="04")
    panel.choose("architectures", "x86_64")
    panel.choose("repository", "default")
    panel.picture("download")
    assert_completed(panel.submit())
    assert [name for name in worker_library.images() if "orchard" in name]


def test_an_exact_part_right_of_a_latest_one_is_refused_before_there_is_a_run(panel: Panel) -> None:
    panel.open_form("download/download")
    panel.choose("product", LANTERN)
    panel.fill(minor="04")
    panel.page.get_by_role("button", name="Submit").click()
    expect(panel.page.get_by_text("'latest' was expected", exact=True)).to_be_visible()
    panel.picture("right-to-left")


def test_a_wrong_request_over_the_api_has_the_sentence_at_once(panel: Panel) -> None:
    run = panel.api.start("download/download", {"selector": "debian@latest.4"}).json()
    assert "once a part is latest" in panel.api.ended(run["id"])["state"]["message"]


def test_which_held_images_are_updated_is_chosen_from_a_list(panel: Panel, held: str) -> None:
    panel.open_form("update/update")
    panel.choose("what", LANTERN)
    panel.picture("update")
    run = panel.submit()
    assert_completed(run)
    assert run["parameters"]["what"] == [LANTERN]


def test_a_held_image_is_verified_by_its_title(panel: Panel, held: str) -> None:
    panel.open_form("verify/verify")
    panel.choose("what", held)
    panel.picture("verify")
    assert_completed(panel.submit())


def test_pruning_is_a_dry_run_unless_that_is_switched_off(panel: Panel, held: str) -> None:
    panel.open_form("prune/prune")
    expect(panel.field("dry_run")).to_be_checked()
    panel.picture("prune")
    run = panel.submit()
    assert_completed(run)
    assert run["parameters"]["dry_run"] is True


def an_image(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_bytes(os.urandom(40_000))
    return file


def test_an_image_is_added_by_form(panel: Panel, worker_library, tmp_path: Path) -> None:
    panel.open_form("add/add")
    panel.fill(file=str(an_image(tmp_path, "lab.iso")), name="Lab", version="1.0", purpose="For the lab")
    panel.picture("add")
    assert_completed(panel.submit())
    assert [name for name in worker_library.images() if "lab" in name.lower()]
