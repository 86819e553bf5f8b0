"""The admin panel: everything that is done in Prefect's web page, done in Chromium on a real server with a real worker.

`PANEL_SCREENSHOTS=docs .venv/bin/python -m pytest tests/deployments/test_panel.py` makes the pictures of docs/panel.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from prefect.settings import PREFECT_API_URL, temporary_settings

import domain_update
from blocks.repositories import REPOSITORY_BLOCKS
from command import LIMIT, command_line
from deployments.server import local_server, send_what_waits
from flow_runs import eventually
from flows.forms import refresh_forms
from isomanager.library import pinning, trash
from isomanager.library.opening import library_in_use
from isomanager.library.repositories import check_repository
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, CopyState, Selector
from isomanager.settings import Settings
from panel import Panel, open_panel
from postgres_server import prefect_database
from prefect_over_http import Api
from store_servers import SmbServer
from working import WorkerLibrary, worker_library_in, working

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(1800)]

LANTERN = "sample-lantern"


@pytest.fixture(scope="module")
def api(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server on PostgreSQL: the page asks much at once, and SQLite makes it wait for minutes on a busy machine."""
    settings = Settings(data_folder=tmp_path_factory.mktemp("panel"), server_start_timeout=600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", prefect_database(postgres, "panel"))
        with local_server(settings, lambda _told: None) as url, temporary_settings({PREFECT_API_URL: url}):
            patch.setenv("PREFECT_API_URL", url)
            send_what_waits()  # the threads that send this process's events and logs keep to the server they began with
            yield Api(url)
            send_what_waits()


@pytest.fixture(scope="module")
def session_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerLibrary]:
    with worker_library_in(tmp_path_factory.mktemp("worker")) as library:
        yield library


@pytest.fixture(scope="module")
def running_worker(api: Api, session_library: WorkerLibrary) -> Iterator[None]:
    with working(api, session_library):
        yield


@pytest.fixture(scope="module")
def browser(api: Api, running_worker: None) -> Iterator[Panel]:
    with open_panel(api) as panel:
        yield panel


@pytest.fixture
def panel(browser: Panel, worker_library) -> Panel:
    browser.heard.clear()
    return browser


def copies(product: str = "", state: CopyState = CopyState.HELD, repository: str = "") -> list[Copy]:
    """What the library has of it in that state."""
    with library_in_use() as library:
        found = library.inventory.copies(states={state})
    return [one for one in found if product in one.title.product and repository in one.repository]


def wanted(selector: str) -> None:
    """A subscription to it, which the forms list."""
    with library_in_use() as library:
        subscribe(library, Selector.parse(selector), floor=Assurance.MIRROR)
        refresh_forms(library)


@pytest.fixture
def held(panel: Panel) -> Copy:
    """The image that the library holds of a product that it is subscribed to."""
    wanted(LANTERN)
    if not copies(LANTERN):
        _update()
    return _newest()


def _newest() -> Copy:
    return max(copies(LANTERN, repository="default"), key=lambda one: one.title.version)


def _update() -> None:
    with library_in_use() as library:
        domain_update.update(library)
        refresh_forms(library)


@pytest.fixture
def retired(held: Copy, worker_library) -> Copy:
    """An image in the trash, whose successor is held."""
    if not copies(LANTERN, CopyState.TRASHED):
        worker_library.upstream.publish("lantern")
        _update()
    return copies(LANTERN, CopyState.TRASHED)[0]


@pytest.fixture
def replaced(retired: Copy) -> Copy:
    """An image that is held although nothing wants it any more."""
    with library_in_use() as library:
        trash.restore(library, retired)
        pinning.release(library, retired.path)
    return next(one for one in copies(LANTERN) if one.title == retired.title)


@pytest.fixture
def incoming() -> Iterator[Path]:
    """A folder whose path may be shown in a picture."""
    with tempfile.TemporaryDirectory(prefix="incoming-") as name:
        yield Path(name)


def an_image(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_bytes(os.urandom(40_000))
    return file


def test_an_image_is_selected_by_dropdowns_and_version_parts(panel: Panel, worker_library) -> None:
    panel.open_form("download/download")
    panel.choose("product", "sample-orchard")
    panel.choose("flavor", "server")
    panel.fill(major="26", minor="04")
    panel.choose_several("architectures", "x86_64")
    panel.choose("repository", "default")
    panel.picture("download")
    panel.submit()
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


def test_an_image_is_chosen_step_by_step_each_form_made_from_the_answer_before(panel: Panel, worker_library) -> None:
    panel.open_form("choose/choose")
    run = panel.start()
    panel.open_question(run, "What kind of system?")
    panel.choose("Family", "bsd")
    panel.answer()
    panel.open_question(run, "Which product of bsd?")
    panel.choose("Product", "sample-driftwood")
    panel.answer()
    panel.open_question(run, "Which Driftwood?")
    panel.choose("Architecture", "x86_64")
    panel.answer()
    panel.open_question(run, "Which version of Driftwood?")
    panel.choose("Version", "previous")
    panel.choose("How", "fetch it once")
    panel.picture("choose")
    panel.answer()
    panel.api.completed(run)
    assert [name for name in worker_library.images() if "driftwood" in name and "14.5" in name]


def test_a_plan_is_approved_with_its_costs_before_anything_is_fetched(panel: Panel) -> None:
    wanted("sample-granite")
    panel.open_form("update/update")
    panel.choose_several("what", "sample-granite")
    panel.switch("approve", True)
    run = panel.start()
    panel.open_question(run, "Fetches 1 image,")
    assert not copies("sample-granite")
    panel.picture("approve")
    panel.answer()
    panel.api.completed(run)
    assert copies("sample-granite")


def test_which_held_images_are_updated_is_chosen_from_a_list(panel: Panel, held: Copy, worker_library) -> None:
    worker_library.upstream.publish("lantern")
    panel.open_form("update/update")
    panel.choose_several("what", LANTERN)
    panel.picture("update")
    panel.submit()
    assert _newest().title.version > held.title.version


def test_a_held_image_is_verified_by_its_title(panel: Panel, held: Copy) -> None:
    panel.open_form("verify/verify")
    panel.choose_several("what", str(held.title))
    panel.picture("verify")
    panel.submit()
    assert _proved_again(held)


def test_what_was_not_proved_for_longest_is_scrubbed(panel: Panel, held: Copy) -> None:
    panel.open_form("scrub/scrub")
    panel.fill(budget="10GiB")
    panel.picture("scrub")
    panel.submit()
    assert _proved_again(held)


def _proved_again(before: Copy) -> bool:
    now = next(one for one in copies() if one.id == before.id)
    return bool(now.proved_at and before.proved_at and now.proved_at > before.proved_at)


def test_pruning_is_a_dry_run_unless_that_is_switched_off(panel: Panel, replaced: Copy) -> None:
    panel.open_form("prune/prune")
    expect(panel.field("dry_run")).to_be_checked()
    panel.picture("prune")
    panel.submit()
    assert replaced in copies(LANTERN)
    panel.open_form("prune/prune")
    panel.switch("dry_run", False)
    panel.submit()
    assert replaced.id not in [one.id for one in copies(LANTERN)]
    assert replaced.id in [one.id for one in copies(LANTERN, CopyState.TRASHED)]


def test_what_was_retired_is_brought_back_from_the_trash(panel: Panel, retired: Copy) -> None:
    panel.open_form("trash/trash")
    panel.choose_several("what", str(retired.title))
    panel.picture("restore")
    panel.submit()
    assert retired.id in [one.id for one in copies(LANTERN)]


def test_what_is_held_is_filtered_searched_in_a_table_and_read_by_family(
    panel: Panel, held: Copy, worker_library
) -> None:
    panel.open_form("report/report")
    panel.choose_several("families", "rescue")
    panel.picture("report")
    panel.submit()
    _open_from_description(panel, "table")
    row = panel.page.get_by_role("row").filter(has_text=held.path)
    expect(row).to_contain_text(held.title.version.text)
    panel.search("no such image", row, found=False)
    panel.search(LANTERN, row, found=True)
    panel.picture("inventory")
    _open_from_description(panel, "catalogue")
    expect(panel.page.get_by_text("What is held", exact=True)).to_be_visible()
    expect(panel.page.get_by_text(str(worker_library.folder / "library" / "index.html")).first).to_be_visible()
    panel.picture("catalogue")
    panel.page.get_by_role("link", name="Figures").click()
    panel.open_newest()


def _open_from_description(panel: Panel, link: str) -> None:
    panel.open_deployment("report/report", "Description")
    panel.page.get_by_role("link", name=link, exact=True).click()
    panel.open_newest()


def test_how_often_it_runs_is_edited_in_the_page_and_stays_when_deployed_again(panel: Panel) -> None:
    known = panel.api.deployment("update/update-rescue")
    (before,) = known["schedules"]
    panel.open_deployment("update/update-rescue")
    _schedule_menu(panel, panel.page.get_by_role("switch", name=re.compile("^toggle"))).click()
    panel.page.get_by_role("menuitem", name="Edit").click()
    panel.fill(Value="5 4 * * 1")
    panel.picture("schedule")
    panel.press(panel.page.get_by_role("dialog").get_by_role("button", name="Save"), before["id"])
    edited = panel.page.get_by_role("switch", name="toggle At 04:05 AM, only on Monday")
    panel.press(edited, before["id"])
    expect(edited).not_to_be_checked()
    schedule = eventually(lambda: _schedule(panel, active=False))
    _deploy_again(panel)
    assert _schedule(panel, active=False) == schedule
    assert schedule["schedule"]["cron"] == "5 4 * * 1"
    path = f"/deployments/{known['id']}/schedules/{before['id']}"
    panel.api.send("PATCH", path, {"schedule": before["schedule"], "active": True})


def _schedule(panel: Panel, *, active: bool) -> Any:
    (found,) = panel.api.deployment("update/update-rescue")["schedules"]
    return found if found["active"] is active else None


def _schedule_menu(panel: Panel, switch: Locator) -> Locator:
    """The menu of the schedule that the switch belongs to."""
    menu = panel.page.get_by_role("button", name="Open menu")
    return panel.page.locator("div").filter(has=switch).filter(has=menu).last.get_by_role("button", name="Open menu")


def _deploy_again(panel: Panel) -> None:
    environment = {**os.environ, "PREFECT_API_URL": panel.api.url}
    done = subprocess.run(command_line("deploy"), env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_image_is_added_by_form_or_as_json(panel: Panel, worker_library, incoming: Path) -> None:
    panel.open_form("add/add")
    panel.fill(file=str(an_image(incoming, "lab.iso")), name="Lab", version="1.0", purpose="For the lab")
    panel.picture("add")
    by_form = panel.start()
    panel.open_form("add/add")
    panel.fill_json("entry", {"file": str(an_image(incoming, "kiosk.iso")), "name": "Kiosk", "version": "2"})
    panel.picture("add-json")
    panel.submit()
    panel.api.completed(by_form)
    held = " ".join(worker_library.images()).lower()
    assert "lab.vanilla-1.0.iso" in held
    assert "kiosk.vanilla-2.iso" in held


def test_a_folder_is_imported(panel: Panel, worker_library, incoming: Path) -> None:
    shutil.copy(worker_library.upstream.site.www / "beacon/iso/beacon-ve_9.0-1.iso", incoming)
    panel.open_form("scan/scan")
    panel.fill(folder=str(incoming), settle_seconds="0")
    panel.choose("doubtful", "take")
    panel.switch("dry_run", False)
    panel.picture("import")
    panel.submit()
    assert "9.0-1" in [one.title.version.text for one in copies("sample-beacon")]


@pytest.mark.parametrize("kind", REPOSITORY_BLOCKS, ids=lambda one: one.get_block_type_slug())
def test_the_form_of_a_place_has_its_fields_in_order(panel: Panel, kind: Any) -> None:
    panel.open(f"/blocks/catalog/{kind.get_block_type_slug()}/create")
    expect(panel.field("Description")).to_be_visible()
    shown = panel.page.locator("form label").all_inner_texts()
    fields = kind.model_json_schema()["properties"].values()
    assert [one.removesuffix(" (Optional)") for one in shown] == ["Name", *(one["title"] for one in fields)]
    panel.picture(kind.get_block_type_slug().removeprefix("iso-"))


@pytest.fixture
def nas(panel: Panel, smb: SmbServer) -> str:
    """A repository on a real SMB server, made known in the page."""
    with library_in_use() as library:
        known = [one.name for one in library.inventory.repositories()]
    if "nas" not in known:
        _add_nas(panel, smb)
    return "nas"


def _add_nas(panel: Panel, smb: SmbServer) -> None:
    panel.open_form("add-repository/add-repository")
    panel.page.get_by_role("tab", name="SMBRepository").click()
    panel.page.get_by_role("button", name="Add", exact=True).click()
    form = panel.page.get_by_role("dialog", name="Create New Block")
    expect(form).to_be_visible()
    panel.fill(Name="panel-nas", Server="127.0.0.1", Share="isos", Folder="panel", Username=smb.user)
    panel.fill(Password=smb.password, Port=str(smb.port))
    panel.picture("storage")
    panel.press(form.get_by_role("button", name="Create"), "block_documents")
    expect(form).to_be_hidden()
    expect(panel.page.get_by_role("button", name="Select a block")).to_have_text("panel-nas")
    panel.fill(name="nas")
    panel.picture("repository")
    panel.submit()


def test_a_place_is_chosen_as_a_block_and_then_stands_in_every_form(panel: Panel, nas: str) -> None:
    with library_in_use() as library:
        checked = check_repository(library, nas)
    assert all(step.ok for step in checked.steps), checked
    panel.open_form("download/download")
    panel.choose("repository", nas)


def test_two_places_are_brought_in_step(panel: Panel, held: Copy, nas: str) -> None:
    panel.open_form("sync/sync")
    panel.choose_several("to", nas)
    panel.switch("dry_run", False)
    panel.picture("sync")
    panel.submit()
    assert {one.sha256 for one in copies(repository=nas)} >= {one.sha256 for one in copies(repository="default")}


def test_a_product_that_is_added_stands_in_the_dropdowns_without_deploying(panel: Panel, worker_library) -> None:
    text = (worker_library.upstream.catalogue_folder / f"{LANTERN}.toml").read_text()
    own = text.replace(LANTERN, "my-lantern").replace('name = "Lantern"', 'name = "My Lantern"')
    panel.open_form("add-product/add-product")
    panel.fill(whole=own)
    panel.submit()
    panel.open_form("download/download")
    panel.page.get_by_role("button", name="Select product").click()
    panel.page.get_by_placeholder("Search").fill("my-")
    expect(panel.page.get_by_role("option", name="my-lantern", exact=True)).to_be_visible()
    panel.picture("add-product")
