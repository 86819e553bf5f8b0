"""An older image that is held is brought up to date: only what differs is fetched, and whatever fails ends in a whole download."""

from __future__ import annotations

from pathlib import Path

import pytest

from isomanager.library.opening import Library
from isomanager.model import OutcomeKind
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings, load_settings
from library.quarry import MIB, Quarry, image_of

OLD = image_of(1)
NEW = image_of(2, 34 * 2048) + OLD[: 2 * MIB] + image_of(3, 4096) + OLD[2 * MIB :]


@pytest.fixture
def quarry(upstream: SampleUpstream) -> Quarry:
    return Quarry(upstream)


def held_bytes(library: Library, path: str) -> bytes:
    return (Path(library.store("default").url) / path).read_bytes()


def start(quarry: Quarry, library: Library) -> None:
    quarry.publish("1.0", OLD)
    assert quarry.bring_in(library).title.version.text == "1.0"


def test_only_what_differs_is_fetched_and_the_whole_is_proved(quarry: Quarry, library: Library) -> None:
    start(quarry, library)
    quarry.publish("1.1", NEW)
    outcome = quarry.update(library)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert outcome.bytes < 200_000
    assert held_bytes(library, outcome.path) == NEW


def test_a_thorough_search_finds_what_moved_by_some_bytes(quarry: Quarry, upstream: SampleUpstream) -> None:
    with Library(Settings(**{**load_settings().model_dump(), "delta": "thorough"})) as library:
        start(quarry, library)
        quarry.publish("1.1", OLD[:MIB] + b"three bytes" + OLD[MIB:])
        assert quarry.update(library).bytes < 100_000


@pytest.mark.parametrize("change", ["off", "no sums", "torn sums", "sums of another file", "nothing in common"])
def test_what_does_not_work_out_ends_in_a_whole_download(change: str, quarry: Quarry, upstream: SampleUpstream) -> None:
    settings = load_settings().model_dump() | ({"delta": "never"} if change == "off" else {})
    with Library(Settings(**settings)) as library:
        start(quarry, library)
        new = image_of(9) if change == "nothing in common" else NEW
        file = quarry.publish("1.1", new, zsync=change != "no sums")
        sums = Path(f"{file}.zsync")
        if change == "torn sums":
            sums.write_bytes(sums.read_bytes()[:-9])
        if change == "sums of another file":
            other = quarry.publish("0.9", OLD + image_of(5, len(NEW) - len(OLD)))
            sums.write_bytes(Path(f"{other}.zsync").read_bytes())
        outcome = quarry.update(library)
        assert (outcome.outcome, outcome.bytes) == (OutcomeKind.PUBLISHED, len(new))
        assert held_bytes(library, outcome.path) == new


def test_an_interrupted_download_is_gone_on_with_rather_than_patched(
    quarry: Quarry, library: Library, upstream: SampleUpstream
) -> None:
    start(quarry, library)
    file = quarry.publish("1.1", NEW, zsync=False)
    fault = upstream.fault("truncate", "*quarry-1.1.iso", at=2 * MIB, times=1)
    assert quarry.update(library).outcome is OutcomeKind.FAILED
    assert fault.befallen == 1
    quarry.sum(file)
    outcome = quarry.update(library)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert outcome.bytes == len(NEW) - 2 * MIB
