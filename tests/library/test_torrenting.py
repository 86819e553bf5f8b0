"""Images that come by BitTorrent: from real peers on loopback, held against the same evidence as any other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain_update import answers, update
from isomanager.errors import ConfigurationError, Refused, ResolveError, UsageError
from isomanager.library.checking import check_copy
from isomanager.library.fetching import fetch
from isomanager.library.opening import Library, library_in_use
from isomanager.library.repairing import repair_copy
from isomanager.library.requesting import Asked, plan_download
from isomanager.library.resolving import resolve_selector
from isomanager.library.subscribing import subscribe
from isomanager.library.torrent_stage import TorrentStage
from isomanager.library.torrenting import kept_metainfo
from isomanager.model import ActionKind, Assurance, OutcomeKind, Selector
from isomanager.sample.faults import flip_bit
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings, load_settings
from isomanager.storage.contract import Space
from library.conftest import held
from peers import PIECE, Tracker, make_torrent, seeding, tracking

PRODUCT = """
id = "reef"
name = "Reef"
family = "linux"
default_flavor = "installer"
flavors.installer.match = {{ media = "installer" }}
flavors.live.match = {{ media = "live" }}

[source]
allow_http = true
allow_private = true

[[offers]]
strategy = "listing"
file = 'reef-(?P<version>[0-9.]+)-(?P<media>installer|live)\\.iso'
steps = [{{ url = "{base}/reef/" }}]
sums = "{{directory}}SHA256SUMS"

[[proof]]
document = "{{sums}}"
"""
LIVE, INSTALLER = "reef-1.2-live.iso", "reef-1.2-installer.iso"


class Reef:
    """A vendor that gives its installer at an address and by torrent, and its live image by torrent alone."""

    def __init__(self, upstream: SampleUpstream, seeds: Path, tracker: Tracker) -> None:
        self.upstream, self.seeds, self.tracker = upstream, seeds, tracker
        self.image = next(upstream.site.www.rglob("*.iso")).read_bytes()
        self.folder = upstream.site.www / "reef"
        self.folder.mkdir()
        seeds.mkdir()
        for name in (LIVE, INSTALLER):
            (seeds / name).write_bytes(self.image)
            self.offer_torrent(name)
        (self.folder / INSTALLER).write_bytes(self.image)
        self.prove(self.image)
        (upstream.catalogue_folder / "reef.toml").write_text(PRODUCT.format(base=upstream.url))

    def offer_torrent(self, name: str, **addresses: Any) -> bytes:
        torrent = make_torrent(self.seeds / name, trackers=(self.tracker.url,), **addresses)
        (self.folder / f"{name}.torrent").write_bytes(torrent)
        return torrent

    def prove(self, image: bytes) -> None:
        digest = hashlib.sha256(image).hexdigest()
        (self.folder / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name in (LIVE, INSTALLER)))

    def seed(self, name: str) -> Any:
        return seeding((self.folder / f"{name}.torrent").read_bytes(), self.seeds)


@pytest.fixture
def reef(upstream: SampleUpstream, tmp_path: Path) -> Iterator[Reef]:
    with tracking() as tracker:
        yield Reef(upstream, tmp_path / "seeds", tracker)


Opened = Callable[..., Library]


@pytest.fixture
def opened(reef: Reef) -> Iterator[Opened]:
    """Opens the library with some settings, once the vendor is there."""
    libraries: list[Any] = []

    def open_with(**settings: Any) -> Library:
        wanted = load_settings().model_dump() | {"torrent_patience": 20.0} | settings
        libraries.append(library_in_use(Settings(**wanted)))
        return libraries[-1].__enter__()

    yield open_with
    for one in libraries:
        one.__exit__(None, None, None)


def staged(library: Library) -> list[Path]:
    return list((library.settings.data_folder / "staging" / "torrents").glob("*"))


def test_what_upstream_gives_only_as_a_torrent_is_held_like_any_other(
    reef: Reef, opened: Opened, tmp_path: Path
) -> None:
    library = opened()
    subscribe(library, Selector.parse("reef/live"), floor=Assurance.MIRROR)
    with reef.seed(LIVE) as peer:
        reef.tracker.peers.append(peer.address)
        (outcome,) = update(library)
    assert (outcome.outcome, outcome.reason) == (OutcomeKind.PUBLISHED, "not held; to be proved as mirror")
    (copy,) = held(library)
    assert (tmp_path / "library" / copy.path).read_bytes() == reef.image
    assert copy.assurance is Assurance.MIRROR
    (receipt,) = library.inventory.receipts(hashlib.sha256(reef.image).hexdigest())
    assert f"{reef.upstream.url}/reef/{LIVE}.torrent" in receipt.urls
    assert staged(library) == []
    assert [action.kind for action in plan_of(library)] == [ActionKind.KEEP]
    assert kept_metainfo(library, receipt.sha256) is not None


def plan_of(library: Library) -> Any:
    from isomanager.library.planning_updates import make_plan

    return make_plan(library, answers(library)).actions


def test_it_is_refused_where_torrents_are_not_to_be_used(reef: Reef, opened: Opened) -> None:
    library = opened(torrent="never")
    subscribe(library, Selector.parse("reef/live"), floor=Assurance.MIRROR)
    (action,) = plan_of(library)
    assert (action.kind, action.code) == (ActionKind.FAIL, "torrent-only")
    with pytest.raises(ConfigurationError, match="'never'"):
        plan_download(library, Asked(selector="reef/live", torrent="ab" * 20))


def test_who_only_resolves_is_told_that_there_is_only_a_torrent(reef: Reef, opened: Opened) -> None:
    library = opened()
    with pytest.raises(ResolveError) as refused:
        resolve_selector(library, Selector.parse("reef/live"))
    assert refused.value.code == "torrent-only"
    assert "isomanager[torrent]" in refused.value.hint
    (judged,) = resolve_selector(library, Selector.parse("reef/live"), torrents=True)
    assert (judged.offer.urls, judged.offer.filename) == ((), LIVE)
    assert judged.offer.torrent is not None
    assert judged.offer.torrent.only


def test_without_peers_the_address_on_the_web_is_taken(reef: Reef, opened: Opened) -> None:
    # no web seed can help either: the torrent is of a file that the address does not have
    library = opened(torrent="preferred", torrent_patience=1)
    (reef.seeds / INSTALLER).write_bytes(reef.image[::-1])
    reef.offer_torrent(INSTALLER)
    subscribe(library, Selector.parse("reef"), floor=Assurance.MIRROR)
    (outcome,) = update(library)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert staged(library) == []
    (receipt,) = library.inventory.receipts(hashlib.sha256(reef.image).hexdigest())
    assert f"{reef.upstream.url}/reef/{INSTALLER}" in receipt.urls


def test_a_torrent_of_other_bytes_than_the_evidence_demands_gives_way_to_the_address(
    reef: Reef, opened: Opened
) -> None:
    library = opened(torrent="preferred")
    # with something beside the image, so that its address is no web seed of this torrent
    (reef.seeds / "set").mkdir()
    (reef.seeds / "set" / INSTALLER).write_bytes(reef.image[::-1])
    (reef.seeds / "set" / "notes.txt").write_text("other bytes under the same name")
    torrent = make_torrent(reef.seeds / "set", trackers=(reef.tracker.url,))
    (reef.folder / f"{INSTALLER}.torrent").write_bytes(torrent)
    subscribe(library, Selector.parse("reef"), floor=Assurance.MIRROR)
    with reef.seed(INSTALLER) as peer:
        reef.tracker.peers.append(peer.address)
        (outcome,) = update(library)
        assert peer.uploaded >= len(reef.image)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert held(library)[0].sha256 == hashlib.sha256(reef.image).hexdigest()


def test_a_torrent_alone_of_other_bytes_is_refused_and_remembered(reef: Reef, opened: Opened, tmp_path: Path) -> None:
    library = opened()
    reef.prove(b"another image")
    subscribe(library, Selector.parse("reef/live"), floor=Assurance.MIRROR)
    with reef.seed(LIVE) as peer:
        reef.tracker.peers.append(peer.address)
        (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.QUARANTINED, "wrong-digest")
    assert [action.code for action in plan_of(library)] == ["quarantined"]
    assert not list((tmp_path / "library").rglob("*.iso"))
    assert staged(library) == []


def test_without_room_in_staging_nothing_is_fetched_and_nothing_left(
    reef: Reef, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = opened()
    subscribe(library, Selector.parse("reef/live"), floor=Assurance.NONE)
    promised = len(reef.image)
    monkeypatch.setattr(TorrentStage, "space", lambda _stage: Space(total=None, free=2 * promised - 1))
    with (
        reef.seed(LIVE),
        library.space.reserved(TorrentStage(library.settings.data_folder), "other", "", promised, library.now()),
    ):
        (outcome,) = update(library)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "no-space")
    assert (staged(library), held(library)) == ([], ())


def test_peers_and_the_address_on_the_web_serve_one_job(reef: Reef, opened: Opened) -> None:
    library = opened(torrent="preferred")
    subscribe(library, Selector.parse("reef"), floor=Assurance.MIRROR)
    (outcome,) = update(library)  # no peer at all: its own address is a web seed of the torrent
    assert outcome.outcome is OutcomeKind.PUBLISHED
    (receipt,) = library.inventory.receipts(hashlib.sha256(reef.image).hexdigest())
    assert receipt.urls[0] == f"{reef.upstream.url}/reef/{INSTALLER}.torrent"


@pytest.mark.parametrize("form", ["file", "address", "magnet"])
def test_a_person_may_name_the_torrent_and_must_say_how_it_is_proved(
    form: str, reef: Reef, opened: Opened, tmp_path: Path
) -> None:
    library, torrent = opened(), reef.folder / f"{LIVE}.torrent"
    digest = hashlib.sha256(reef.image).hexdigest()
    with reef.seed(LIVE) as peer:
        reef.tracker.peers.append(peer.address)
        magnet = f"magnet:?xt=urn:btih:{peer.handle.info_hash()}&dn={LIVE}&tr={reef.tracker.url}"
        named = {"file": str(torrent), "address": f"{reef.upstream.url}/reef/{LIVE}.torrent", "magnet": magnet}[form]
        with pytest.raises(Refused) as refused:
            fetch(library, Asked(torrent=named), tmp_path / "here.iso")
        assert refused.value.code == "below-floor"
        fetched = fetch(library, Asked(torrent=named, sha256=digest), tmp_path / "here.iso")
    assert Path(fetched.path).read_bytes() == reef.image
    assert fetched.assurance == "pinned"
    assert "127.0.0.1" not in fetched.url or form == "address"


def test_a_torrent_that_is_named_with_a_selector_is_held_against_its_evidence(reef: Reef, opened: Opened) -> None:
    library = opened()
    with reef.seed(INSTALLER) as peer:
        reef.tracker.peers.append(peer.address)
        (action,) = plan_download(
            library, Asked(selector="reef", torrent=str(reef.folder / f"{INSTALLER}.torrent"))
        ).actions
    assert action.expectation is not None
    assert action.expectation.offer.torrent is not None
    assert action.expectation.offer.torrent.asked
    assert action.expectation.digests == {"sha256": hashlib.sha256(reef.image).hexdigest()}


def test_what_names_no_torrent_is_refused_at_once(reef: Reef, opened: Opened) -> None:
    library = opened()
    for asked in (Asked(torrent="no-such.torrent"), Asked(torrent="magnet:?x"), Asked(selector="reef", torrent="zz")):
        with pytest.raises(UsageError, match=r"names no torrent|There is no file"):
            plan_download(library, asked)


def test_a_proved_image_is_given_to_others_before_the_library_closes(reef: Reef, opened: Opened) -> None:
    library = opened(torrent_listen="127.0.0.1:0", torrent_seed_minutes=0.01)
    subscribe(library, Selector.parse("reef/live"), floor=Assurance.MIRROR)
    with reef.seed(LIVE) as peer:
        reef.tracker.peers.append(peer.address)
        (outcome,) = update(library)
        assert outcome.outcome is OutcomeKind.PUBLISHED
        (copy,) = held(library)
        assert library.swarm.seeds.holds(copy.id)
        assert staged(library) != []
        library.close()
    assert staged(library) == []


def test_a_damaged_copy_of_what_comes_only_by_torrent_is_mended_by_its_peers(
    reef: Reef, opened: Opened, tmp_path: Path
) -> None:
    library = opened()
    subscribe(library, Selector.parse("reef/live"), floor=Assurance.MIRROR)
    with reef.seed(LIVE) as peer:
        reef.tracker.peers.append(peer.address)
        update(library)
        (copy,) = held(library)
        file = tmp_path / "library" / copy.path
        file.write_bytes(flip_bit(reef.image, 70_000))
        assert check_copy(library, copy).code == "failed-proof"
        outcome = repair_copy(library, library.inventory.copy(copy.id))
    assert (outcome.outcome, outcome.bytes) == (OutcomeKind.CURRENT, PIECE)
    assert "from the peers of its torrent" in outcome.reason
    assert file.read_bytes() == reef.image
    assert staged(library) == []
