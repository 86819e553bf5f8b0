"""Keys can be listed and added by hand; only pinned fingerprints count."""

from __future__ import annotations

from pathlib import Path

from command import Isomanager
from isomanager.sample.upstream import SampleUpstream


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
