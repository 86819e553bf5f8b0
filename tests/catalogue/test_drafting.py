"""What can be read from an example, and what cannot."""

from __future__ import annotations

import pytest

from isomanager.catalogue.drafting import Draft, drafted, guess_pattern
from isomanager.catalogue.loader import check_expressions, read_product
from isomanager.catalogue.patterns import match_whole
from isomanager.catalogue.toml_text import to_toml
from isomanager.errors import UsageError


@pytest.mark.parametrize(
    ("name", "version", "arch", "other"),
    [
        ("tiny-24.04.3-server-amd64.iso", "24.04.3", "amd64", "tiny-26.10-server-arm64.iso"),
        ("beacon-ve_9.2-1.iso", "9.2-1", "", "beacon-ve_10.0-2.iso"),
        ("Granite-Live-x86_64-44-1.7.iso", "44-1.7", "x86_64", None),
        ("os_x64_20260901.iso.xz", "20260901", "x64", "os_x64_20261001.iso.xz"),
        ("tool-v12.img", "12", "", "tool-v13.img"),
        ("rolling-2026-09-01-aarch64.iso", "2026-09-01", "aarch64", "rolling-2026-10-01-x86_64.iso"),
        ("a+b (1.0).iso", "1.0", "", "a+b (2.0).iso"),
        ("memtest86plus-7.20.iso", "7.20", "", "memtest86plus-8.00.iso"),
    ],
)
def test_a_name_tells_its_version_and_architecture(name: str, version: str, arch: str, other: str | None) -> None:
    guess = guess_pattern(name)
    found = match_whole(guess.pattern, name)
    assert found is not None
    assert (found["version"], found.get("arch", "")) == (guess.version, guess.arch)
    assert guess.arch == arch
    if other is not None:
        assert guess.version == version
        assert match_whole(guess.pattern, other) is not None
    assert match_whole(guess.pattern, f"{name}.torrent") is None


@pytest.mark.parametrize("name", ["latest.iso", "image-amd64.iso", "x86_64.iso"])
def test_a_name_without_a_version_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="No version"):
        guess_pattern(name)


def draft(example: str, **told: str) -> Draft:
    return Draft(id="mine", example=example, **told)


@pytest.mark.parametrize(
    ("one", "steps", "proof"),
    [
        (
            draft("https://h.example/iso/tiny-1.2.iso", checksums="https://h.example/iso/SHA256SUMS"),
            [{"url": "https://h.example/iso/SHA256SUMS"}],
            [{"document": "{folder}SHA256SUMS"}],
        ),
        (
            draft(
                "https://h.example/v1.2/iso/tiny-1.2.3.iso",
                checksums="https://h.example/v1.2/iso/tiny-1.2.3.iso.sha256",
            ),
            [{"url": "https://h.example/", "pick": r"v(?P<release>\d+(?:[.-]\d+)*)/"}, {"url": "v{release}/iso/"}],
            [{"document": "{folder}{file}.sha256"}],
        ),
        (draft("https://h.example/tiny-1.2.iso"), [{"url": "https://h.example/"}], None),
        (
            draft("https://h.example/1.2/1.2/tiny-1.2.iso"),
            [{"url": "https://h.example/", "pick": r"(?P<release>\d+(?:[.-]\d+)*)/"}, {"url": "{release}/{release}/"}],
            None,
        ),
    ],
    ids=["document beside", "folders by version", "nothing proves it", "two folders"],
)
def test_the_address_tells_where_to_look(one: Draft, steps: list[object], proof: list[object] | None) -> None:
    told = drafted(one)
    assert told["offers"][0]["steps"] == steps
    assert told.get("proof") == proof
    product = read_product(to_toml(told), "the answers", stem="mine")
    check_expressions(product, "the answers")
    assert product.status == "unconfirmed"


def test_a_release_on_github_is_asked_of_its_api() -> None:
    told = drafted(draft("https://github.com/o/tool/releases/download/v1.2/tool-1.2-x86_64.iso"))
    assert told["offers"][0]["steps"][0]["url"][0] == "https://api.github.com/repos/o/tool/releases"
    check_expressions(read_product(to_toml(told), "the answers"), "the answers")


def test_a_signature_needs_its_key_and_stands_beside_what_it_signs() -> None:
    signed = {"checksums": "https://h.example/SHA256SUMS", "signature": "https://h.example/SHA256SUMS.gpg"}
    with pytest.raises(UsageError, match="key"):
        drafted(draft("https://h.example/tiny-1.2.iso", **signed))
    (proof,) = drafted(draft("https://h.example/tiny-1.2.iso", **signed, key="A" * 40))["proof"]
    assert proof["signature"] == {"kind": "openpgp", "url": "{document}.gpg"}
    (over_file,) = drafted(
        draft("https://h.example/tiny-1.2.iso", signature="https://h.example/tiny-1.2.iso.asc", key="A" * 40)
    )["proof"]
    assert over_file["signature"] == {"kind": "openpgp", "url": "{url}.asc", "over": "file"}


def test_a_packed_image_is_unpacked_and_a_raw_one_keeps_its_ending() -> None:
    told = drafted(draft("https://h.example/tool-1.2.img.xz"))
    assert told["offers"][0]["unpack"] == {"kind": "xz"}
    assert told["flavors"] == {"vanilla": {"endings": [".img"]}}


@pytest.mark.parametrize(
    "example", ["tiny-1.2.iso", "https://h.example/", "https://h.example/tiny-1.2.exe", "ftp://h/x-1.iso"]
)
def test_what_is_no_address_of_an_image_is_refused(example: str) -> None:
    with pytest.raises(UsageError):
        drafted(draft(example))
