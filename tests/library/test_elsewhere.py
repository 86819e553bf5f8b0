"""Where a vendor does not answer, or answers nonsense, a mirror's documents serve as far as they are proved without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_update import bring_in, update
from isomanager.errors import FetchRefused, IsoManagerError, ServerBusy
from isomanager.library.opening import Library
from isomanager.library.requesting import Asked, judge_request
from isomanager.library.resolving import resolve_patiently, resolve_selector
from isomanager.library.sourcing import add_source
from isomanager.library.subscribing import subscribe
from isomanager.model import ActionKind, Assurance, Expectation, OutcomeKind, Refusal, Selector
from isomanager.sample.faults import FaultKind
from isomanager.sample.folder import ServedFolder
from isomanager.sample.server import SampleServer
from isomanager.sample.upstream import SampleUpstream
from library.conftest import SERVER, PlanFor, held, only_download


@pytest.fixture
def copy(library: Library, upstream: SampleUpstream, tmp_path: Path) -> Iterator[SampleServer]:
    """A copy of the vendor's tree in the house, known as the source `internal`."""
    shutil.copytree(upstream.site.www, tmp_path / "copy")
    with SampleServer(ServedFolder(tmp_path / "copy")) as running:
        add_source(library, "internal", running.url, "path", 100)
        yield running


def images(server: SampleServer | SampleUpstream) -> int:
    return sum(one.method == "GET" and one.path.endswith(".iso") for one in server.requests)


@pytest.mark.parametrize(
    ("kind", "pattern", "status"),
    [
        (FaultKind.NOT_FOUND, "/orchard/*", 0),
        (FaultKind.NOT_FOUND, "/orchard/", 0),
        (FaultKind.HTML, "/orchard/", 0),
        (FaultKind.BUSY, "/orchard/*", 500),
        (FaultKind.NOT_FOUND, "*/SHA256SUMS", 0),
        (FaultKind.NOT_FOUND, "*/SHA256SUMS.gpg", 0),
        (FaultKind.BUSY, "*/SHA256SUMS.gpg", 502),
        (FaultKind.HTML, "*/SHA256SUMS", 0),
        (FaultKind.CORRUPT_DIGESTS, "*/SHA256SUMS", 0),
    ],
)
def test_a_vendor_that_fails_while_planning_is_replaced_by_what_is_signed(
    library: Library,
    upstream: SampleUpstream,
    copy: SampleServer,
    plan_for: PlanFor,
    kind: FaultKind,
    pattern: str,
    status: int,
) -> None:
    upstream.fault(kind, pattern, **({"status": status} if status else {}))
    plan = plan_for(SERVER)
    action = only_download(plan)
    assert action.expectation is not None
    assert action.expectation.assurance is Assurance.SIGNED
    assert "internal" in action.expectation.reasons[-1]
    outcome = bring_in(library, action, plan)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert images(copy) == 1
    (there,) = held(library)
    (receipt,) = library.inventory.receipts(there.sha256 or "")
    assert receipt.assurance is Assurance.SIGNED
    assert any(one.final_url.startswith(copy.url) for one in receipt.evidence)


def test_a_signature_by_a_key_that_nobody_pinned_is_no_fault_of_the_place(
    library: Library, upstream: SampleUpstream, copy: SampleServer
) -> None:
    upstream.fault(FaultKind.WRONG_SIGNATURE, "*/SHA256SUMS.gpg")
    (refused,) = resolve_selector(library, Selector.parse(SERVER))
    assert isinstance(refused, Refusal)
    assert refused.code == "unknown-key"
    assert copy.requests == []


def test_an_image_that_its_vendor_lacks_comes_from_a_source_in_one_flat_folder(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor, tmp_path: Path
) -> None:
    (tmp_path / "flat").mkdir()
    before = judge_request(library, Asked(SERVER))
    image = upstream.site.www / before.offer.urls[0].removeprefix(f"{upstream.url}/")
    shutil.copy(image, tmp_path / "flat")
    upstream.fault(FaultKind.NOT_FOUND, "*.iso")
    with pytest.raises(IsoManagerError) as unavailable:
        judge_request(library, Asked(SERVER))
    assert unavailable.value.code == "unavailable"
    with SampleServer(ServedFolder(tmp_path / "flat")) as mirror:
        add_source(library, "internal", mirror.url, "name", 100)
        plan = plan_for(SERVER)
        outcome = bring_in(library, only_download(plan), plan)
    assert (outcome.outcome, outcome.assurance) == (OutcomeKind.PUBLISHED, Assurance.SIGNED)


def test_what_no_key_proves_is_never_believed_of_a_mirror(
    library: Library, upstream: SampleUpstream, copy: SampleServer
) -> None:
    subscribe(library, Selector.parse("sample-beacon"), floor=Assurance.NONE)
    upstream.fault(FaultKind.NOT_FOUND, "/beacon/*")
    (want,) = resolve_patiently(library, library.inventory.subscriptions())
    assert [(one.expectation, one.error_code) for one in want.resolutions] == [(None, "http-status")]
    assert copy.requests != []


def test_a_mirror_that_forges_its_list_helps_nobody(
    library: Library, upstream: SampleUpstream, copy: SampleServer, tmp_path: Path
) -> None:
    for sums in (tmp_path / "copy").rglob("SHA256SUMS"):
        sums.write_text(sums.read_text().replace("a", "b"))
    upstream.fault(FaultKind.BUSY, "/orchard/*", status=500)
    with pytest.raises(ServerBusy, match="500"):
        resolve_selector(library, Selector.parse(SERVER))


def test_a_mirror_that_lags_never_makes_an_older_release_the_newest(
    library: Library, upstream: SampleUpstream, copy: SampleServer, plan_for: PlanFor
) -> None:
    upstream.publish("orchard")
    plan_for(SERVER)
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    (newest,) = held(library)
    upstream.fault(FaultKind.NOT_FOUND, "/orchard/*")
    assert [one.outcome for one in update(library)] == [OutcomeKind.FAILED]
    assert held(library) == (newest,)


def test_a_folder_of_a_mirror_does_not_say_which_version_a_file_is(
    library: Library, upstream: SampleUpstream, copy: SampleServer, tmp_path: Path
) -> None:
    """A file whose name does not tell its version, signed or not, is only believed in the vendor's own listing."""
    product = upstream.catalogue_folder / "sample-orchard.toml"
    told = product.read_text()
    blind = told.replace(r"orchard-(?P<version>\d+\.\d+(?:\.\d+)*(?:-beta)?)-", r"orchard-[\d.]+(?:-beta)?-")
    assert blind != told
    product.write_text(blind.replace("[version]\n", '[version]\ntext = "{series}.9"\n'))
    library.forget_catalogue()
    (believed,) = resolve_selector(library, Selector.parse("sample-orchard/server"))
    assert isinstance(believed, Expectation)
    upstream.fault(FaultKind.NOT_FOUND, "/orchard/*")
    with pytest.raises(FetchRefused, match="404"):
        resolve_selector(library, Selector.parse("sample-orchard/server"))


def test_a_mirror_of_the_product_file_is_asked_too(
    library: Library, upstream: SampleUpstream, copy: SampleServer
) -> None:
    library.inventory.remove_source("internal")
    product = upstream.catalogue_folder / "sample-orchard.toml"
    named = f'\n[[mirrors]]\nreplaces = "{upstream.url}/"\nbase = "{copy.url}/"\n'
    product.write_text(product.read_text() + named)
    library.forget_catalogue()
    upstream.fault(FaultKind.BUSY, "/orchard/*", status=500)
    (believed,) = resolve_selector(library, Selector.parse(SERVER))
    assert isinstance(believed, Expectation)
    assert believed.assurance is Assurance.SIGNED


def test_a_vendor_that_answers_is_not_second_guessed(
    library: Library, upstream: SampleUpstream, copy: SampleServer, plan_for: PlanFor
) -> None:
    plan = plan_for(SERVER, "sample-beacon")
    assert len(plan.of_kind(ActionKind.DOWNLOAD)) == 2
    assert copy.requests == []


def test_a_host_that_does_not_answer_is_waited_for_once(
    library: Library, upstream: SampleUpstream, copy: SampleServer
) -> None:
    fault = upstream.fault(FaultKind.BUSY, "*", status=500)
    (believed,) = resolve_selector(library, Selector.parse(SERVER))
    assert isinstance(believed, Expectation)
    assert fault.befallen == 1
