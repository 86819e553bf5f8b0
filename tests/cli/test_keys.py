"""Keys can be listed and added by hand; only pinned fingerprints count."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import Isomanager
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from trust.authors import Ed25519Author, RsaAuthor


def test_a_key_that_is_added_is_kept_and_says_who_pins_it(
    here: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    file = tmp_path / "vendor.asc"
    file.write_bytes(upstream.site.key.public)
    assert upstream.key_fingerprint not in {one["fingerprint"] for one in here("keys", "list", "--json").well().json}
    (added,) = here("keys", "add", file, "--json").well().json
    assert added["fingerprint"] == upstream.key_fingerprint
    assert "sample-orchard" in added["products"]
    known = {one["fingerprint"]: one["products"] for one in here("keys", "list", "--json").well().json}
    assert known[upstream.key_fingerprint] == added["products"]


def test_shipped_keys_are_listed_with_the_products_that_pin_them(here: Isomanager) -> None:
    told = here("keys", "list").well().out
    assert "DF9B9C49EAA9298432589D76DA87E80D6294BE9B" in told
    assert "debian" in told


def test_what_is_no_key_is_refused_in_plain_words(here: Isomanager, tmp_path: Path) -> None:
    file = tmp_path / "no.asc"
    file.write_text("hello")
    assert here("keys", "add", file).code == 2
    assert here("keys", "add", tmp_path / "missing.asc").code == 2


def test_a_key_is_fetched_again_by_its_product_and_listed_with_what_is_known(
    here: Isomanager, upstream: SampleUpstream
) -> None:
    (told,) = here("keys", "refresh", "sample-orchard", "--json").well().json
    assert (told["fingerprint"], told["outcome"]) == (upstream.key_fingerprint, "new")
    assert "unchanged" in here("keys", "refresh", upstream.key_fingerprint).well().out
    (known,) = [
        one for one in here("keys", "list", "--json").well().json if one["fingerprint"] == upstream.key_fingerprint
    ]
    assert (known["kind"], known["here"], known["revoked"]) == ("openpgp", True, False)
    assert known["refreshed_at"]
    assert known["users"] == ["Sample Upstream (throw-away key) <releases@sample.invalid>"]


def test_every_pinned_key_can_be_listed(here: Isomanager) -> None:
    told = here("keys", "list", "--all", "--json").well().json
    kinds = {one["kind"] for one in told}
    assert kinds == {"openpgp", "rsa", "ed25519"}
    assert any("fedora" in one["products"] and not one["here"] for one in told)
    assert "not fetched yet" in here("keys", "list", "--all").well().out


def test_a_key_that_is_nowhere_to_be_had_ends_with_exit_code_1(
    here: Isomanager, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_KEYSERVERS", "[]")
    upstream.fault(FaultKind.NOT_FOUND, "*.asc")
    told = here("keys", "refresh", "sample-orchard", "--json")
    assert (told.code, told.json[0]["outcome"]) == (1, "failed")
    assert here("keys", "refresh", "no-such-product").code == 2


def test_rsa_keys_are_kept_and_signify_keys_are_not(here: Isomanager, tmp_path: Path) -> None:
    author = RsaAuthor()
    (tmp_path / "series.pem").write_bytes(author.public)
    assert here("keys", "add", "series.pem", "--json").well().json[0]["fingerprint"] == author.fingerprint
    (tmp_path / "release.pub").write_bytes(Ed25519Author().public)
    refused = here("keys", "add", "release.pub")
    assert refused.code == 2
    assert "pins it whole" in refused.err
