"""Prefect's web page as a person uses it: forms are found by their labels, and what is started is awaited by the API."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from prefect_over_http import LIMIT, Api

PATIENCE = 120_000.0
"""Milliseconds that the page may take for anything."""
SCREENSHOTS = "PANEL_SCREENSHOTS"
"""Names the folder for screenshots; without it none are kept."""


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
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield Panel(page, api)
        browser.close()


@dataclass(frozen=True)
class Panel:
    """The page, and the API of the server that shows it."""

    page: Page
    api: Api

    def open(self, path: str) -> None:
        self.page.goto(f"{self.api.url.removesuffix('/api')}/v2{path}")

    def open_form(self, deployment: str) -> None:
        self.open(f"/deployments/deployment/{self.api.deployment(deployment)['id']}/run")
        expect(self.page.get_by_role("heading", name="Parameters")).to_be_visible()

    def field(self, name: str) -> Locator:
        """The field of a form, required or not."""
        return (
            self.page.get_by_label(name, exact=True).or_(self.page.get_by_label(f"{name} (Optional)", exact=True)).first
        )

    def choose(self, name: str, *options: str) -> None:
        """Choose from a dropdown; of one that takes several, all of these."""
        self.page.get_by_role("button", name=f"Select {name}", exact=True).click()
        for option in options:
            self.page.get_by_role("option", name=option, exact=True).click()
        if self.page.get_by_role("listbox").is_visible():  # one of several stays open
            self.page.keyboard.press("Escape")

    def fill(self, **texts: str) -> None:
        for name, text in texts.items():
            self.field(name).fill(text)

    def submit(self) -> Any:
        """Send the form; the run, once it has ended."""
        return self.api.ended(self.start())

    def start(self) -> str:
        """Send the form; the id of the run that it makes."""
        name = f"panel-{uuid4().hex[:8]}"
        self.page.get_by_label("Run Name").fill(name)
        self.page.get_by_role("button", name="Submit").click()
        return str(self._run_called(name)["id"])

    def _run_called(self, name: str) -> Any:
        for _ in range(int(LIMIT)):
            found = self.api.send("POST", "/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}}).json()
            if found:
                return found[0]
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"The form made no run: {self.page.inner_text('body')[-1500:]}")

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Keep a screenshot, where somebody wants them."""
        folder = os.environ.get(SCREENSHOTS)
        if folder:
            self.page.screenshot(path=Path(folder) / f"panel-{name}.png", full_page=whole, animations="disabled")
