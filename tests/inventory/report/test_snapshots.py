from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from isomanager.inventory.report.snapshots import inventory_snapshot, outlived, report_snapshot
from isomanager.inventory.report.variables import write_variables

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_snapshots_are_called_by_their_day() -> None:
    assert inventory_snapshot(NOW) == "reports/inventory-20261127.json"
    assert report_snapshot(NOW, "html") == "reports/repository-report-20261127.html"


def test_only_dated_snapshots_past_their_time_go_and_never_the_newest() -> None:
    old, older = inventory_snapshot(NOW - timedelta(days=31)), report_snapshot(NOW - timedelta(days=400), "html")
    kept = (inventory_snapshot(NOW), "reports/notes.json", "reports/inventory-20259999.json", "inventory-20200101.json")
    assert set(outlived([old, older, *kept], NOW, 30)) == {old, older}
    assert outlived([old], NOW, 30) == ()


TRICKY = {"iso_url": 'file:///x/${y} "z"', "iso_checksum": "sha256:ab"}


def test_variables_are_quoted_for_each_reader() -> None:
    assert write_variables(TRICKY, "hcl") == 'iso_url      = "file:///x/$${y} \\"z\\""\niso_checksum = "sha256:ab"\n'
    assert json.loads(write_variables(TRICKY, "json")) == TRICKY
    assert write_variables({"iso_url": "it's"}, "env") == "ISO_URL='it'\\''s'\n"


@pytest.mark.parametrize("days", [1, 3650])
def test_nothing_to_remove_is_nothing(days: int) -> None:
    assert outlived([], NOW, days) == ()
