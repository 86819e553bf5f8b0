"""The evaluation centre: the link is followed every time, and what it leads to is held against what was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from domain_update import update
from fake_microsoft import Microsoft, iso
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Expectation, OutcomeKind, Selector

SERVER = "/dbazure/998969d5-f34g-4e03-ac9d-1f9786c66749/26100.{}.lt_release_svc_refresh_SERVER_EVAL_x64FRE_{}.iso"


def expected(library: Library, text: str, **more: Any) -> Expectation:
    (only,) = resolve_selector(library, library.canonical(Selector.parse(text, **more)))
    assert isinstance(only, Expectation)
    return only


def refused(library: Library, text: str, **more: Any) -> IsoManagerError:
    with pytest.raises((ResolveError, FetchRefused)) as wrong:
        expected(library, text, **more)
    return wrong.value


def test_an_image_without_a_digest_is_trusted_on_first_use_and_says_so(library: Library) -> None:
    found = expected(library, "WindowsServer2025")
    assert found.offer.filename == "26100.40000.270111-0550.lt_release_svc_refresh_SERVER_EVAL_x64FRE_en-us.iso"
    assert (found.assurance, str(found.offer.title.version)) == (Assurance.SERVED, "2025.24H2.26100.40000")
    assert found.offer.last_modified
    assert found.size == len(iso(found.offer.filename))
    assert "pinned from then on" in " ".join(found.reasons)


def test_a_known_file_is_held_against_its_pinned_digest(library: Library, microsoft: Microsoft) -> None:
    known = SERVER.format("32230.260111-0550", "en-us")
    microsoft.leads_to["2345730", "en-us"] = known
    microsoft.sizes[known.rpartition("/")[2]] = 8152356864
    found = expected(library, "windows-server@2025")
    assert found.assurance is Assurance.PINNED
    assert found.digests == {"sha256": "7b052573ba7894c9924e3e87ba732ccd354d18cb75a883efa9b900ea125bfd51"}


def test_a_name_that_was_given_to_another_file_is_not_taken_for_the_known_one(
    library: Library, microsoft: Microsoft
) -> None:
    microsoft.leads_to["2195280", "en-us"] = "/sg/download/888969d5/SERVER_EVAL_x64FRE_en-us.iso"
    label = "Windows Server 2022 ISO  64-bit edition (en-US)"
    link = "{base}/fwlink/p/?LinkID=2195280&clcid=0x409&culture=en-us&country=US"
    microsoft.evaluation["download-windows-server-2022"] = [(label, link)]
    found = expected(library, "WindowsServer2022")
    assert (found.assurance, str(found.offer.title.version)) == (Assurance.SERVED, "2022")
    microsoft.sizes["SERVER_EVAL_x64FRE_en-us.iso"] = 5044094976
    found = expected(library, "WindowsServer2022")
    assert (found.assurance, str(found.offer.title.version)) == (Assurance.PINNED, "2022.21H2.20348.587")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (SERVER.format("40000.270111-0550", "ja-jp"), "language ja-jp"),
        ("/dbazure/x/20348.1.270111-0550.fe_release_SERVER_EVAL_x64FRE_en-us.iso", "Windows Server 2022"),
        ("/sg/download/x/SERVER_EVAL_x64FRE_en-us.iso", "Windows Server 2022"),
        ("/dbazure/x/26100.1.270111-0550.ge_release_CLIENTENTERPRISEEVAL_OEMRET_x64FRE_en-us.iso", "CLIENTENTERPRISEEVAL"),
        ("/dbazure/x/26100.1.270111-0550.ge_release_SERVER_EVAL_a64FRE_en-us.iso", "architecture a64"),
        ("/dbazure/x/something-else.iso", "no form that is known"),
    ],
)  # fmt: skip
def test_a_link_that_leads_to_something_else_is_never_taken(
    library: Library, microsoft: Microsoft, place: str, said: str
) -> None:
    microsoft.leads_to["2345730", "en-us"] = place
    wrong = refused(library, "windows-server@2025")
    assert wrong.code == "implausible"
    assert said in str(wrong)


def test_a_language_that_is_not_there_is_said_with_those_that_are(library: Library) -> None:
    wrong = refused(library, "windows-server@2025", languages=("de-DE",))
    assert (wrong.code, wrong.data["languages"]) == ("language-not-offered", ["en-US", "ja-JP"])


def test_a_refresh_under_the_same_link_is_fetched_and_the_same_file_is_not(
    library: Library, microsoft: Microsoft
) -> None:
    subscribe(library, Selector.parse("windows-server"), floor=Assurance.SERVED)
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    assert [one.outcome for one in update(library)] == [OutcomeKind.CURRENT]
    microsoft.leads_to["2345730", "en-us"] = SERVER.format("50000.270211-0550", "en-us")
    outcomes = update(library)
    assert [one.outcome for one in outcomes] == [OutcomeKind.PUBLISHED, OutcomeKind.RETIRED]
    assert "newer than 2025.24H2.26100.40000" in outcomes[0].reason
    fetched = [one.path for one in microsoft.asked if one.path.endswith(".iso") and one.method == "GET"]
    assert len(fetched) == 2
