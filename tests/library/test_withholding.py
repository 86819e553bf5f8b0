"""An address keeps its secrets to the process that was given it."""

from __future__ import annotations

import pytest

from isomanager.library.withholding import disclosed, withheld


def test_what_is_passed_on_has_no_secret_and_is_known_again_here() -> None:
    address = "https://me:hush@example.org/isos/lab.iso?token=hush"
    shown = withheld(address)
    assert shown == "https://example.org/isos/lab.iso"
    assert disclosed(shown) == address


@pytest.mark.parametrize("plain", ["", "ubuntu.torrent", "magnet:?xt=urn:btih:00", "https://example.org/other.iso"])
def test_what_has_no_secret_is_passed_on_as_it_is(plain: str) -> None:
    assert withheld(plain) == plain
    assert disclosed(plain) == plain
