"""The evaluation centre's links in both of their forms, and what is no link of its."""

from __future__ import annotations

import pytest

from isomanager.catalogue.microsoft.evaluation import EvaluationLink, evaluation_links, is_of
from isomanager.errors import FetchRefused

PAGE = "https://www.microsoft.com/en-us/evalcenter/download-windows-server-2025"
HOSTS = ("microsoft.com",)
NEW = "https://go.microsoft.com/fwlink/?linkid=2345730&clcid=0x409&culture=en-us&country=us"
OLD = "https://go.microsoft.com/fwlink/p/?LinkID=2195280&clcid=0x407&culture=de-de&country=DE"


def links(html: str) -> tuple[EvaluationLink, ...]:
    return evaluation_links(f"<html>{html}</html>", PAGE, HOSTS)


@pytest.mark.parametrize(
    ("html", "link"),
    [
        (f'<a aria-label="ISO 64-bit (en-US)" href="{NEW}">x</a>', EvaluationLink(NEW, "en-us", "ISO 64-bit (en-US)")),
        (
            f"<A HREF='{OLD.replace('&', '&amp;')}' ARIA-LABEL=' ISO  64-bit '>x</A>",
            EvaluationLink(OLD, "de-de", "ISO 64-bit"),
        ),
        (
            f'<a href="{NEW.replace("linkid", "LinkId").replace("fwlink", "FWLink")}"><span>64-bit <b>edition</b></span></a>',
            EvaluationLink(NEW.replace("linkid", "LinkId").replace("fwlink", "FWLink"), "en-us", "64-bit edition"),
        ),
        (
            '<a aria-label="ISO (ja-JP)" href="https://go.microsoft.com/fwlink/?linkid=1">x</a>',
            EvaluationLink("https://go.microsoft.com/fwlink/?linkid=1", "ja-JP", "ISO (ja-JP)"),
        ),
        (
            '<a href="https://go.microsoft.com/fwlink/?clcid=0x409&culture=fr-fr&linkid=7">y</a>',
            EvaluationLink("https://go.microsoft.com/fwlink/?clcid=0x409&culture=fr-fr&linkid=7", "fr-fr", "y"),
        ),
    ],
)
def test_a_link_is_read_in_every_form(html: str, link: EvaluationLink) -> None:
    assert links(html) == (link,)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/fwlink/?linkid=1",
        "https://go.microsoft.com.evil.example/fwlink/?linkid=1",
        "https://go.microsoft.com@evil.example/fwlink/?linkid=1",
        "https://go.microsoft.com/fwlink/?mylinkid=1",
        "https://go.microsoft.com/other/?linkid=1",
        "/fwlink/?linkid=1",
        "https://[/fwlink/?linkid=1",
    ],
)
def test_a_link_to_anywhere_else_is_none(address: str) -> None:
    with pytest.raises(FetchRefused) as wrong:
        links(f'<a href="{address}">ISO 64-bit</a>')
    assert wrong.value.code == "html-instead"


def test_a_host_below_one_of_microsofts_is_microsofts_and_one_that_ends_alike_is_not() -> None:
    assert is_of("https://software-static.download.prss.microsoft.com/x", HOSTS)
    assert not is_of("https://notmicrosoft.com/x", HOSTS)
    assert not is_of("https://microsoft.com.example/x", HOSTS)


def test_a_hostile_page_is_read_in_time() -> None:
    with pytest.raises(FetchRefused):
        evaluation_links(f'<a href="https://x/fwlink/?{"a&" * 200_000}">', PAGE, HOSTS)
    many = evaluation_links(f'<a href="{NEW}">{"<b>x</b>" * 100_000}', PAGE, HOSTS)
    assert len(many[0].label) <= 1000
