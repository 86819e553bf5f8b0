"""A damaged copy is made whole from its good parts; what cannot be made whole stays as it is, and suspect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from domain_update import bring_in as bring_in_one
from isomanager.library.checking import check_copy
from isomanager.library.opening import Library
from isomanager.library.repairing import repair_copy
from isomanager.library.repositories import add_repository
from isomanager.library.requesting import Asked, plan_download
from isomanager.library.setting_aside import DAMAGED
from isomanager.library.torrenting import keep_metainfo
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import Validators
from library.conftest import only_download
from library.quarry import MIB, Quarry, image_of
from peers import PIECE, make_torrent

IMAGE = image_of(4)


@pytest.fixture
def quarry(upstream: SampleUpstream) -> Quarry:
    return Quarry(upstream)


class Held:
    """The image in the library, and what becomes of it."""

    def __init__(self, library: Library, copy: Copy) -> None:
        self.library, self.copy = library, copy
        self.root = Path(library.store(copy.repository).url)
        self.file = self.root / copy.path

    def damage(self, content: bytes) -> None:
        self.file.write_bytes(content)
        assert check_copy(self.library, self.copy).code == "failed-proof"

    def flip(self, *places: int) -> None:
        content = bytearray(IMAGE)
        for place in places:
            content[place] ^= 1
        self.damage(bytes(content))

    def repair(self) -> Outcome:
        return repair_copy(self.library, self.library.inventory.copy(self.copy.id))

    @property
    def state(self) -> CopyState:
        return self.library.inventory.copy(self.copy.id).state

    def is_whole_and_alone(self) -> None:
        assert self.file.read_bytes() == IMAGE
        assert self.state is CopyState.HELD
        assert check_copy(self.library, self.library.inventory.copy(self.copy.id)).outcome is OutcomeKind.CURRENT
        assert list(self.library.store(self.copy.repository).partials()) == []
        assert not [file for file in (self.root / DAMAGED).rglob("*") if file.is_file()]


@pytest.fixture
def bring_in(quarry: Quarry, library: Library) -> Callable[..., Held]:
    def published(**with_it: bool) -> Held:
        quarry.publish("1.0", IMAGE, **with_it)
        return Held(library, quarry.bring_in(library))

    return published


def keep_torrent(held: Held, quarry: Quarry) -> None:
    torrent = make_torrent(quarry.folder / "quarry-1.0.iso")
    keep_metainfo(held.library, hashlib.sha256(IMAGE).hexdigest(), torrent)


def test_the_pieces_of_a_torrent_tell_what_is_bad_and_only_that_is_fetched(
    bring_in: Callable[..., Held], quarry: Quarry, upstream: SampleUpstream
) -> None:
    held = bring_in(zsync=False, torrent=True)
    held.flip(5 * PIECE + 9, 6 * PIECE, 40 * PIECE)
    before = len(upstream.requests)
    outcome = held.repair()
    assert (outcome.outcome, outcome.code, outcome.bytes) == (OutcomeKind.CURRENT, "repaired", 3 * PIECE)
    assert f"{3 * PIECE} of {len(IMAGE)} bytes were fetched, by the pieces of its torrent" in outcome.reason
    held.is_whole_and_alone()
    ranges = [one.headers.get("range") for one in upstream.requests[before:] if one.path.endswith("1.0.iso")]
    assert {one for one in ranges if one} == {  # in any order: several connections fetch them
        f"bytes={5 * PIECE}-{7 * PIECE - 1}",
        f"bytes={40 * PIECE}-{41 * PIECE - 1}",
    }


def test_a_torrent_that_was_kept_serves_when_upstream_has_none(bring_in: Callable[..., Held], quarry: Quarry) -> None:
    held = bring_in(zsync=False)
    keep_torrent(held, quarry)
    held.flip(len(IMAGE) - 1)
    assert held.repair().bytes == len(IMAGE) % PIECE
    held.is_whole_and_alone()


def test_block_sums_tell_what_is_bad_where_there_is_no_torrent(bring_in: Callable[..., Held]) -> None:
    held = bring_in()
    held.flip(MIB + 5)
    outcome = held.repair()
    assert outcome.bytes == 2048
    assert "by its block sums" in outcome.reason
    held.is_whole_and_alone()


def test_a_copy_that_was_cut_keeps_what_is_left(bring_in: Callable[..., Held]) -> None:
    held = bring_in()
    held.damage(IMAGE[: 2 * MIB + 17])
    assert held.repair().bytes == len(IMAGE) - 2 * MIB
    held.is_whole_and_alone()


def test_another_repository_has_the_bytes_and_upstream_is_not_asked(
    bring_in: Callable[..., Held], library: Library, tmp_path: Path, upstream: SampleUpstream
) -> None:
    held = bring_in(zsync=False)
    add_repository(library, "second", str(tmp_path / "second"))
    plan = plan_download(library, Asked(selector="quarry", repository="second"))
    assert bring_in_one(library, only_download(plan), plan).outcome is OutcomeKind.PUBLISHED
    held.flip(7)
    before = len(upstream.requests)
    outcome = held.repair()
    assert (outcome.outcome, "from second" in outcome.reason) == (OutcomeKind.CURRENT, True)
    held.is_whole_and_alone()
    assert [one.path for one in upstream.requests[before:] if one.path.endswith(".iso")] == []


def test_without_anything_to_judge_blocks_by_the_whole_is_fetched_anew(bring_in: Callable[..., Held]) -> None:
    held = bring_in(zsync=False)
    held.flip(3)
    outcome = held.repair()
    assert (outcome.bytes, "the whole of it anew" in outcome.reason) == (len(IMAGE), True)
    held.is_whole_and_alone()


def test_a_file_that_is_missing_is_fetched_anew_under_its_name(bring_in: Callable[..., Held]) -> None:
    held = bring_in()
    held.file.unlink()
    assert check_copy(held.library, held.copy).code == "failed-proof"
    assert held.repair().bytes == len(IMAGE)
    held.is_whole_and_alone()


def test_what_upstream_no_longer_has_stays_suspect_and_as_it_is(
    bring_in: Callable[..., Held], quarry: Quarry, library: Library
) -> None:
    held = bring_in()
    held.flip(MIB)
    aside = held.root / DAMAGED / held.copy.id / held.file.name
    damaged = aside.read_bytes()
    (quarry.folder / "quarry-1.0.iso").write_bytes(image_of(8))
    outcome = held.repair()
    assert outcome.outcome is OutcomeKind.FAILED
    assert held.state is CopyState.SUSPECT
    assert aside.read_bytes() == damaged
    assert not held.file.exists()
    assert list(library.store("default").partials()) == []
    (quarry.folder / "quarry-1.0.iso").unlink()
    (quarry.folder / "SHA256SUMS").unlink()
    assert held.repair().outcome is OutcomeKind.FAILED
    assert held.state is CopyState.SUSPECT


def test_what_a_crash_left_is_gone_on_with(bring_in: Callable[..., Held], library: Library) -> None:
    held = bring_in()
    held.flip(MIB)
    store = library.store("default")
    # killed after the damaged file moved aside: its good parts are still used
    store.move(held.copy.path, f"{DAMAGED}/{held.copy.id}/{held.file.name}")
    assert held.repair().bytes == 2048
    held.is_whole_and_alone()
    # killed when the repaired file was whole, and not yet in its place
    held.flip(MIB)
    partial = store.begin(held.copy.path, len(IMAGE), Validators(), key=f"repair-{held.copy.id}")
    partial.write(0, IMAGE)
    partial.close()
    outcome = held.repair()
    assert (outcome.bytes, "an earlier repair had it ready" in outcome.reason) == (0, True)
    held.is_whole_and_alone()


def test_a_stop_leaves_it_suspect_and_a_copy_that_is_not_suspect_is_left_alone(
    bring_in: Callable[..., Held], library: Library
) -> None:
    held = bring_in()
    assert held.repair().reason == "it is held, not suspect"
    held.flip(5)
    library.stop.set()
    outcome = held.repair()
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "cancelled")
    assert held.state is CopyState.SUSPECT
    library.stop.clear()
    assert held.repair().outcome is OutcomeKind.CURRENT
