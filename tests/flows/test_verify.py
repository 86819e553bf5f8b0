from __future__ import annotations

import hashlib

import pytest

from flow_runs import Given, outcomes_of, report_of
from flows.update import update
from flows.verify import verify
from isomanager.errors import UsageError
from isomanager.library.setting_aside import DAMAGED
from isomanager.model import CopyState
from isomanager.sample.faults import flip_bit
from isomanager.sample.upstream import SampleUpstream

pytestmark = pytest.mark.prefect

SERVER = "sample-orchard/server@lts"


def damage(given: Given) -> str:
    (path,) = [path for path in given.images() if "orchard" in path]
    file = given.repository / path
    file.write_bytes(flip_bit(file.read_bytes(), 5000))
    return path


def check_sums(given: Given, path: str) -> bool:
    """Whether the repository vouches for the file, and is right."""
    digest = hashlib.sha256((given.repository / path).read_bytes()).hexdigest()
    return f"{digest}  {path}" in (given.repository / "SHA256SUMS").read_text().replace(" *", "  ")


def test_a_flipped_bit_is_found_said_and_fetched_again(given: Given) -> None:
    given.subscription(SERVER, "sample-lantern")
    update()
    assert [one.outcome.value for one in verify().outcomes] == ["current", "current"]
    path = damage(given)

    assert outcomes_of(report_of(verify, quick=True)) == {"sample-orchard": "current", "sample-lantern": "current"}
    state = verify(return_state=True)
    assert state.is_failed()
    assert path in str(state.message)
    assert given.versions("sample-orchard", CopyState.SUSPECT) == ["26.04.1"]
    assert path not in (given.repository / "SHA256SUMS").read_text(), "a suspect copy is not vouched for"

    report = update()
    assert outcomes_of(report) == {"sample-orchard": "current", "sample-lantern": "current"}
    assert "repaired" in next(one.reason for one in report.outcomes if one.bytes)
    assert given.versions("sample-orchard") == ["26.04.1"]
    assert given.copies(CopyState.SUSPECT) == ()
    assert check_sums(given, path)


def test_what_is_suspect_and_cannot_be_repaired_is_neither_deleted_nor_vouched_for(
    given: Given, upstream: SampleUpstream
) -> None:
    given.subscription(SERVER)
    update()
    path = damage(given)
    assert verify(return_state=True).is_failed()
    assert not (given.repository / path).exists(), "nobody is served it under its name"
    (file,) = (given.repository / DAMAGED).rglob("*.iso")
    damaged = file.read_bytes()
    upstream.fault("not-found", "*.iso")
    assert verify(repair=True, return_state=True).is_failed()
    assert update(return_state=True).is_failed()
    assert file.read_bytes() == damaged
    assert given.versions("sample-orchard", CopyState.SUSPECT) == ["26.04.1"]


def test_a_file_that_vanished_gets_its_name_back(given: Given) -> None:
    given.subscription(SERVER)
    update()
    before = given.images()
    (given.repository / next(iter(before))).unlink()
    assert outcomes_of(report_of(verify, quick=True)) == {"sample-orchard": "failed"}
    update()
    assert given.images() == before
    assert given.copies(CopyState.SUSPECT) == ()


def test_only_what_is_named_is_read(given: Given) -> None:
    given.subscription(SERVER, "sample-lantern")
    update()
    damage(given)
    assert outcomes_of(verify(what=["sample-lantern"])) == {"sample-lantern": "current"}
    assert given.versions("sample-orchard") == ["26.04.1"]
    with pytest.raises(UsageError):
        verify(what=["no-such-thing"])


def test_what_failed_is_made_whole_in_the_same_run_when_that_is_asked_for(given: Given) -> None:
    given.subscription(SERVER, "sample-lantern")
    update()
    before = given.images()
    path = damage(given)
    report = verify(repair=True)
    assert outcomes_of(report) == {"sample-orchard": "current", "sample-lantern": "current"}
    (mended,) = [one for one in report.outcomes if one.code == "repaired"]
    assert mended.path == path
    assert "bytes were fetched" in mended.reason
    assert mended.bytes > 0
    assert given.images() == before
    assert path in (given.repository / "SHA256SUMS").read_text()
