from __future__ import annotations

import pytest

from isomanager.catalogue.key_directory import directory_urls, is_mail_address, zbase32


def test_the_draft_s_own_example_is_found_at_its_two_places() -> None:
    name = "iy9q119eutrkn8s1mk4r39qejnbu3n5q"
    for address in ("Joe.Doe@Example.ORG", "wkd:Joe.Doe@example.org"):
        assert directory_urls(address) == (
            f"https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/{name}?l=Joe.Doe",
            f"https://example.org/.well-known/openpgpkey/hu/{name}?l=Joe.Doe",
        )


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 3, bytes(range(20))])
def test_every_five_bits_are_one_letter(data: bytes) -> None:
    assert len(zbase32(data)) == -(-len(data) * 8 // 5)


@pytest.mark.parametrize(
    "text", ["https://user@vendor.example/key", "vendor.example", "@vendor.example", "a b@c", "a@b@c"]
)
def test_what_is_no_mail_address_is_none(text: str) -> None:
    assert not is_mail_address(text)
    with pytest.raises(ValueError, match="not a mail address"):
        directory_urls(text)
