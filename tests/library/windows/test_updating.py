"""A subscription to a Windows product, from the plan to the receipt, and never a secret on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain_update import answers, bring_in, update
from fake_microsoft import LINKS, Microsoft, Reply, iso
from isomanager.errors import ResolveError
from isomanager.library.fetching import fetch
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan
from isomanager.library.requesting import Asked
from isomanager.library.subscribing import subscribe
from isomanager.model import ActionKind, Assurance, CopyState, OutcomeKind, Selector
from library.conftest import Clock

NAME = "Windows11_Client_x64_de-de_26300_9457.iso"


@pytest.fixture
def german(library: Library) -> Selector:
    """What is subscribed to."""
    return subscribe(library, Selector.parse("Windows11", languages=("German",))).selector


def everything_written(folder: Path) -> bytes:
    """The bytes of every file below a folder, but the one that may hold signed addresses."""
    kept = (file for file in folder.rglob("*") if file.is_file() and file.parent.name not in ("microsoft", "tls"))
    return b"".join(file.read_bytes() for file in kept)


def test_a_consumer_image_comes_proved_and_its_receipt_has_no_secret(
    library: Library, microsoft: Microsoft, german: Selector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.assurance) == (OutcomeKind.PUBLISHED, Assurance.PUBLISHED)
    (copy,) = library.inventory.copies(states={CopyState.HELD})
    assert (tmp_path / "library" / copy.path).read_bytes() == iso(NAME)
    assert copy.path == "Windows/Windows - Consumer/windows.consumer-11.26H2.26300.9457-de-DE.iso"
    (receipt,) = library.inventory.receipts(copy.sha256 or "")
    assert receipt.urls == (f"{microsoft.base}/dbazure/{NAME}", f"{microsoft.base}/en-us/software-download/windows11")
    assert "c2lnbmF0dXJl" in (library.settings.data_folder / "microsoft" / "3813-de-DE.json").read_text()
    assert b"c2lnbmF0dXJl" not in everything_written(tmp_path)
    assert "c2lnbmF0dXJl" not in caplog.text
    assert "c2lnbmF0dXJl" not in outcome.model_dump_json()


def test_the_plan_that_prefect_sees_has_no_secret(library: Library, german: Selector) -> None:
    plan = make_plan(library, answers(library))
    told = json.dumps(plan.model_dump(mode="json"))
    assert "?" not in json.loads(told)["actions"][0]["expectation"]["offer"]["urls"][0]
    assert not [secret for secret in ("P1=", "P4=", "c2lnbmF0dXJl") if secret in told]


def test_the_night_after_nothing_is_asked_of_the_connector(
    library: Library, microsoft: Microsoft, german: Selector, clock: Clock
) -> None:
    update(library)
    asked = microsoft.count(LINKS)
    clock.pass_(days=2)
    (outcome,) = update(library)
    assert outcome.outcome is OutcomeKind.CURRENT
    assert microsoft.count(LINKS) == asked == 1


def test_a_link_that_ended_before_the_download_is_asked_for_anew(
    library: Library, microsoft: Microsoft, german: Selector, clock: Clock
) -> None:
    plan = make_plan(library, answers(library))
    clock.pass_(hours=30)
    (action,) = plan.of_kind(ActionKind.DOWNLOAD)
    assert bring_in(library, action, plan).outcome is OutcomeKind.PUBLISHED
    assert microsoft.count(LINKS) == 2


def test_a_link_that_is_refused_keeps_what_came_and_says_when_there_is_another(
    library: Library, microsoft: Microsoft, german: Selector, clock: Clock
) -> None:
    microsoft.instead[f"/dbazure/{NAME}".lower()] = [
        Reply(200, b"", {"Content-Length": str(len(iso(NAME)))}),
        Reply(403),
    ]
    (outcome,) = update(library)
    assert outcome.outcome is OutcomeKind.FAILED
    assert "A new one is asked for when a day has passed" in outcome.reason
    (outcome,) = update(library)
    assert outcome.code == "asked-today"
    clock.pass_(hours=25)
    (outcome,) = update(library)
    assert outcome.outcome is OutcomeKind.PUBLISHED


def test_a_refused_address_fails_its_image_and_leaves_what_is_held(
    library: Library, microsoft: Microsoft, german: Selector, clock: Clock
) -> None:
    update(library)
    microsoft.flagged, microsoft.shows_refusal = True, False
    newer = microsoft.editions.pop("3813")
    microsoft.editions["3999"] = newer
    newer.files = {key: name.replace("9457", "9999") for key, name in newer.files.items()}
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "blocked")
    assert "715-123130" in outcome.reason
    assert len(library.inventory.copies(states={CopyState.HELD})) == 1


def test_other_bytes_than_the_page_publishes_are_quarantined(
    library: Library, microsoft: Microsoft, german: Selector
) -> None:
    make_plan(library, answers(library))
    wrong = bytearray(iso(NAME))
    wrong[40000] ^= 1
    microsoft.instead[f"/dbazure/{NAME}".lower()] = [Reply(200, bytes(wrong))] * 2
    (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "upstream-broken")


def test_a_plain_download_without_a_library_works_too(library: Library, microsoft: Microsoft, tmp_path: Path) -> None:
    came = fetch(library, Asked(selector="Windows11", languages=("de-DE",)), tmp_path / "windows.iso")
    assert (came.assurance, came.url) == ("published", f"{microsoft.base}/dbazure/{NAME}")
    with pytest.raises(ResolveError) as wrong:
        fetch(library, Asked(selector="Windows11", languages=("vi-VN",)), tmp_path / "other.iso")
    assert wrong.value.code == "language-not-offered"
