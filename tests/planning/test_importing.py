from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from isomanager.errors import UsageError
from isomanager.model import Assurance, Copy, CopyState, Family, Title
from isomanager.planning.importing import ImportKind, ImportStep, Listed, path_inside, plan_import
from isomanager.version import Version

NOW = datetime(2026, 11, 27, tzinfo=UTC)
TITLE = Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("24.04"))
STORED = {"u.iso": 100, "other.iso": 7}


def listed(path: str = "u.iso", **told: Any) -> Listed:
    return Listed(title=TITLE, path=path, **told)


def held(path: str = "u.iso", **told: Any) -> Copy:
    given = {
        "id": path, "repository": "main", "path": path, "title": TITLE, "state": CopyState.HELD, "sha256": "aa",
        "size": 100, "digests": {"sha256": "aa"}, "assurance": Assurance.SIGNED, "created_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Copy.model_validate({**given, **told})


def plan(*images: Listed, holding: tuple[Copy, ...] = (), **told: Any) -> tuple[ImportStep, ...]:
    return plan_import(images, holding, size_of=STORED.get, **told)


def test_a_file_that_is_there_and_not_known_is_taken_in() -> None:
    (step,) = plan(listed(size=100, digests={"sha256": "aa"}))
    assert (step.kind, "held against the document's digest" in step.reason) == (ImportKind.ADOPT, True)
    (step,) = plan(listed())
    assert "no digest" in step.reason


@pytest.mark.parametrize(
    ("image", "kind", "code"),
    [
        (listed(size=99), ImportKind.REFUSE, "wrong-size"),
        (listed("missing.iso"), ImportKind.SKIP, ""),
        (listed(""), ImportKind.SKIP, ""),
        (listed(objection="it leads out"), ImportKind.REFUSE, "outside-repository"),
    ],
)
def test_what_cannot_be_taken_in_says_why(image: Listed, kind: ImportKind, code: str) -> None:
    (step,) = plan(image)
    assert (step.kind, step.code) == (kind, code)
    assert step.reason


def test_what_is_held_already_is_known_whatever_its_case() -> None:
    (step,) = plan(listed("U.ISO", digests={"sha256": "aa"}), holding=(held(),))
    assert (step.kind, step.copy_id) == (ImportKind.KNOWN, "u.iso")
    (step,) = plan(listed(), holding=(held(state=CopyState.SUSPECT, reason="it is short"),))
    assert "it is short" in step.reason


def test_never_takes_another_digest_for_what_is_held() -> None:
    (step,) = plan(listed(digests={"sha256": "bb"}), holding=(held(),))
    assert (step.kind, step.code) == (ImportKind.REFUSE, "wrong-digest")


def test_a_path_named_twice_is_taken_in_once() -> None:
    first, second = plan(listed(), listed("U.iso"))
    assert (first.kind, second.kind, second.code) == (ImportKind.ADOPT, ImportKind.REFUSE, "ambiguous")


def test_replacing_forgets_what_is_not_listed_and_merging_does_not() -> None:
    holding = (held(), held("other.iso"))
    assert [one.kind for one in plan(listed(), holding=holding)] == [ImportKind.KNOWN]
    known, forgotten = plan(listed(), holding=holding, replace=True)
    assert (known.kind, forgotten.kind, forgotten.copy_id) == (ImportKind.KNOWN, ImportKind.FORGET, "other.iso")


@pytest.mark.parametrize(
    ("path", "roots", "inside"),
    [
        ("Linux/u.iso", ("",), "Linux/u.iso"),
        ("E:\\ISOLibrary\\Windows\\w.iso", ("E:\\ISOLibrary",), "Windows/w.iso"),
        ("e:\\isolibrary\\w.iso", ("E:\\ISOLibrary\\",), "w.iso"),
        ("\\\\hq\\ISOs\\w.iso", ("\\\\hq\\ISOs",), "w.iso"),
        ("Windows\\w.iso", ("E:\\x",), "Windows/w.iso"),
        ("/srv/iso/Linux/u.iso", ("", "/srv/iso"), "Linux/u.iso"),
        ("", ("/srv",), ""),
    ],
)
def test_a_documents_path_becomes_one_inside_the_repository(path: str, roots: tuple[str, ...], inside: str) -> None:
    assert path_inside(path, roots) == inside


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "C:\\Windows\\x.iso", "\\\\other\\share\\x.iso", "/srv/isos-of-others/x.iso"]
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="outside"):
        path_inside(path, ("/srv/iso", "E:\\ISOLibrary"))
