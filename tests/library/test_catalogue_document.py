"""What upstream offers, kept and pulled as one document: fresh answers are believed, foreign ones only as far as they are proved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from domain_update import answers
from isomanager.library.catalogue_document import (
    FILE,
    fresh_wants,
    keep_answers,
    kept_document,
    public_document,
    publish_document,
    version_in_name,
)
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Selector, Subscription
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from isomanager.version import Version

Kept = Callable[..., tuple[Subscription, ...]]
SIGNED, UNSIGNED = "sample-orchard/server@lts", "sample-beacon"


@pytest.fixture(autouse=True)
def _an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMANAGER_CATALOGUE_MAX_AGE", "3600")


@pytest.fixture
def kept(library: Library) -> Kept:
    """Subscribes, asks upstream, and keeps what it answered."""

    def keep(*selectors: str, floor: Assurance = Assurance.MIRROR) -> tuple[Subscription, ...]:
        for text in selectors:
            subscribe(library, Selector.parse(text), floor=floor)
        keep_answers(library, answers(library))
        return library.inventory.subscriptions()

    return keep


def test_a_fresh_answer_is_the_one_upstream_gave_and_asks_nobody(
    library: Library, upstream: SampleUpstream, kept: Kept
) -> None:
    subscriptions = kept(SIGNED, UNSIGNED)
    before = answers(library)
    asked = len(upstream.requests)
    assert sorted(fresh_wants(library, subscriptions), key=str) == sorted(before, key=str)
    assert len(upstream.requests) == asked


def test_an_answer_is_asked_for_again_after_its_time(library: Library, kept: Kept, clock: object) -> None:
    subscriptions = kept(SIGNED)
    clock.pass_(minutes=59)  # type: ignore[attr-defined]
    assert len(fresh_wants(library, subscriptions)) == 1
    clock.pass_(minutes=2)  # type: ignore[attr-defined]
    assert fresh_wants(library, subscriptions) == ()


def test_an_answer_of_a_time_to_come_is_not_believed(library: Library, kept: Kept, clock: object) -> None:
    subscriptions = kept(SIGNED)
    clock.pass_(days=-1)  # type: ignore[attr-defined]
    assert fresh_wants(library, subscriptions) == ()


def test_an_answer_that_is_proved_too_little_for_the_subscription_is_asked_for(library: Library, kept: Kept) -> None:
    kept(UNSIGNED)
    (raised,) = [one.model_copy(update={"floor": Assurance.SIGNED}) for one in library.inventory.subscriptions()]
    assert fresh_wants(library, [raised]) == ()


def test_a_product_file_that_changed_makes_its_answers_void(
    library: Library, upstream: SampleUpstream, kept: Kept
) -> None:
    subscriptions = kept(SIGNED)
    file = upstream.catalogue_folder / "sample-orchard.toml"
    file.write_text(file.read_text().replace("facts =", "homepage = 'https://example.org/'\nfacts ="))
    library.forget_catalogue()
    assert fresh_wants(library, subscriptions) == ()


def test_what_was_not_answered_well_is_not_kept(library: Library, upstream: SampleUpstream, kept: Kept) -> None:
    upstream.fault(FaultKind.WRONG_SIGNATURE, "*SHA256SUMS.gpg")
    assert fresh_wants(library, kept(SIGNED)) == ()


def test_a_file_that_is_of_no_use_is_written_anew(library: Library, kept: Kept) -> None:
    (library.settings.data_folder).mkdir(parents=True, exist_ok=True)
    (library.settings.data_folder / FILE).write_text('{"answers": [')
    assert len(fresh_wants(library, kept(SIGNED))) == 1
    assert len(kept_document(library.settings.data_folder / FILE).answers) == 1


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A web server over a folder, and the status of each answer it gave."""
    statuses: list[int] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_request(self, code: object = "-", _size: object = "-") -> None:
            statuses.append(int(code))  # type: ignore[call-overload]

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{FILE}", statuses
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def elsewhere(library: Library, tmp_path: Path) -> Callable[[str], Library]:
    """Another isomanager, with the same subscriptions, that reads the catalogue at an address."""

    def open_other(url: str) -> Library:
        settings = load_settings().model_copy(
            update={
                "catalogue_url": url,
                "data_folder": tmp_path / "other",
                "default_repository": str(tmp_path / "other-library"),
            }
        )
        other = Library(settings, clock=library.now)
        for one in library.inventory.subscriptions():
            subscribe(other, one.selector, floor=one.floor)
        return other

    return open_other


def test_another_server_takes_what_a_signature_proves_and_asks_for_the_rest(
    library: Library, upstream: SampleUpstream, kept: Kept, elsewhere: Callable[[str], Library], repository: Path
) -> None:
    kept(SIGNED, UNSIGNED)
    (place,) = publish_document(library, ["default"])
    assert Path(place).read_bytes() == (repository / FILE).read_bytes()
    with served(repository) as (url, statuses), elsewhere(url) as other:
        _bring_keys(library, other)
        asked = len(upstream.requests)
        found = fresh_wants(other, other.inventory.subscriptions())
        assert [str(one.subscription.selector) for one in found] == [SIGNED]
        (resolution,) = found[0].resolutions
        assert resolution.expectation is not None
        assert resolution.expectation.assurance is Assurance.SIGNED
        assert len(upstream.requests) == asked
        fresh_wants(other, other.inventory.subscriptions())
        assert statuses == [200, 304]


def _bring_keys(library: Library, other: Library) -> None:
    other.settings.keys_folder.mkdir(parents=True, exist_ok=True)
    for file in library.settings.keys_folder.iterdir():
        (other.settings.keys_folder / file.name).write_bytes(file.read_bytes())


Spoil = Callable[[str], str]


def _other_digest(text: str) -> str:
    told = json.loads(text)
    for answer in told["answers"]:
        for one in answer["expectations"]:
            one["evidence"][0]["content"] = "AAAA"
    return json.dumps(told)


def _other_version(text: str) -> str:
    return text.replace('"text":"26.04.1"', '"text":"26.04.9"')


def _other_signer(text: str) -> str:
    told = json.loads(text)
    for answer in told["answers"]:
        for one in answer["expectations"]:
            for proof in one["offer"]["proofs"]:
                proof["signers"] = ["A" * 40]
    return json.dumps(told)


@pytest.mark.parametrize(
    "spoil", [_other_digest, _other_version, _other_signer, lambda text: text[:100], lambda _text: "<html>"]
)
def test_what_another_server_tampers_with_is_not_believed(
    library: Library, kept: Kept, elsewhere: Callable[[str], Library], tmp_path: Path, spoil: Spoil
) -> None:
    kept(SIGNED)
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / FILE).write_text(spoil(public_document(library).model_dump_json()))
    with served(folder) as (url, _), elsewhere(url) as other:
        _bring_keys(library, other)
        assert fresh_wants(other, other.inventory.subscriptions()) == ()


def test_a_server_that_is_away_leaves_the_vendors(
    library: Library, kept: Kept, elsewhere: Callable[[str], Library]
) -> None:
    kept(SIGNED)
    with elsewhere("http://127.0.0.1:1/catalogue.json") as other:
        assert fresh_wants(other, other.inventory.subscriptions()) == ()


@pytest.mark.parametrize(
    ("version", "name", "tells"),
    [
        ("26.04.1", "orchard-26.04.1-live-server-amd64.iso", True),
        ("26.04.9", "orchard-26.04.1-live-server-amd64.iso", False),
        ("4.1", "orchard-26.4.1.iso", True),
        ("44 1.2", "Granite-Server-44-1.2.iso", True),
        ("rolling", "image.iso", False),
    ],
)
def test_a_name_tells_its_version(version: str, name: str, tells: bool) -> None:
    assert version_in_name(Version(version), name) is tells
