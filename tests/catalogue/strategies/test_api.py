"""JSON and YAML documents."""

from __future__ import annotations

import pytest

from isomanager.catalogue.strategies.api import candidates, load
from isomanager.errors import FetchRefused

URL = "https://host.example/releases"


@pytest.mark.parametrize("text", ["- version: 24.10\n", '[{"version": 24.10}]', "- version: '24.10'\n"])
def test_a_version_is_never_made_a_number(text: str) -> None:
    assert load(text, URL) == [{"version": "24.10"}]


def test_yaml_dates_and_truths_stay_text() -> None:
    assert load("date: 2021-04-14\nyes: no\n", URL) == {"date": "2021-04-14", "yes": "no"}


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "{",
        "a: &x [1]\nb: *x\n",
        "[" * 100_000,
        "<html>sign in</html>",
        "!!python/object/apply:os.system ['x']: ]",
    ],
)
def test_broken_or_dangerous_data_is_a_typed_error(text: str) -> None:
    with pytest.raises(FetchRefused):
        load(text, URL)


def test_a_changed_form_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(FetchRefused, match="nothing at 'releases'"):
        candidates('{"items": []}', URL, select="releases", fields={})


def test_rows_become_candidates_with_sizes_digests_and_groups() -> None:
    text = '[{"link": "/x/a-1.iso", "size": "12", "sum": "AB", "variant": "KDE", "ok": false}]'
    fields = {"url": "link", "size": "size", "sha256": "sum", "variant": "variant", "available": "ok"}
    (one,) = candidates(text, URL, select="[]", fields=fields)
    assert (one.name, one.url, one.size, one.digests) == (
        "a-1.iso",
        "https://host.example/x/a-1.iso",
        12,
        {"sha256": "ab"},
    )
    assert (one.groups, one.available) == ({"variant": "KDE"}, False)


def test_rows_that_are_texts_are_lines_of_a_checksum_document() -> None:
    (one,) = candidates(f'sums: ["{"a" * 64} *a.iso"]', URL, select="sums", fields={})
    assert (one.name, one.digests) == ("a.iso", {"sha256": "a" * 64})
