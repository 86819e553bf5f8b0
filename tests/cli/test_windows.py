"""`isomanager catalogue resolve` on a saved conversation with Microsoft, as somebody who was refused would replay it."""

from __future__ import annotations

import json
from pathlib import Path

from command import Isomanager, Told

SAVED = Path(__file__).parents[1] / "documents" / "catalogue" / "windows"
SITE = "https://www.microsoft.com"
SKUS = f"{SITE}/software-download-connector/api/getskuinformationbyproductedition"
LINKS = f"{SITE}/software-download-connector/api/GetProductDownloadLinksBySku"


def replay(here: Isomanager, links: str, language: str = "German", *more: str) -> Told:
    places = {f"{SITE}/en-us/software-download/windows11": "windows11.html", SKUS: "skus-11.json", LINKS: links}
    documents = [f"--document={url}={SAVED / name}" for url, name in places.items()]
    return here(
        "catalogue", "resolve", "windows/consumer@11", "--language", language, *documents, "--offline", "--json", *more
    )


def test_a_saved_conversation_stands_for_any_session_and_its_link_is_told_without_its_signature(
    here: Isomanager,
) -> None:
    told = replay(here, "links-11-de.json")
    answer = told.well().json
    assert answer["filename"] == "Windows11_Client_x64_de-de_26301_1234.iso"
    assert (answer["assurance"], answer["version"]) == ("published", "11.26H2.26301.1234")
    assert answer["link"]["sku_id"] == "51004"
    assert "AAAA" not in json.dumps(answer)


def test_a_refusal_is_an_error_with_microsofts_code_and_what_to_do_instead(here: Isomanager) -> None:
    told = replay(here, "refused-9.json")
    assert told.code == 1
    answer = told.json
    assert answer["error"] == "blocked"
    assert {name: answer["data"][name] for name in ("type", "message_code", "retry")} == {
        "type": 9,
        "message_code": "715-123130",
        "retry": False,
    }
    assert answer["data"]["instead"] == ["windows/enterprise@11", "by hand"]


def test_a_replayed_refusal_is_not_remembered(here: Isomanager, tmp_path: Path) -> None:
    replay(here, "refused-9.json")
    replay(here, "links-11-de.json")
    assert not list(tmp_path.rglob("refused.json"))


def test_what_is_missing_is_told_by_an_address_that_will_do_tomorrow_too(here: Isomanager) -> None:
    page = f"--document={SITE}/en-us/software-download/windows11={SAVED / 'windows11.html'}"
    told = here("catalogue", "resolve", "Windows11", page, "--offline", "--json")
    assert (told.code, told.json["error"]) == (1, "document-missing")
    assert "sessionID" not in told.out
    assert told.json["data"]["product_edition_id"] == "4711"
