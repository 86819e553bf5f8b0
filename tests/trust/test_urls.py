from __future__ import annotations

import pytest

from isomanager.trust.urls import is_https, same_owner, without_secrets


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://vendor.example/a/b.iso", "https://vendor.example/a/b.iso"),
        ("https://user:pass@vendor.example:8443/b.iso?token=x#y", "https://vendor.example:8443/b.iso"),
        ("s3://key:secret@bucket/path", "s3://bucket/path"),
        ("/srv/iso/b.iso", "/srv/iso/b.iso"),
        ("relative?token=x", "relative"),
        ("", ""),
        ("https://user:secret@[broken/path", "https://(an unreadable address)"),
        ("user:secret@vendor.example/path", "user://(an unreadable address)"),
        ("//user:secret@vendor.example/path", "//vendor.example/path"),
        ("C:\\ISOs\\b.iso", "c:\\ISOs\\b.iso"),
    ],
)
def test_a_public_address_carries_no_secret(url: str, public: str) -> None:
    assert without_secrets(url) == public
    assert without_secrets(public) == public


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://releases.vendor.example/a", "https://cdn.vendor.example/b", True),
        ("https://vendor.example/a", "https://vendor.example.evil.example/a", False),
        ("https://evilvendor.example/a", "https://vendor.example/a", False),
        ("https://one.co.uk/a", "https://two.co.uk/a", False),
        ("https://a.one.co.uk/a", "https://b.one.co.uk/a", True),
        ("https://127.0.0.1/a", "https://10.0.0.1/a", False),
        ("https://[broken", "https://[broken", False),
        ("https://localhost:1/a", "https://localhost:2/a", True),
    ],
)
def test_addresses_of_one_domain_have_one_owner(first: str, second: str, same: bool) -> None:
    assert same_owner(first, second) is same


def test_only_https_is_https() -> None:
    assert is_https("HTTPS://vendor.example/")
    assert not is_https("http://vendor.example/")
