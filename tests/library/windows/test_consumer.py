"""The download connector's sequence against a server that enforces it, through the real HTTP client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fake_microsoft import LINKS, SKUS, Microsoft, Reply, iso
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError, ServerBusy
from isomanager.library.linking import addresses
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.model import Assurance, Expectation, Offer, Selector
from library.conftest import Clock


def expected(library: Library, text: str = "windows@11", **more: Any) -> Expectation:
    selector = library.canonical(Selector.parse(text, **more))
    (only,) = resolve_selector(library, selector)
    assert isinstance(only, Expectation)
    return only


def offer(library: Library, text: str = "windows@11", **more: Any) -> Offer:
    return expected(library, text, **more).offer


def refused(library: Library, text: str = "windows@11", **more: Any) -> IsoManagerError:
    with pytest.raises((ResolveError, FetchRefused)) as wrong:
        expected(library, text, **more)
    return wrong.value


def test_the_newest_windows_comes_with_the_digest_that_the_page_publishes(
    library: Library, microsoft: Microsoft
) -> None:
    found = expected(library)
    assert found.offer.filename == "Windows11_Client_x64_en-us_26300_9457.iso"
    assert str(found.offer.title) == "windows/consumer@11.26H2.26300.9457 x86_64 en-US"
    assert found.assurance is Assurance.PUBLISHED
    assert found.size == len(iso(found.offer.filename))


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("English International", "Windows11_Client_x64_en-gb_26300_9457.iso"),
        ("en-gb", "Windows11_Client_x64_en-gb_26300_9457.iso"),
        ("English (United Kingdom)", "Windows11_Client_x64_en-gb_26300_9457.iso"),
        ("de-DE", "Windows11_Client_x64_de-de_26300_9457.iso"),
        ("Chinese (Simplified)", "Windows11_Client_x64_zh-cn_26300_9457.iso"),
    ],
)
def test_a_language_is_understood_by_culture_and_by_either_of_its_names(
    library: Library, language: str, name: str
) -> None:
    assert offer(library, languages=(language,)).filename == name


def test_another_architecture_is_another_page_and_another_session(library: Library, microsoft: Microsoft) -> None:
    assert offer(library, architectures=("arm64",)).filename == "Windows11_Client_arm64_en-us_26300_9457.iso"
    assert offer(library).filename == "Windows11_Client_x64_en-us_26300_9457.iso"
    sessions = {one.query["sessionid"] for one in microsoft.asked if one.path.lower() == SKUS}
    assert len(sessions) == 2


def test_windows_10_has_its_page_and_both_its_architectures_in_one_answer(
    library: Library, microsoft: Microsoft
) -> None:
    wide = offer(library, "windows@10")
    narrow = offer(library, "windows@10", architectures=("x86",))
    assert (wide.filename, narrow.filename) == ("Win10_22H2_English_x64v9.iso", "Win10_22H2_English_x32v1.iso")
    assert microsoft.count(LINKS) == 1


def test_without_a_published_digest_the_image_is_served_by_its_vendor_and_says_so(library: Library) -> None:
    found = expected(library, "windows@10")
    assert found.assurance is Assurance.SERVED
    assert "pinned from then on" in " ".join(found.reasons)


def test_no_version_language_or_architecture_is_ever_exchanged_for_another(
    library: Library, microsoft: Microsoft
) -> None:
    assert refused(library, "windows@11.24H2").code == "not-found"
    assert refused(library, languages=("Vietnamese",)).code == "language-not-offered"
    assert microsoft.count(LINKS) == 0
    microsoft.editions["3813"].files["German", "x86_64"] = "Windows11_Client_x64_fr-fr_26300_9457.iso"
    wrong = refused(library, languages=("German",))
    assert (wrong.code, wrong.data["contradictions"]) == ("implausible", ["language fr-fr"])
    microsoft.editions["9002"].files["German", "aarch64"] = "Windows11_Client_x64_de-de_26300_9457.iso"
    wrong = refused(library, languages=("German",), architectures=("arm64",))
    assert (wrong.code, wrong.data["contradictions"]) == ("implausible", ["architecture x64"])
    microsoft.editions["3813"].files["English", "x86_64"] = "Win10_22H2_English_x64v1.iso"
    assert refused(library).data["contradictions"] == ["Windows 10"]


def test_the_next_night_asks_for_the_page_alone(
    library: Library, another: Library, microsoft: Microsoft, clock: Clock
) -> None:
    first = offer(library)
    microsoft.asked.clear()
    clock.pass_(days=3)
    assert offer(another) == first
    assert {one.path for one in microsoft.asked} == {"/en-us/software-download/windows11"}


def test_one_link_a_day_whoever_asks(library: Library, another: Library, microsoft: Microsoft, clock: Clock) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(offer, [library, another, library, another]))
    assert len({one.model_dump_json() for one in found}) == 1
    assert microsoft.count(LINKS) == 1
    assert addresses(library, found[0]) == addresses(another, found[0])
    assert microsoft.count(LINKS) == 1
    clock.pass_(hours=25)
    addresses(library, found[0])
    assert microsoft.count(LINKS) == 2


def test_a_link_that_ended_early_is_not_asked_for_again_on_the_same_day(
    library: Library, microsoft: Microsoft, clock: Clock
) -> None:
    microsoft.link_hours = 1
    found = offer(library)
    clock.pass_(hours=2)
    with pytest.raises(ResolveError) as wrong:
        addresses(library, found)
    assert wrong.value.code == "asked-today"
    assert microsoft.count(LINKS) == 1
    clock.pass_(hours=23)
    assert addresses(library, found)[0].startswith(microsoft.base)


def test_a_new_release_is_seen_on_the_page_and_asked_for(library: Library, microsoft: Microsoft) -> None:
    offer(library)
    newer = microsoft.editions.pop("3813")
    newer.display = "Windows 11 Client - Build 26300.9999"
    newer.files = {key: name.replace("9457", "9999") for key, name in newer.files.items()}
    microsoft.editions["3999"] = newer
    assert str(offer(library).title.version) == "11.26H2.26300.9999"


def test_a_session_that_is_not_accepted_is_replaced_three_times_and_no_more(
    library: Library, microsoft: Microsoft
) -> None:
    no = Reply(body=b'{"Errors":[{"Key":"ErrorSettings.SentinelReject","Value":"rejected","Type":8}]}')
    microsoft.instead[LINKS] = [no, no]
    assert offer(library).filename.startswith("Windows11_Client_x64_en-us")
    sessions = [one.query["sessionid"] for one in microsoft.asked if one.path.lower() == LINKS]
    assert len(set(sessions)) == 3
    microsoft.instead[LINKS] = [no] * 9
    wrong = refused(library, languages=("de-DE",))
    assert (wrong.code, wrong.data["type"], wrong.data["retry"]) == ("blocked", 8, True)
    assert microsoft.count(LINKS) == 6
    assert refused(library, languages=("de-DE",)).code == "asked-today"
    assert microsoft.count(LINKS) == 6


def test_a_refused_address_asks_no_more_for_a_day_and_then_for_two(
    library: Library, another: Library, microsoft: Microsoft, clock: Clock
) -> None:
    microsoft.flagged, microsoft.shows_refusal = True, False
    wrong = refused(library)
    assert (wrong.code, wrong.data["type"], wrong.data["message_code"]) == ("blocked", 9, "715-123130")
    assert wrong.data["retry"] is False
    assert wrong.data["instead"] == ["windows/enterprise@11", "by hand"]
    assert "evaluation image" in wrong.hint
    assert "by hand" in wrong.hint
    asked = microsoft.count(LINKS)
    assert asked == 1
    clock.pass_(hours=23)
    assert refused(another, languages=("de-DE",)).code == "blocked"
    assert microsoft.count(LINKS) == asked
    assert microsoft.count(SKUS) == 1
    clock.pass_(hours=2)
    assert refused(another).data["type"] == 9
    assert microsoft.count(LINKS) == asked + 1
    clock.pass_(hours=47)
    refused(another)
    assert microsoft.count(LINKS) == asked + 1


def test_a_page_that_refuses_is_explained_in_microsofts_own_words(library: Library, microsoft: Microsoft) -> None:
    microsoft.flagged = True
    wrong = refused(library)
    assert (wrong.code, wrong.data["message_code"]) == ("blocked", "715-123130")
    assert "Some users, entities and locations are banned" in str(wrong)
    assert microsoft.count(SKUS) == 0


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(), "empty"),
        (Reply(body=b"{}"), "bad-data"),
        (Reply(body=b"<!DOCTYPE html><html>Sign in</html>"), "html-instead"),
        (Reply(403, b"<html>We encountered a problem processing your request.</html>"), "blocked"),
        (Reply(body=b'{"Errors":[{"Key":"ErrorSettings.ProductNotAvailable","Type":10}]}'), "configuration"),
    ],
)
def test_an_answer_that_is_none_is_said_as_what_it_is(
    library: Library, microsoft: Microsoft, reply: Reply, code: str
) -> None:
    microsoft.instead[LINKS] = [reply] * 3
    assert refused(library).code == code


def test_a_server_in_trouble_may_be_asked_again(library: Library, microsoft: Microsoft) -> None:
    microsoft.instead[LINKS] = [Reply(502)]
    with pytest.raises(ServerBusy):
        expected(library)
    assert offer(library).filename.endswith(".iso")


def test_an_answer_wrapped_in_a_text_is_unwrapped(library: Library, microsoft: Microsoft) -> None:
    microsoft.as_text = True
    assert offer(library).filename.endswith(".iso")


def test_microsoft_is_asked_as_a_browser_that_is_not_on_windows(library: Library, microsoft: Microsoft) -> None:
    offer(library, "windows@10")
    said = {one.headers["user-agent"] for one in microsoft.asked if "software-download" in one.path}
    assert len(said) == 1
    assert "Windows" not in said.pop()


def test_the_signed_address_is_nowhere_but_in_its_own_file(
    library: Library, microsoft: Microsoft, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    found = expected(library)
    (signed,) = addresses(library, found.offer)
    secret = signed.partition("?t=")[2].partition("&")[0]
    assert len(secret) == 32
    assert secret not in found.model_dump_json() + caplog.text
    folder = library.settings.data_folder
    holding = [file for file in folder.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    assert [file.name for file in holding] == ["3813-en-US.json"]
    assert holding[0].stat().st_mode & 0o077 == 0
