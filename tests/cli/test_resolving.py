"""`isomanager catalogue resolve` on saved documents: what people and programs reproduce a broken resolver with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command import Isomanager
from isomanager.model import ALGORITHMS

BUILT = Path(__file__).parents[1] / "documents" / "catalogue"
CASES: list[dict[str, Any]] = json.loads((BUILT / "cases.json").read_text(encoding="utf-8"))
PRODUCTS = (
    "ubuntu", "debian", "fedora", "alpine", "rocky", "almalinux", "archlinux", "freebsd", "memtest86plus", "proxmox-ve",
)  # fmt: skip


def arguments_of(case: dict[str, Any]) -> list[str]:
    documents = [f"--document={url}={BUILT / name}" for url, name in case["documents"].items()]
    arch = ["--arch", case["arch"]] if case["arch"] else []
    return ["catalogue", "resolve", case["selector"], *arch, *documents, "--offline", "--json"]


def test_every_built_document_gives_the_offer_with_its_digests_as_json(here: Isomanager) -> None:
    answered = set()
    for case in CASES:
        told = here(*arguments_of(case))
        if "error" in case:
            assert (told.code, told.json["error"]) == (1, case["error"]), case
            assert told.json["message"]
            continue
        answer = told.json
        assert (answer["filename"], answer["version"]) == (case["filename"], case["version"]), case
        assert answer["url"].startswith("https://")
        assert answer["assurance"] in ("none", "mirror", "served", "published", "pinned", "signed")
        assert told.code == (1 if "refused" in answer else 0), answer
        answered.add(answer["product"])
    assert answered >= set(PRODUCTS)


def test_what_is_refused_still_shows_the_offer_and_what_it_claims(here: Isomanager) -> None:
    case = next(one for one in CASES if one["selector"] == "ubuntu/live-server@24.04")
    told = here(*arguments_of(case))
    assert told.code == 1
    answer = told.json
    assert answer["filename"] == case["filename"]
    assert len(answer["sha256"]) == 64
    assert answer["digests"]["sha256"] == answer["sha256"]
    assert (answer["assurance"], answer["signed_by"]) == ("none", None)
    assert answer["error"] == answer["refused"]["code"] == "no-signature"
    assert answer["message"] == answer["refused"]["reason"]
    assert answer["refused"]["lacking"] == ["https://releases.ubuntu.com/24.04/SHA256SUMS.gpg"]


def test_a_condition_resolves_every_flavor_it_means_and_one_that_fails_stops_no_other(here: Isomanager) -> None:
    case = next(one for one in CASES if one["selector"] == "ubuntu/live-server@24.04")
    (url, name), *_ = case["documents"].items()
    told = here("catalogue", "resolve", "ubuntu/*@24.04", f"--document={url}={BUILT / name}", "--offline", "--json")
    assert told.code == 1
    server = next(one for one in told.json if one.get("filename") == case["filename"])
    assert server["version"] == case["version"]
    lacking = next(one for one in told.json if one.get("selector") == "ubuntu/kubuntu@24.04")
    assert (lacking["error"], bool(lacking["message"])) == ("document-missing", True)


def test_a_person_is_told_what_is_refused_and_how_to_go_on(here: Isomanager) -> None:
    case = next(one for one in CASES if one["selector"] == "ubuntu/live-server@24.04")
    told = here(*[one for one in arguments_of(case) if one != "--json"])
    assert case["filename"] in told.out
    assert "is refused (no-signature)" in told.err
    assert "--document https://releases.ubuntu.com/24.04/SHA256SUMS.gpg=FILE" in told.err


@pytest.mark.parametrize("code", ["beta-only", "no-release", "unavailable", "not-an-iso"])
def test_what_upstream_does_not_have_is_an_error_with_its_own_code(isomanager: Isomanager, code: str) -> None:
    case = next(one for one in CASES if one.get("error") == code)
    told = isomanager(*arguments_of(case))
    assert told.code == 1
    assert told.json["error"] == code
    assert told.json["message"]


def test_the_installed_command_answers_with_a_good_expectation_from_a_document(isomanager: Isomanager) -> None:
    case = next(one for one in CASES if one["selector"].startswith("rocky") and "error" not in one)
    told = isomanager(*arguments_of(case)).well()
    assert told.json["assurance"] in ("published", "pinned", "mirror")
    assert any(name in told.json for name in ALGORITHMS)
    assert told.json["reasons"]


def test_offline_asks_for_nothing_and_says_which_document_is_missing(here: Isomanager) -> None:
    told = here("catalogue", "resolve", "debian/netinst", "--offline", "--json")
    assert (told.code, told.json["error"]) == (1, "document-missing")
    assert "--document" in told.json["hint"]


# recorded documents

RECORDED = [
    (
        ["ubuntu/live-server@22.04"],
        {"https://releases.ubuntu.com/22.04/SHA256SUMS": "ubuntu/ubuntu-22.04-SHA256SUMS"},
        ("ubuntu-22.04.5-live-server-amd64.iso", "22.04.5", "no-signature"),
        "9bc6028870aef3f74f4e16b900008179e78b130e6b0b9a140635434a46aa98b0",
    ),
    (
        ["debian/netinst@12.1.0"],
        {
            "https://cdimage.debian.org/cdimage/archive/12.1.0/amd64/iso-cd/SHA512SUMS":
            "debian/debian-12.1.0-amd64-iso-cd-SHA512SUMS"
        },
        ("debian-12.1.0-amd64-netinst.iso", "12.1.0", "no-signature"),
        "9da6ae5b63a72161d0fd4480d0f090b250c4f6bf421474e4776e82eea5cb3143bf8936bf43244e438e74d581797fe87c7193bbefff19414e33932fe787b1400f",
    ),
    (
        ["fedora/workstation"],
        {"https://fedoraproject.org/releases.json": "fedora/releases.excerpt.json"},
        ("Fedora-Workstation-Live-44-1.7.x86_64.iso", "44", None),
        "1620295f6a00c27c3208f0c00b8ece4eab1ec69b9002152d97488bf26a426ddf",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "documents", "expected", "digest"), RECORDED)
def test_a_recorded_document_alone_gives_file_name_version_and_digest(
    here: Isomanager,
    recorded: Path,
    asked: list[str],
    documents: dict[str, str],
    expected: tuple[str, str, str | None],
    digest: str,
) -> None:
    given = [f"--document={url}={recorded / name}" for url, name in documents.items()]
    told = here("catalogue", "resolve", *asked, *given, "--offline", "--json")
    filename, version, refused = expected
    assert (told.json["filename"], told.json["version"]) == (filename, version)
    assert digest in told.json["digests"].values()
    assert digest in (told.json.get(name) for name in ("sha256", "sha512"))
    assert told.json.get("error") == refused or refused is None


def test_with_document_signature_and_key_the_recorded_answer_is_signed(here: Isomanager, recorded: Path) -> None:
    base = "https://releases.ubuntu.com/22.04/SHA256SUMS"
    key = "843938DF228D22F7B3742BC0D94AA3F0EFE21092"
    given = {
        base: recorded / "ubuntu/ubuntu-22.04-SHA256SUMS",
        f"{base}.gpg": recorded / "ubuntu/ubuntu-22.04-SHA256SUMS.gpg",
    }
    documents = [f"--document={url}={file}" for url, file in given.items()]
    told = here("catalogue", "resolve", "ubuntu/server@22.04", *documents, "--offline", "--json")
    assert told.json["refused"]["code"] == "unknown-key"
    wanted = next(url for url in told.json["refused"]["lacking"] if key in url)
    documents.append(f"--document={wanted}={recorded / 'keys/ubuntu-cd-image-2012.asc'}")
    told = here("catalogue", "resolve", "ubuntu/server@22.04", *documents, "--offline", "--json").well()
    assert (told.json["assurance"], told.json["signed_by"]) == ("signed", key)
