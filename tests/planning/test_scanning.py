from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from isomanager.model import Copy, CopyState, Family, Title
from isomanager.planning.scanning import FoundFile, ScanKind, ScanStep, plan_scan
from isomanager.version import Version

NOW = datetime(2026, 11, 27, tzinfo=UTC)
TITLE = Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("24.04"))


def found(path: str = "u.iso", **told: Any) -> FoundFile:
    return FoundFile(
        path=path, size=100, **{"title": TITLE, "confidence": 0.95, "evidence": ("volume Ubuntu",), **told}
    )


def held(path: str = "held.iso", **told: Any) -> Copy:
    plain = {
        "id": path,
        "repository": "main",
        "path": path,
        "title": TITLE,
        "state": CopyState.HELD,
        "sha256": "aa",
        "size": 100,
    }
    return Copy.model_validate({**plain, "created_at": NOW, "changed_at": NOW, **told})


def decided(*files: FoundFile, copies: tuple[Copy, ...] = (), inside: bool = True, **told: Any) -> tuple[ScanStep, ...]:
    return plan_scan(files, copies, inside=inside, **told)


def test_what_is_surely_known_is_taken_and_what_is_doubtful_is_asked_about() -> None:
    sure, doubtful, unknown = decided(
        found(), found("b.iso", confidence=0.5, alternatives=("debian 13",)), found("c", title=None)
    )
    assert (sure.kind, doubtful.kind, unknown.kind) == (ScanKind.TAKE, ScanKind.ASK, ScanKind.UNKNOWN)
    assert "volume Ubuntu" in sure.reason
    assert "debian 13" in doubtful.reason
    (taken,) = decided(found(confidence=0.5), sure=0.0)
    assert taken.kind is ScanKind.TAKE


def test_never_takes_what_is_damaged_or_still_growing_however_sure_it_is() -> None:
    damaged, growing = decided(found(trouble="it was cut off"), found("g.iso", growing=True), sure=0.0)
    assert (damaged.kind, growing.kind) == (ScanKind.DAMAGED, ScanKind.WAIT)


def test_a_file_that_a_copy_has_is_known_whatever_its_case() -> None:
    (step,) = decided(found("HELD.iso", trouble="looks odd"), copies=(held(),))
    assert (step.kind, step.copy_id) == (ScanKind.KNOWN, "held.iso")
    (elsewhere,) = decided(found("held.iso"), copies=(held(),), inside=False)
    assert elsewhere.kind is ScanKind.TAKE, "a path in another folder says nothing"


@pytest.mark.parametrize("inside", [True, False])
def test_the_same_bytes_are_held_once(inside: bool) -> None:
    twin, first, second = decided(
        found(sha256="aa"), found("b.iso", sha256="bb"), found("c.iso", sha256="bb"), copies=(held(),), inside=inside
    )
    assert (twin.kind, twin.copy_id) == (ScanKind.DUPLICATE, "held.iso")
    assert (first.kind, second.kind) == (ScanKind.TAKE, ScanKind.DUPLICATE)
    assert "b.iso" in second.reason
    (unread,) = decided(found(sha256=""), copies=(held(),))
    assert unread.kind is ScanKind.TAKE


def test_a_suspect_copy_has_no_twins() -> None:
    (step,) = decided(found(sha256="aa"), copies=(held(state=CopyState.SUSPECT),))
    assert step.kind is ScanKind.TAKE


def test_what_a_person_says_decides() -> None:
    said = TITLE.model_copy(update={"product": "lab"})
    taken, left = decided(found(confidence=0.1), found("b.iso"), answers={"u.iso": said, "b.iso": None})
    assert (taken.kind, taken.title) == (ScanKind.TAKE, said)
    assert left.kind is ScanKind.UNKNOWN


def test_a_file_of_a_version_that_nothing_tells_is_asked_about_unless_every_guess_is_taken() -> None:
    (asked,) = decided(found(confidence=0.9, versionless=True))
    assert asked.kind is ScanKind.ASK
    assert "nothing tells its version" in asked.reason
    (taken,) = plan_scan([found(confidence=0.9, versionless=True)], (), inside=False, sure=0)
    assert taken.kind is ScanKind.TAKE
