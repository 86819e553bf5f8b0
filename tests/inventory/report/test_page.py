"""The page of a repository: everything escaped, readable without scripts, and searched and sorted in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, sync_playwright

from isomanager.inventory.report.figures import Room, build_figures, line_of
from isomanager.inventory.report.page import page_pieces, readable_size
from isomanager.inventory.report.text import markdown_catalogue, markdown_report
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, Signer, Title
from isomanager.version import Version

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def a_copy(version: str = "24.04.3", path: str = "", **told: Any) -> Copy:
    words = {"family": Family.LINUX, "product": "ubuntu", "flavor": "server", **told.pop("title", {})}
    title = Title.model_validate({**words, "version": Version(version)})
    plain = {
        "id": f"{title}", "repository": "main", "path": path or f"{title.product}-{version}.iso", "title": title,
        "state": CopyState.HELD, "sha256": "ab" * 32, "size": 3 << 30, "digests": {"sha256": "ab" * 32},
        "assurance": Assurance.SIGNED, "created_at": NOW - timedelta(days=2), "proved_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Copy.model_validate({**plain, **told})


SHELF = (
    a_copy("24.04.3"),
    a_copy("9.10", size=700 << 20, assurance=Assurance.MIRROR, created_at=NOW - timedelta(days=900), proved_at=NOW - timedelta(days=400)),
    a_copy("24.10", size=1 << 30, assurance=Assurance.PUBLISHED),
    a_copy("13.1", title={"product": "debian", "flavor": "netinst", "architecture": "aarch64"}, size=600 << 20),
    a_copy("11", title={"family": "windows", "product": "windows"}, size=6 << 30, assurance=Assurance.NONE, proved_at=None),
    a_copy("1", title={"product": "void"}, state=CopyState.SUSPECT, reason="it is short"),
)  # fmt: skip


def build_page(*told: Any, **more: Any) -> str:
    return "".join(page_pieces(*told, **more))


def figures_of(*copies: Copy, **told: Any) -> Any:
    return build_figures(copies or SHELF, now=NOW, **told)


def test_the_figures_count_what_is_held_and_name_what_is_suspect() -> None:
    told = figures_of(room=[Room(repository="main", url="/srv", total=100, free=40)])
    assert (told.images, told.size) == (5, sum(one.size or 0 for one in SHELF[:5]))
    assert [one.name for one in told.families] == ["windows", "linux"]
    assert [(one.name, one.images) for one in told.assurances] == [
        ("signed", 2), ("published", 1), ("mirror", 1), ("none", 1),
    ]  # fmt: skip
    assert [one.name for one in told.proofs] == ["in the last 30 days", "longer ago", "never"]
    assert told.oldest is not None
    assert told.oldest.image.startswith("ubuntu/server@9.10")
    assert [one.told for one in told.suspect] == ["it is short"]
    assert (told.room[0].images, told.room[0].free) == (5, 40)
    assert 0.4 < told.proved_lately < 0.5


def test_what_is_outdated_or_ends_is_named() -> None:
    newest = SHELF[2].title
    offered = {line_of(newest): newest.model_copy(update={"version": Version("25.04")})}
    ends = {"ubuntu 9.10": "2011-04-30", "ubuntu 24.04.3": "2029-04-30", "debian 13.1": "2027-01-01"}
    told = figures_of(offered=offered, end_of=lambda one: ends.get(f"{one.product} {one.version}", ""))
    assert [one.told for one in told.outdated] == ["upstream has 25.04"]
    assert [one.told for one in told.ending] == ["support ended 2011-04-30", "support ends 2027-01-01"]


def test_many_products_are_charted_as_the_largest_and_the_rest() -> None:
    many = [a_copy("1", title={"product": f"p{number}"}, size=number + 1) for number in range(40)]
    products = figures_of(*many).products
    assert (len(products), products[0].name, products[-1].name) == (16, "p39", "25 others")
    assert sum(one.size for one in products) == sum(range(1, 41))


def test_an_empty_library_has_a_page_too() -> None:
    empty = build_figures([], now=NOW)
    assert "0</b>images" in build_page(empty, [])
    assert "0 images" in markdown_report(empty)


class Links(HTMLParser):
    """Collects addresses, tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_links_every_image_and_escapes_everything() -> None:
    path = 'Linux/<script>alert("1")</script> & #1?.iso'
    evil = a_copy("1", path=path, filename="<img src=x>", metadata={"<b>": "<i>"}, source='"><script>')
    plain = Links(build_page(figures_of(a_copy("1")), [a_copy("1")]))
    page = Links(
        build_page(figures_of(evil, name="<b>lab</b>"), [evil], description='"x" <u>', names={"ubuntu": "<u>U</u>"})
    )
    assert sorted(page.tags) == sorted([*plain.tags, *["dt", "dd"] * 3])
    assert [unquote(link) for link in page.links][:3] == ["SHA256SUMS", "inventory.json", path]
    assert path in page.text
    assert page.links[-1].endswith(f"{'ab' * 32}.json")


def test_a_path_that_looks_like_an_address_stays_a_path() -> None:
    page = Links(build_page(figures_of(), [a_copy("1", path="javascript:alert(1)/x.iso")]))
    assert "javascript%3Aalert%281%29/x.iso" in page.links


def test_the_page_says_why_an_image_is_believed() -> None:
    receipt = Receipt(
        title=SHELF[0].title, sha256="ab" * 32, size=1, digests={}, filename="x.iso", assurance=Assurance.SIGNED,
        signer=Signer(primary="F" * 40), reasons=("It is signed by the pinned key.",), urls=("https://host/x",), proved_at=NOW,
    )  # fmt: skip
    text = Links(build_page(figures_of(), SHELF[:1], receipts={"ab" * 32: receipt})).text
    assert "F" * 40 in text
    assert "It is signed by the pinned key." in text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (1 << 60, "1024.0 PiB")]
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert readable_size(size) == text


def test_the_markdown_has_every_image_and_no_cell_can_be_ended() -> None:
    evil = a_copy("1", path="a|b<script>.iso")
    text = markdown_catalogue([*SHELF, evil], {"ubuntu": "Ubuntu"})
    assert "a\\|b&lt;script>.iso" in text
    assert text.count("<details>") == 2
    assert "Ubuntu Server" in text
    assert "█" in markdown_report(figures_of())


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of the shelf, opened from a file in Chromium."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is required where CI=true")
        pytest.skip("chromium is not there")
    file: Path = tmp_path_factory.mktemp("page") / "index.html"
    figures = figures_of(name="Lab ISOs", room=[Room(repository="main", url="/srv", total=1 << 42, free=1 << 40)])
    held = [one for one in SHELF if one.state is CopyState.HELD]
    file.write_text(build_page(figures, held, description="For the lab", names={"ubuntu": "Ubuntu"}), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        yield page
        assert complaints == []
        browser.close()


def versions_shown(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "#table tbody tr:not([hidden])", "rows => rows.map(row => row.cells[1].textContent)"
    )  # type: ignore[no-any-return]


def test_the_table_is_searched_by_words(browser_page: Page) -> None:
    browser_page.fill("#find", "ubuntu 24.")
    assert sorted(versions_shown(browser_page)) == ["24.04.3", "24.10"]
    assert browser_page.text_content("#count") == "2 of 5"
    browser_page.fill("#find", "nothing of the kind")
    assert versions_shown(browser_page) == []
    browser_page.fill("#find", "")
    assert len(versions_shown(browser_page)) == 5


def test_versions_and_sizes_sort_as_what_they_are(browser_page: Page) -> None:
    browser_page.click("text=Version")
    assert versions_shown(browser_page) == ["9.10", "11", "13.1", "24.04.3", "24.10"]
    assert browser_page.get_attribute("#table th:nth-child(2)", "aria-sort") == "ascending"
    browser_page.click("#table th:nth-child(4) button")
    browser_page.click("#table th:nth-child(4) button")
    assert versions_shown(browser_page)[0] == "11"


def test_each_image_opens_what_is_known_of_it(browser_page: Page) -> None:
    first = browser_page.locator("#table details").first
    assert not first.locator("dl").is_visible()
    first.locator("summary").click()
    assert first.locator("dl").is_visible()
    assert "ab" * 32 in (first.text_content() or "")


def test_the_charts_fit_a_narrow_screen_and_paper(browser_page: Page) -> None:
    browser_page.set_viewport_size({"width": 400, "height": 800})
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 400
    assert browser_page.locator("figure").count() == 4
    browser_page.emulate_media(media="print")
    assert not browser_page.locator(".search").is_visible()
    browser_page.emulate_media(media="screen")
    browser_page.set_viewport_size({"width": 1200, "height": 900})
