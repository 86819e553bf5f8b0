"""Texts that tell of one file a line."""

from __future__ import annotations

import pytest

from isomanager.catalogue.strategies.lines import candidates
from isomanager.errors import FetchRefused

URL = "https://host.example/autobuilds/latest-iso.txt"
PATTERNS = (r"(?P<url>[\w./+-]+\.iso)[ \t]+(?P<size>\d+)",)
TEXT = "# Latest as of Sun\r\n# ts=1\r\n20260101T000000Z/a/b-20260101T000000Z.iso 1234\r\nnot-an-iso.img 5\r\n"


def test_reads_path_and_size_of_every_line_that_fits_as_a_whole() -> None:
    (one,) = candidates(TEXT, URL, PATTERNS)
    assert one.name == "b-20260101T000000Z.iso"
    assert one.url == "https://host.example/autobuilds/20260101T000000Z/a/b-20260101T000000Z.iso"
    assert one.size == 1234


def test_an_armored_text_is_read_through_its_armor() -> None:
    signed = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{TEXT}-----BEGIN PGP SIGNATURE-----\n\nabc\n"
    assert [one.size for one in candidates(signed, URL, PATTERNS)] == [1234]


def test_digests_and_other_groups_are_kept() -> None:
    (one,) = candidates(f"{'A' * 64} beta x-1.iso", URL, (r"(?P<sha256>[0-9A-F]{64}) (?P<stage>\w+) (?P<file>\S+)",))
    assert one.digests == {"sha256": "a" * 64}
    assert one.groups == {"stage": "beta"}


@pytest.mark.parametrize("text", ["", "# Latest as of never\n", "../../etc/passwd 12\n"])
def test_a_text_without_files_is_an_error(text: str) -> None:
    with pytest.raises(FetchRefused, match="no file") as refused:
        candidates(text, URL, PATTERNS)
    assert refused.value.code == "no-files"


def test_a_web_page_is_no_text_of_files() -> None:
    with pytest.raises(FetchRefused, match="no listing"):
        candidates("<html>Sign in</html>", URL, PATTERNS)
