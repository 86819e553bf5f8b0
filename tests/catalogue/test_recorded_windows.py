"""Every expectation about Windows, on the real replies and measurements that were recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from isomanager.catalogue.loader import Catalogue
from isomanager.errors import ResolveError
from recorded_expectations import all_expectations, verdict
from recorded_others import RECORDED, answer


@pytest.mark.parametrize(("family", "count"), [("windows-eval", 3), ("windows11", 11)])
def test_every_recorded_document_of_windows_is_read_as_expected(
    recorded: Path, catalogue: Catalogue, family: str, count: int
) -> None:
    asked = [one for one in all_expectations(recorded) if one["family"] == family]
    for one in asked:
        found = verdict(one, recorded, catalogue)
        assert found.state == "right", f"{one['fixture']} {one['query']}: {found.told}"
    assert len(asked) >= count


def test_a_recorded_link_is_taken_for_its_own_language_only(recorded: Path, catalogue: Catalogue) -> None:
    italian = {"fixture": RECORDED["links"], "query": {"step": "links", "language": "it-IT"}}
    assert answer(italian, recorded, catalogue).filename == "Windows11_Client_x64_it-it_26300_9457.iso"
    german = {"fixture": RECORDED["links"], "query": {"step": "links", "language": "de-DE"}}
    with pytest.raises(ResolveError) as wrong:
        answer(german, recorded, catalogue)
    assert wrong.value.code == "implausible"
