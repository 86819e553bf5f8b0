"""The end of a vendor's support is known, told, and may let versions go."""

from __future__ import annotations

from datetime import date

import pytest

from isomanager.catalogue.loader import load_catalogue
from isomanager.catalogue.support import end_of_support
from isomanager.model import Keep, Title
from isomanager.planning.verdicts import Reason
from isomanager.planning.wanting import Guards
from isomanager.version import Version
from planning.judging import judge_all
from planning.test_update import NOW, copy, selects, want


@pytest.mark.parametrize(
    ("product", "version", "end"),
    [
        ("debian", "12.5.0", date(2026, 7, 11)),
        ("ubuntu", "24.04.3", date(2029, 5, 31)),
        ("windows-server", "2016", date(2027, 1, 12)),
        ("freebsd", "14.3", date(2026, 6, 30)),
        ("freebsd", "14.9", date(2028, 11, 30)),
        ("debian", "99", None),
        ("archlinux", "2026.09.01", None),
    ],
)
def test_the_catalogue_knows_when_support_ends(product: str, version: str, end: date | None) -> None:
    assert end_of_support(load_catalogue().product(product), Version(version)) == end


def verdicts(*versions: str, keep: Keep, **guards: object) -> dict[str, tuple[bool, str]]:
    def unsupported(title: Title) -> date | None:
        return date(2026, 1, 1) if str(title.version).startswith("24") else None

    judged = judge_all(
        [copy(one) for one in versions],
        [want(versions[-1], keep=keep)],
        selects=selects,
        guards=Guards(listed=frozenset({"nas"}), unsupported=unsupported, **guards),  # type: ignore[arg-type]
        now=NOW,
    )
    return {str(one.copy.title.version): (one.stays, one.reasons[0].code) for one in judged}


def test_what_is_supported_no_longer_goes_after_its_grace_though_a_rule_would_keep_it() -> None:
    assert verdicts("24.04.3", "26.04", keep=Keep(last=5)) == {
        "24.04.3": (False, "unsupported"),
        "26.04": (True, "current"),
    }


def test_what_is_selected_now_or_pinned_stays_whatever_its_vendor_does() -> None:
    assert verdicts("24.04.2", "24.04.3", keep=Keep(last=5))["24.04.3"][0]
    pinned: dict[str, tuple[Reason, ...]] = {copy("24.04.3").id: (Reason("pinned", "pinned"),)}
    assert verdicts("24.04.3", "26.04", keep=Keep(), protected=pinned)["24.04.3"] == (True, "pinned")
