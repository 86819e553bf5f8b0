"""The connector's replies, whole and broken, and the handshake's numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from isomanager.catalogue.microsoft.choosing import expiry
from isomanager.catalogue.microsoft.handshake import handshake_numbers
from isomanager.catalogue.microsoft.replies import Links, read_links, read_reply, read_skus
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError

URL = "https://www.microsoft.com/software-download-connector/api/x"
LINK = {"Uri": "https://h/dbazure/a.iso?t=1&P1=1767225600&P4=s", "Language": "German", "DownloadType": 1}


def refused(text: str) -> IsoManagerError:
    with pytest.raises((FetchRefused, ResolveError)) as wrong:
        read_reply(text, URL)
    return wrong.value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("\ufeff\r\n", "empty"),
        ("<!DOCTYPE html><html></html>", "html-instead"),
        ("<html>We encountered a problem\n processing your request. Reference ID: 0abc</html>", "blocked"),
        ("[]", "bad-data"),
        ("nonsense", "bad-data"),
        ("[" * 100_000, "bad-data"),
        ('{"Errors":[{"Key":"ErrorSettings.SentinelReject","Type":9}]}', "blocked"),
        ('{"Errors":[{"Key":"New","Value":"something new","Type":77}]}', "blocked"),
        ('{"Errors":["a text"]}', "blocked"),
        ('{"ValidationContainer":{"Errors":[{"Type":9}]},"Skus":[]}', "blocked"),
        ('{"ValidationContainer":{"ErrorList":[{"Type":10}]}}', "configuration"),
    ],
)
def test_what_is_no_reply_is_told_as_what_it_is(text: str, code: str) -> None:
    assert refused(text).code == code


def test_only_a_refusal_for_want_of_a_session_is_worth_another_try() -> None:
    kinds = {kind: refused(json.dumps({"Errors": [{"Type": kind}]})).data for kind in (8, 9, 10)}
    assert {kind: told["retry"] for kind, told in kinds.items()} == {8: True, 9: False, 10: False}
    assert [told.get("message_code") for told in kinds.values()] == [None, "715-123130", None]


def test_a_reply_that_is_a_text_holding_a_reply_is_read() -> None:
    assert read_links(json.dumps(json.dumps({"ProductDownloadOptions": [LINK]})), URL).links[0].architecture == "x86_64"


@pytest.mark.parametrize("told", [{}, {"Skus": None}, {"Skus": []}, {"Skus": [1, {"Id": ""}]}, {"Skus": {"Id": "1"}}])
def test_a_list_of_no_languages_is_no_answer(told: dict[str, Any]) -> None:
    with pytest.raises(FetchRefused) as wrong:
        read_skus(json.dumps(told), URL)
    assert wrong.value.code == "bad-data"


def test_fields_that_nobody_needs_may_be_missing() -> None:
    (sku,) = read_skus('{"Skus":[{"Id":27126,"Language":"German"}]}', URL)
    assert (sku.id, sku.language, sku.localized, sku.product) == ("27126", "German", "", "")


@pytest.mark.parametrize(("kind", "architecture"), [(0, "i686"), (1, "x86_64"), (2, "aarch64"), (7, ""), (None, "")])
def test_the_type_of_a_download_is_its_architecture(kind: int | None, architecture: str) -> None:
    told = json.dumps({"ProductDownloadOptions": [{**LINK, "DownloadType": kind}]})
    assert read_links(told, URL).links[0].architecture == architecture


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-10-11T15:09:20.3524039Z", datetime(2026, 10, 11, 15, 9, 20, tzinfo=UTC)),
        ("2026-10-11T15:09:20Z", datetime(2026, 10, 11, 15, 9, 20, tzinfo=UTC)),
        ("2026-10-11T17:09:20+02:00", datetime(2026, 10, 11, 15, 9, 20, tzinfo=UTC)),
        ("", datetime(2026, 1, 1, tzinfo=UTC)),
        ("soon", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_link_ends_when_the_reply_says_else_when_its_address_says(told: str, moment: datetime) -> None:
    links = read_links(json.dumps({"ProductDownloadOptions": [LINK], "DownloadExpirationDatetime": told}), URL)
    assert expiry(links) == moment
    assert expiry(Links((), "")) is None


@pytest.mark.parametrize(
    "script",
    [
        'url:"https://ov-df.microsoft.com/?session_id=1&PageId=si&w=8DF2";src+="&mdt="+start;src+="&rticks="+1791644954371;',
        "https://ov-df.microsoft.com/?w=8DF2&mdt=1&rticks=1791644954371",
        'a="?w=8DF2"; b = "&rticks=" + 1791644954371;',
    ],
)
def test_the_numbers_of_the_handshake_are_found_in_the_script(script: str) -> None:
    assert handshake_numbers(script) == {"w": "8DF2", "rticks": "1791644954371"}


@pytest.mark.parametrize("script", ["", "&w=1&rticks=" + " " * 1_000_000, "w=8DF2", "&w=&rticks=+", "&rticks=+17"])
def test_a_script_that_no_longer_tells_them_is_not_guessed_at(script: str) -> None:
    assert handshake_numbers(script) is None
