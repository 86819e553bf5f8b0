"""Upstream's documents as a test set: the evaluation centre's can be kept, a conversation with a secret in it is not."""

from __future__ import annotations

from pathlib import Path

from fake_microsoft import LINKS, SKUS, Microsoft
from isomanager.library.opening import Library
from isomanager.library.recording_documents import record
from isomanager.library.surveying import examine
from isomanager.model import Selector


def test_a_page_and_where_its_link_leads_are_recorded_and_replayed(library: Library, tmp_path: Path) -> None:
    product = library.catalogue.product("windows-server")
    (told,) = record(library, product, [Selector(product="windows-server")], tmp_path / "set")
    assert told.failed == ""
    assert told.version == "2025.24H2.26100.40000"


def test_a_conversation_is_not_recorded_and_no_link_is_asked_for(
    library: Library, microsoft: Microsoft, tmp_path: Path
) -> None:
    product = library.catalogue.product("windows")
    (told,) = record(library, product, [Selector(product="windows")], tmp_path / "set")
    assert "not recorded" in told.failed
    assert (microsoft.count(SKUS), microsoft.count(LINKS)) == (0, 0)
    assert b"P4=" not in b"".join(file.read_bytes() for file in (tmp_path / "set").iterdir())


def test_a_check_shows_the_steps_without_secrets_and_a_refusal_is_no_broken_product(
    library: Library, microsoft: Microsoft
) -> None:
    examined = examine(library, Selector.parse("Windows11"))
    assert examined.health.state == "ok"
    assert {one.url.rpartition("/")[2] for one in examined.exchanges} >= {"tags", "mdt.js", "windows11"}
    assert "P4=" not in examined.model_dump_json()
    microsoft.flagged, microsoft.shows_refusal = True, False
    refused = examine(library, Selector.parse("Windows11", languages=("de-DE",)))
    assert (refused.health.state, refused.health.code) == ("degraded", "blocked")
