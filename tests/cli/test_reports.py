"""What a run is said to have done: fetched from upstream, copied between places, written to a medium; place by place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.reports import Moved, print_plan, print_report
from cli.running import report_json
from isomanager.library.outcomes import RunReport
from isomanager.model import Action, ActionKind, Family, Outcome, OutcomeKind, Plan, Title
from isomanager.version import Version

TITLE = Title(family=Family.LINUX, product="orchard", version=Version("1"))


def outcome(repository: str, kind: OutcomeKind = OutcomeKind.PUBLISHED, size: int = 2048) -> Outcome:
    return Outcome(outcome=kind, title=TITLE, repository=repository, reason="missing", bytes=size)


@pytest.mark.parametrize("moved", ["fetched", "copied", "written"])
def test_bytes_are_said_to_have_gone_the_way_they_went(moved: Moved, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(RunReport(outcomes=(outcome("nas"),), seconds=2), moved=moved)
    assert f"1 published; 2.0 KiB {moved} in 2.0 s." in capsys.readouterr().out
    print_report(RunReport(outcomes=(outcome("nas", OutcomeKind.CURRENT, 0),), seconds=2), moved=moved)
    assert "1 current in 2.0 s." in capsys.readouterr().out


def test_a_dry_run_of_a_sync_speaks_of_copies(capsys: pytest.CaptureFixture[str]) -> None:
    action = Action(kind=ActionKind.DOWNLOAD, title=TITLE, repository="nas", reason="missing", cost=2048)
    print_plan(Plan(made_at=datetime.now(UTC), actions=(action,)), moved="copied")
    told = capsys.readouterr().out
    assert "Copies 2.0 KiB, lets go of 0 B." in told
    assert told.splitlines()[1].split()[0] == "copy"
    assert "etch" not in told


def test_every_place_has_an_outcome_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    down = Outcome(outcome=OutcomeKind.FAILED, selector="lima", repository="lima", reason="it does not answer")
    report = RunReport(outcomes=(outcome("oslo"), outcome("oslo"), outcome("oslo", OutcomeKind.CURRENT, 0), down))
    print_report(report, moved="copied")
    told = capsys.readouterr().out
    assert "oslo: 2 published, 1 current; 4.0 KiB copied." in told
    assert "lima: 1 failed." in told
    places = report_json(report)["places"]
    assert {name: (one["published"], one["failed"]) for name, one in places.items()} == {"oslo": (2, 0), "lima": (0, 1)}
