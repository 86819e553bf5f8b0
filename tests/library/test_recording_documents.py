"""What was recorded answers offline as upstream did online."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isomanager.catalogue.documents import SavedDocuments
from isomanager.errors import ResolveError, UsageError
from isomanager.library.opening import Library
from isomanager.library.recording_documents import (
    RecordedCase,
    default_folder,
    file_name,
    record,
    replay,
    selectors_of,
)
from isomanager.library.resolving import resolve_selector
from isomanager.model import Expectation, Selector
from isomanager.sample.upstream import SampleUpstream

ALL = ("sample-orchard", "sample-granite", "sample-beacon", "sample-lantern", "sample-driftwood")


def recorded(library: Library, name: str, folder: Path, *selectors: str) -> tuple[RecordedCase, ...]:
    product = library.catalogue.product(name)
    return record(library, product, [Selector.parse(one) for one in selectors] or selectors_of(product), folder)


@pytest.mark.parametrize("name", ALL)
def test_a_recorded_set_answers_offline_as_upstream_did(library: Library, tmp_path: Path, name: str) -> None:
    product, folder = library.catalogue.product(name), tmp_path / "set"
    told = recorded(library, name, folder)
    assert [one.failed for one in told] == [""] * len(product.flavors)
    for case in json.loads((folder / "cases.json").read_text()):
        (online,) = resolve_selector(library, Selector.parse(case["selector"]))
        assert (case["filename"], case["version"]) == (online.offer.filename, str(online.offer.title.version))
        assert replay(product, case, folder)["filename"] == online.offer.filename


def test_the_evidence_is_recorded_too(library: Library, upstream: SampleUpstream, tmp_path: Path) -> None:
    recorded(library, "sample-orchard", tmp_path, "sample-orchard/server@lts")
    (online,) = resolve_selector(library, Selector.parse("sample-orchard/server@lts"))
    (case,) = json.loads((tmp_path / "cases.json").read_text())
    saved = SavedDocuments({url: tmp_path / file for url, file in case["documents"].items()})
    upstream.fault("not-found")
    (offline,) = resolve_selector(library, Selector.parse("sample-orchard/server@lts"), saved)
    assert isinstance(online, Expectation)
    assert isinstance(offline, Expectation)
    assert (offline.digests, offline.assurance, offline.signer) == (online.digests, online.assurance, online.signer)


def test_documents_are_kept_byte_for_byte(library: Library, upstream: SampleUpstream, tmp_path: Path) -> None:
    recorded(library, "sample-orchard", tmp_path, "sample-orchard/server@lts")
    (case,) = json.loads((tmp_path / "cases.json").read_text())
    url = f"{upstream.url}/orchard/26.04/SHA256SUMS"
    assert (tmp_path / case["documents"][url]).read_bytes() == upstream.image("orchard/26.04/SHA256SUMS")


def test_recording_one_flavor_leaves_the_others_recorded(library: Library, tmp_path: Path) -> None:
    recorded(library, "sample-orchard", tmp_path)
    before = json.loads((tmp_path / "cases.json").read_text())
    recorded(library, "sample-orchard", tmp_path, "sample-orchard/server")
    assert json.loads((tmp_path / "cases.json").read_text()) == before


def test_a_broken_resolver_is_told_and_not_recorded(library: Library, upstream: SampleUpstream, tmp_path: Path) -> None:
    upstream.fault("html", "/beacon/*")
    (told,) = recorded(library, "sample-beacon", tmp_path)
    assert "listing" in told.failed
    assert json.loads((tmp_path / "cases.json").read_text()) == []


def test_what_upstream_rightly_says_it_has_not_is_an_answer_to_record(library: Library, tmp_path: Path) -> None:
    (told,) = recorded(library, "sample-orchard", tmp_path, "sample-orchard/server@27.04")
    assert (told.failed, told.answer) == ("", "no-release")
    (case,) = json.loads((tmp_path / "cases.json").read_text())
    assert case["error"] == "no-release"
    with pytest.raises(ResolveError):
        resolve_selector(library, Selector.parse("sample-orchard/server@27.04"))


def test_a_list_of_cases_that_is_none_is_not_overwritten(library: Library, tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_text("my notes")
    with pytest.raises(UsageError, match="not a list of cases"):
        recorded(library, "sample-beacon", tmp_path)
    assert (tmp_path / "cases.json").read_text() == "my notes"


def test_in_a_source_tree_the_set_goes_among_the_test_documents(library: Library, tmp_path: Path) -> None:
    product = library.catalogue.product("sample-beacon")
    assert default_folder(product, tmp_path) == tmp_path / "sample-beacon-documents"
    (tmp_path / "tests" / "documents" / "catalogue").mkdir(parents=True)
    assert default_folder(product, tmp_path) == tmp_path / "tests" / "documents" / "catalogue" / "sample-beacon"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://vendor.example/iso/", "vendor.example_iso_index.html"),
        ("https://vendor.example/a/../../SHA256SUMS", "vendor.example_a_.._.._SHA256SUMS"),
        ("https://vendor.example/x?page=1&n=%2Fetc", "vendor.example_x_page_1_n_2Fetc"),
        ("https://vendor.example/" + "a" * 300, "a" * 96),
    ],
)
def test_a_file_is_named_for_its_address_and_stays_in_its_folder(url: str, name: str) -> None:
    assert file_name(url) == name
