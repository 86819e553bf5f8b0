"""Wrong bytes: is one address wrong, or what upstream publishes? Told apart, remembered, and never accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain_update import answers, update
from isomanager.library.opening import Library
from isomanager.library.planning_updates import make_plan
from isomanager.library.resolving import resolve_selector
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Expectation, Outcome, OutcomeKind, Refusal, Selector
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from library.conftest import held

PRODUCT = """
id = "brook"
name = "Brook"
family = "linux"

[source]
allow_http = true
allow_private = true

[[offers]]
strategy = "listing"
file = 'brook-(?P<version>[0-9.]+)\\.iso'
steps = [{{ url = "{base}/brook/" }}]

[[proof]]
document = "{{folder}}CHECKSUM"

[[mirrors]]
replaces = "{base}/brook/"
base = "{base}/brook-mirror/"
"""
IMAGE = bytes(range(256)) * 8192
OTHER = IMAGE[:-1] + b"!"


class Brook:
    """A vendor with a mirror; what each serves, and what is published of it, is the test's to say."""

    def __init__(self, upstream: SampleUpstream) -> None:
        self.www = upstream.site.www
        self.upstream = upstream
        text = PRODUCT.format(base=upstream.url)
        (upstream.catalogue_folder / "brook.toml").write_text(text)
        self.serve(IMAGE, IMAGE)
        self.publish(IMAGE)

    def serve(self, vendor: bytes, mirror: bytes) -> None:
        for place, content in (("brook", vendor), ("brook-mirror", mirror)):
            (self.www / place).mkdir(exist_ok=True)
            (self.www / place / "brook-1.0.iso").write_bytes(content)

    def publish(self, image: bytes, size: int | None = None) -> None:
        said = f"# brook-1.0.iso: {size} bytes\n" if size else ""
        digest = hashlib.sha256(image).hexdigest()
        (self.www / "brook" / "CHECKSUM").write_text(f"{said}SHA256 (brook-1.0.iso) = {digest}\n")

    @property
    def fetched(self) -> int:
        """How often an image was asked for with a body."""
        return sum(one.path.endswith(".iso") and one.method == "GET" for one in self.upstream.requests)


@pytest.fixture
def brook(upstream: SampleUpstream) -> Brook:
    return Brook(upstream)


@contextmanager
def opened() -> Iterator[Library]:
    with Library(load_settings()) as library:
        subscribe(library, Selector.parse("brook"), floor=Assurance.MIRROR)
        yield library


def one_update(library: Library) -> Outcome:
    (outcome,) = update(library)
    return outcome


def test_one_wrong_address_is_passed_over_and_named_on_the_receipt(brook: Brook) -> None:
    brook.serve(OTHER, IMAGE)
    with opened() as library:
        assert one_update(library).outcome is OutcomeKind.PUBLISHED
        (copy,) = held(library)
        (receipt,) = library.inventory.receipts(copy.sha256 or "")
    assert any("/brook/brook-1.0.iso gave other bytes" in reason for reason in receipt.reasons)
    assert copy.sha256 == hashlib.sha256(IMAGE).hexdigest()


def test_the_same_other_bytes_everywhere_mean_that_upstream_is_broken(brook: Brook, tmp_path: Path) -> None:
    brook.serve(OTHER, OTHER)
    with opened() as library:
        outcome = one_update(library)
        assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "upstream-broken")
        assert "brook-mirror/brook-1.0.iso gave the same other bytes" in outcome.reason
        assert held(library) == ()
    assert not [one for one in (tmp_path / "library").rglob("*.iso") if one.is_file()]


def test_it_is_not_fetched_again_until_what_upstream_publishes_changes(brook: Brook) -> None:
    brook.serve(OTHER, OTHER)
    with opened() as library:
        one_update(library)
        before = brook.fetched
        for _ in range(2):
            outcome = one_update(library)
            assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "quarantined")
            assert "Upstream is broken" in outcome.reason
        assert brook.fetched == before
        brook.publish(OTHER)
        assert one_update(library).outcome is OutcomeKind.PUBLISHED


def test_different_bytes_at_every_address_are_no_proof_against_upstream(brook: Brook) -> None:
    brook.serve(OTHER, b"?" + IMAGE[1:])
    brook.upstream.fault(FaultKind.FLIP_BIT, "/brook/*.iso", skip=2, at=77)
    with opened() as library:
        outcome = one_update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "wrong-digest")
    assert "as many different files" in outcome.reason


def test_bytes_that_were_damaged_once_are_fetched_once_more(brook: Brook) -> None:
    (brook.www / "brook-mirror" / "brook-1.0.iso").unlink()
    brook.upstream.fault(FaultKind.FLIP_BIT, "/brook/*.iso", times=1, at=77)
    with opened() as library:
        # the HEAD request does not use the fault up
        assert one_update(library).outcome is OutcomeKind.PUBLISHED


def test_a_size_that_no_address_has_costs_no_byte_and_says_whose_fault_it_is(brook: Brook) -> None:
    brook.publish(IMAGE, size=len(IMAGE) - 1000)
    with opened() as library:
        outcome = one_update(library)
        assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "upstream-broken")
        assert str(len(IMAGE)) in outcome.reason
        assert str(len(IMAGE) - 1000) in outcome.reason
        assert brook.fetched == 0


def test_a_size_that_only_another_address_has_is_that_address_s_image(brook: Brook) -> None:
    brook.serve(IMAGE + b"\0", IMAGE)
    brook.publish(IMAGE, size=len(IMAGE))
    with opened() as library:
        (judged,) = resolve_selector(library, Selector.parse("brook"))
        assert isinstance(judged, Expectation)
        assert one_update(library).outcome is OutcomeKind.PUBLISHED


def test_a_listed_size_that_no_address_has_is_remembered_too(brook: Brook) -> None:
    product = brook.upstream.catalogue_folder / "brook.toml"
    text = product.read_text().replace('strategy = "listing"', 'strategy = "checksums"')
    product.write_text(text.replace('/brook/" }]', '/brook/CHECKSUM" }]'))
    brook.publish(IMAGE, size=len(IMAGE) - 1000)
    with opened() as library:
        outcome = one_update(library)
        assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "upstream-broken")
        assert [action.code for action in make_plan(library, answers(library)).actions] == ["quarantined"]


def test_a_file_that_is_no_image_by_its_size_is_not_held_against_upstream(brook: Brook) -> None:
    product = brook.upstream.catalogue_folder / "brook.toml"
    text = product.read_text().replace('strategy = "listing"', 'strategy = "checksums"')
    product.write_text(text.replace('/brook/" }]', '/brook/CHECKSUM" }]'))
    brook.publish(IMAGE, size=len(IMAGE))
    brook.serve(b"busy", b"busy")
    with opened() as library:
        outcome = one_update(library)
        assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "wrong-size")
        brook.serve(IMAGE, IMAGE)
        assert one_update(library).outcome is OutcomeKind.PUBLISHED


def test_a_refused_judgment_never_becomes_an_expectation_by_another_size(brook: Brook) -> None:
    brook.publish(IMAGE, size=5)
    with opened() as library:
        (judged,) = resolve_selector(library, Selector.parse("brook"))
    assert isinstance(judged, Refusal)
    assert judged.code == "upstream-broken"
