"""A scrub on a real Prefect server: oldest proof first, within its budget, damage set aside and mended."""

from __future__ import annotations

import pytest

from flow_runs import Given, outcomes_of, report_of
from flows.scrub import scrub
from flows.update import update
from isomanager.errors import UsageError
from isomanager.library.setting_aside import DAMAGED
from isomanager.model import CopyState
from isomanager.sample.faults import flip_bit
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect


def test_a_small_budget_proves_the_longest_unproved_and_the_next_night_goes_on(given: Given) -> None:
    given.subscription("sample-orchard/server@lts", "sample-lantern")
    update()
    first, second = (outcomes_of(scrub(budget="1")) for _ in range(2))
    assert len(first) == len(second) == 1
    assert first.keys() != second.keys()
    assert len(scrub(budget="0").outcomes) == 2
    with pytest.raises(UsageError, match="no size"):
        scrub(budget="plenty")


def test_what_is_damaged_is_set_aside_and_mended(given: Given, upstream: SampleUpstream) -> None:
    given.subscription("sample-orchard/server@lts")
    update()
    (path,) = given.images()
    whole = (given.repository / path).read_bytes()
    (given.repository / path).write_bytes(flip_bit(whole, 5000))
    upstream.fault("not-found", "*.iso")
    assert "set aside" in report_of(scrub, repair=False).outcomes[0].reason
    assert not (given.repository / path).exists()
    assert list((given.repository / DAMAGED).rglob("*.iso"))
    assert given.versions("sample-orchard", CopyState.SUSPECT) == ["26.04.1"]
    upstream.clear_faults()
    (mended,) = scrub().outcomes
    assert mended.code == "repaired"
    assert (given.repository / path).read_bytes() == whole
    assert not list((given.repository / DAMAGED).rglob("*.iso"))
