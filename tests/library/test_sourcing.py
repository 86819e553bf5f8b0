"""An image comes from where a person prefers; a source that lags or lies is told apart from the vendor and reported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_update import bring_in, update
from isomanager.errors import FetchRefused, InventoryError, Refused, StoreError, UsageError
from isomanager.library.downloading import download_reserved
from isomanager.library.fetching import fetch
from isomanager.library.opening import Library
from isomanager.library.requesting import Asked, custom_offer, judge_request
from isomanager.library.reserving import reserved
from isomanager.library.sourcing import WRONG_BYTES, add_source, places_of, prefer
from isomanager.library.testing_sources import check_sources
from isomanager.model import Action, Assurance, Document, OutcomeKind
from isomanager.sample.faults import Fault, FaultKind
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import Space
from library.conftest import SERVER, PlanFor, held, only_download


@pytest.fixture
def mirror(upstream: SampleUpstream, tmp_path: Path) -> Iterator[SampleServer]:
    """A mirror inside the house, empty as yet."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with SampleServer(ServedFolder(folder)) as running:
        yield running


def offered(action: Action) -> tuple[str, str]:
    """The file's name and the vendor's address."""
    assert action.expectation is not None
    return action.expectation.offer.filename, action.expectation.offer.urls[0]


def stock(library: Library, action: Action, tmp_path: Path, change: bytes = b"") -> str:
    """Put the image on the mirror, some of its bytes changed; the name it has there."""
    name, url = offered(action)
    content = bytearray(library.client.get(url).content)
    content[: len(change)] = change
    (tmp_path / "mirror" / name).write_bytes(content)
    return name


def images(server: SampleServer | SampleUpstream) -> int:
    return sum(one.method == "GET" and one.path.endswith(".iso") for one in server.requests)


def test_a_source_of_ones_own_is_asked_and_the_vendor_spared(
    library: Library, upstream: SampleUpstream, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    action = only_download(plan_for(SERVER))
    stock(library, action, tmp_path)
    add_source(library, "internal", mirror.url, "name", 100)
    before = images(upstream)
    (outcome,) = (one for one in update(library) if one.outcome is OutcomeKind.PUBLISHED)
    assert [one.url.startswith(mirror.url) for one in outcome.sources] == [True]
    assert (images(upstream), images(mirror)) == (before, 1)
    assert library.inventory.source("internal").seen_at is not None


def test_a_source_that_lacks_the_image_costs_nothing_but_a_note(
    library: Library, mirror: SampleServer, plan_for: PlanFor
) -> None:
    plan_for(SERVER)
    add_source(library, "internal", mirror.url, "path", 100)
    (outcome,) = (one for one in update(library) if one.outcome is OutcomeKind.PUBLISHED)
    assert "answered 404" in outcome.note
    known = library.inventory.source("internal")
    assert (known.failures, "404" in known.told) == (1, True)


def test_a_source_that_serves_other_bytes_is_found_out_before_the_vendor_is_blamed(
    library: Library, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    plan = plan_for(SERVER)
    action = only_download(plan)
    stock(library, action, tmp_path, change=b"lies")
    add_source(library, "internal", mirror.url, "name", 100)
    outcome = bring_in(library, action, plan)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert [(one.url.startswith(mirror.url), one.code) for one in outcome.sources] == [(True, WRONG_BYTES), (False, "")]
    assert "other bytes" in outcome.note
    assert library.inventory.source("internal").failures == 1
    (copy,) = held(library)
    assert hashlib.sha256(library.client.get(offered(action)[1]).content).hexdigest() == copy.sha256


def test_when_the_vendor_serves_other_bytes_too_the_vendor_is_refused(
    library: Library, upstream: SampleUpstream, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    plan = plan_for(SERVER)
    action = only_download(plan)
    stock(library, action, tmp_path, change=b"lies")
    add_source(library, "internal", mirror.url, "name", 100)
    upstream.fault(FaultKind.FLIP_BIT, "*.iso", at=7)
    outcome = bring_in(library, action, plan)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "upstream-broken")
    assert held(library) == ()


def test_a_source_that_fails_in_the_middle_is_relieved_by_the_vendor(
    library: Library, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    plan = plan_for(SERVER)
    action = only_download(plan)
    stock(library, action, tmp_path)
    add_source(library, "internal", mirror.url, "name", 100)
    mirror.faults.add(Fault(FaultKind.TRUNCATE, at=100_000))
    outcome = bring_in(library, action, plan)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert [(one.code, one.bytes > 0) for one in outcome.sources] == [("body-truncated", True), ("", True)]


def test_the_preferred_order_is_followed(
    library: Library, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    plan = plan_for(SERVER)
    action = only_download(plan)
    stock(library, action, tmp_path)
    add_source(library, "InternalMirror", mirror.url, "name", 100)
    told = prefer(library, ["Microsoft", "internalmirror", "Direct"])
    assert [one.name for one in told] == ["vendor", "InternalMirror"]
    bring_in(library, action, plan)
    assert images(mirror) == 0
    with pytest.raises(InventoryError, match="no source named nobody"):
        prefer(library, ["nobody"])


def test_without_a_digest_only_the_vendor_is_asked(
    library: Library, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    action = only_download(plan_for(SERVER))
    name, url = offered(action)
    stock(library, action, tmp_path, change=b"lies")
    add_source(library, "internal", mirror.url, "name", 100)
    fetched = fetch(library, Asked(url=url, accept_unproved=True), tmp_path / "plain.iso")
    assert (fetched.url, images(mirror)) == (url, 0)
    proved = fetch(library, Asked(url=url, sha256=fetched.sha256), tmp_path / "proved.iso")
    assert (proved.sha256, images(mirror)) == (fetched.sha256, 1)
    assert name


def test_a_name_or_address_that_is_none_is_refused(library: Library) -> None:
    for name in ("vendor", "Direct", "mirrors", "a b", ""):
        with pytest.raises(UsageError, match="no name"):
            add_source(library, name, "https://mirror.example/", "path", 1)
    with pytest.raises(UsageError, match="stored and shown"):
        add_source(library, "internal", "https://me:word@mirror.example/", "path", 1)


def test_a_test_measures_and_remembers(
    library: Library, mirror: SampleServer, plan_for: PlanFor, tmp_path: Path
) -> None:
    stock(library, only_download(plan_for(SERVER)), tmp_path)
    add_source(library, "internal", mirror.url, "name", 100)
    add_source(library, "gone", "http://127.0.0.1:9/", "name", 100)
    reached = {one.name: one.ok for one in check_sources(library, (), "")}
    assert reached == {"gone": False, "internal": True}
    (measured,) = check_sources(library, ["internal"], SERVER)
    assert measured.ok
    assert measured.speed
    assert library.inventory.source("internal").speed == pytest.approx(measured.speed)
    assert library.inventory.source("gone").failures == 1


def test_room_that_is_promised_to_another_download_is_not_given_twice(
    library: Library, plan_for: PlanFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = only_download(plan_for(SERVER))
    store, free = library.store("default"), 1 << 30
    monkeypatch.setattr(store, "space", lambda: Space(total=2 * free, free=free))
    with reserved(library, action) as reservation:
        with (
            library.space.reserved(store, "other", "other.iso", free - (64 << 10), library.now()),
            pytest.raises(StoreError, match="promised to other downloads") as refused,
        ):
            download_reserved(library, reservation)
        assert refused.value.code == "no-space"
        assert download_reserved(library, reservation).size > 0


def test_refusals_of_a_proof_are_what_they_were(library: Library, upstream: SampleUpstream, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        fetch(library, Asked(selector=SERVER, sha256="0" * 64), tmp_path / "x.iso")
    assert not images(upstream)


def metalink(name: str, *hosts: str, sha256: str = "") -> bytes:
    urls = "".join(f'<url priority="{rank}">https://{host}/{name}</url>' for rank, host in enumerate(hosts, 1))
    digest = f'<hash type="sha-256">{sha256}</hash>' if sha256 else ""
    head = '<metalink xmlns="urn:ietf:params:xml:ns:metalink">'
    return f'{head}<file name="{name}"><size>4096</size>{digest}{urls}</file></metalink>'.encode()


def test_a_metalink_among_the_evidence_names_further_mirrors(library: Library, plan_for: PlanFor) -> None:
    expectation = only_download(plan_for(SERVER)).expectation
    assert expectation is not None
    name, url = expectation.offer.filename, expectation.offer.urls[0]
    told = Document(
        url="https://x.example/", final_url="https://x.example/", content=metalink(name, "one.example", "two.example")
    )
    other = told.model_copy(update={"content": metalink("other.iso", "three.example")})
    with_mirrors = expectation.model_copy(update={"evidence": (*expectation.evidence, told, other)})
    placed = places_of(library, with_mirrors)
    assert placed.urls == (*expectation.offer.urls, f"https://one.example/{name}", f"https://two.example/{name}")
    assert placed.addresses[0].url == url


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ({}, ("one.example", "two.example")),
        ({"sha256": "ab" * 32}, ()),  # of other bytes
        (None, ()),  # not there
    ],
)
def test_the_metalink_that_a_product_file_names_tells_further_mirrors(
    library: Library,
    plan_for: PlanFor,
    mirror: SampleServer,
    tmp_path: Path,
    text: dict[str, str] | None,
    told: tuple[str, ...],
) -> None:
    expectation = only_download(plan_for(SERVER)).expectation
    assert expectation is not None
    name = expectation.offer.filename
    if text is not None:
        (tmp_path / "mirror" / "x.meta4").write_bytes(metalink(name, "one.example", "two.example", **text))
    named = expectation.offer.model_copy(update={"metalink": f"{mirror.url}/x.meta4"})
    placed = places_of(library, expectation.model_copy(update={"offer": named}))
    assert placed.urls == (*expectation.offer.urls, *(f"https://{host}/{name}" for host in told))


def test_a_metalink_that_a_person_names_is_followed(library: Library, mirror: SampleServer, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    (folder / "x.meta4").write_bytes(metalink("image.iso", "one.example", "two.example", sha256="ab" * 32))
    (folder / "no.meta4").write_text("<html>")
    offer = custom_offer(library, Asked(url=f"{mirror.url}/x.meta4"))
    assert offer.urls == ("https://one.example/image.iso", "https://two.example/image.iso")
    assert (offer.filename, offer.size, offer.digests) == ("image.iso", 4096, {"sha256": "ab" * 32})
    judged = judge_request(library, Asked(url=f"{mirror.url}/x.meta4"))
    assert judged.assurance is Assurance.MIRROR
    with pytest.raises(FetchRefused, match="no metalink"):
        custom_offer(library, Asked(url=f"{mirror.url}/no.meta4"))
