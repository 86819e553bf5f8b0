"""Prefect's web page as a person uses it: what is clicked is found by its words, and what is started is awaited by the API."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, Response, expect, sync_playwright

from failing import shown_if_failed
from prefect_over_http import Api

PATIENCE = 120_000.0
"""Milliseconds that the page may take for anything."""
SCREENSHOTS = "PANEL_SCREENSHOTS"
"""Names the folder for screenshots; without it none are kept."""
_MOMENT = 5_000.0
_COLOURS = 64
_MOST_BYTES = 120_000
_BUSY = 503
_NO_CONTENT = 204
_ASKING = ("/filter", "/count", "/history", "/paginate", "/next")


@contextmanager
def open_panel(api: Api) -> Iterator[Panel]:
    """The web page of the server, in Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is required where CI=true")
        pytest.skip("chromium is not there")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        heard: list[str] = []
        page.on("request", lambda asked: heard.extend(_told(asked)))
        page.on("response", lambda answer: heard.extend(_told(answer.request, f" {answer.status}")))
        page.on("pageerror", lambda wrong: heard.append(f"the page: {wrong}"))
        with shown_if_failed("the page", lambda: f"{page.inner_text('body')[-3000:]}\n{page.url} {heard}"):
            yield Panel(page, api, heard)
        browser.close()


def _again_until(act: Callable[[], None], seen: Callable[[float], None]) -> None:
    """Do it again until it is seen: what is typed before a page has wholly come up is lost."""
    until = monotonic() + PATIENCE / 1000
    while True:
        act()
        try:
            return seen(_MOMENT)
        except AssertionError:
            if monotonic() > until:
                raise


def _changes(answer: Response, path: str) -> bool:
    return answer.request.method in ("POST", "PATCH") and answer.url.rstrip("/").endswith(path)


def _told(asked: Request, status: str = "") -> list[str]:
    """What is worth knowing of a request when a test has failed: those that change something, when they go and when they are answered."""
    if asked.method == "GET" or asked.url.endswith(_ASKING):
        return []
    return [f"{asked.method} {asked.url}{status}"]


@dataclass(frozen=True)
class Panel:
    """The page, the API of the server that shows it, and what the page asked of the server and was told."""

    page: Page
    api: Api
    heard: list[str]

    def open(self, path: str) -> None:
        self.page.goto(f"{self.api.url.removesuffix('/api')}/v2{path}")

    def open_deployment(self, deployment: str, tab: str = "") -> None:
        """The page of a deployment, at a tab; told none it turns to its runs by itself, at any time while it comes up."""
        search = f"?tab={tab}" if tab else ""
        self.open(f"/deployments/deployment/{self.api.deployment(deployment)['id']}{search}")

    def open_form(self, deployment: str) -> None:
        self.open(f"/deployments/deployment/{self.api.deployment(deployment)['id']}/run")
        expect(self.page.get_by_role("heading", name="Parameters")).to_be_visible()

    def open_newest(self) -> None:
        """From the page of an artifact's versions, newest first, to the newest one."""
        expect(self.page.get_by_role("link", name="Artifacts")).to_be_visible()
        self.page.locator("a[href*='/artifacts/artifact/']").first.click()
        expect(self.page.get_by_role("tab", name="Artifact", exact=True)).to_be_visible()

    def field(self, name: str) -> Locator:
        """The field of a form, required or not; of a dialog's form, where one is open."""
        dialog = self.page.get_by_role("dialog")
        place = dialog if dialog.is_visible() else self.page
        return place.get_by_label(name, exact=True).or_(place.get_by_label(f"{name} (Optional)", exact=True)).first

    def choose(self, name: str, option: str) -> None:
        """Choose from a dropdown."""
        self.page.get_by_role("button", name=f"Select {name}", exact=True).click()
        self.page.get_by_role("option", name=option, exact=True).click()
        expect(self.page.get_by_role("listbox")).to_have_count(0)

    def choose_several(self, name: str, *options: str) -> None:
        """Choose these from a dropdown that takes several, and stays open until Escape."""
        self.page.get_by_role("button", name=f"Select {name}", exact=True).click()
        for option in options:
            self.page.get_by_role("option", name=option, exact=True).click()
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("listbox")).to_have_count(0)
        for option in options:
            expect(self.page.get_by_role("button", name=f"Remove {option} tag", exact=True)).to_be_visible()

    def fill(self, **texts: str) -> None:
        for name, text in texts.items():
            self.fill_in(name, text)

    def fill_in(self, name: str, text: str) -> None:
        field = self.field(name)
        _again_until(lambda: field.fill(text), lambda limit: expect(field).to_have_value(text, timeout=limit))

    def fill_json(self, name: str, value: object) -> None:
        """Write into a JSON editor, which a label leads to only by its id."""
        label = self.page.locator("label").filter(has_text=re.compile(rf"^{name}( \(Optional\))?$"))
        editor = self.page.locator(f"[id='{label.get_attribute('for')}']").get_by_role("textbox")
        expect(editor).to_have_text(
            re.compile(r"\S")
        )  # the default comes a moment after the editor, and into what is written
        text = json.dumps(value)
        _again_until(lambda: editor.fill(text), lambda limit: expect(editor).to_have_text(text, timeout=limit))

    def search(self, text: str, row: Locator, *, found: bool) -> None:
        """Search a table for `text`, after which it shows `row` or does not."""
        field = self.page.get_by_placeholder("Search")
        rows = 1 if found else 0
        _again_until(lambda: field.fill(text), lambda limit: expect(row).to_have_count(rows, timeout=limit))

    def switch(self, name: str, on: bool) -> None:
        if self.field(name).is_checked() is not on:
            self.field(name).click()
        expect(self.field(name)).to_be_checked(checked=on)

    def submit(self) -> Any:
        """Send the form; the run, once it has been completed."""
        return self.api.completed(self.start())

    def start(self) -> str:
        """Send the form; the id of the run that it makes."""
        submit = self.page.get_by_role("button", name="Submit")
        return str(self.press(submit, "create_flow_run")["id"])

    def press(self, button: Locator, path: str) -> Any:
        """Press the button; what the server answers to the request that it sends to an address ending so.

        503 is pressed again, as a person does and Prefect's own client: its SQLite was busy, and nothing was done.
        """
        while True:
            with self.page.expect_response(lambda answer: _changes(answer, path)) as awaited:
                button.click()
            if awaited.value.status != _BUSY:
                break
        assert awaited.value.ok, awaited.value.text()
        return awaited.value.json() if awaited.value.status != _NO_CONTENT else None

    def open_question(self, run: str, words: str) -> None:
        """Once the run has paused with a form that says `words`, open that form."""
        self.api.paused(run, words)
        self.open(f"/runs/flow-run/{run}")
        self.page.get_by_role("button", name="Open menu").first.click()
        self.page.get_by_role("menuitem", name="Resume").click()
        expect(self._question.get_by_text(words).first).to_be_visible()

    @property
    def _question(self) -> Locator:
        return self.page.get_by_role("dialog", name="Resume Flow Run")

    def answer(self) -> None:
        """Send the form at which a run has paused."""
        self.press(self._question.get_by_role("button", name="Resume"), "resume")
        expect(self._question).to_be_hidden()
        self.page.goto("about:blank")  # the page of a run draws without end, which takes a processor of its own

    def picture(self, name: str) -> None:
        """Keep a screenshot, where somebody wants them: with so few colours as make a small file."""
        folder = os.environ.get(SCREENSHOTS)
        if not folder:
            return
        from PIL import Image

        taken = Image.open(io.BytesIO(self.page.screenshot(animations="disabled"))).convert("RGB")
        small = taken.quantize(_COLOURS, dither=Image.Dither.NONE)
        file = Path(folder) / f"panel-{name}.png"
        small.save(file, optimize=True)
        assert file.stat().st_size < _MOST_BYTES, f"{file} is too large for a page of documents"
