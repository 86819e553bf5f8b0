"""`kill -9` while aliases are switched, while a version is archived, and while a damaged file is set aside."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crash.driver import ARCHIVE, POINTS
from crash.state import aliases, assert_no_lie_is_visible, has_sha256sum, images, published_digests
from domain_update import update
from isomanager.library.opening import Library, library_in_use
from isomanager.library.repositories import add_repository
from isomanager.library.subscribing import subscribe
from isomanager.model import Copy, CopyState, OutcomeKind, Selector
from isomanager.sample.upstream import SampleUpstream

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(os.name != "posix" or not has_sha256sum(), reason="needs SIGKILL and sha256sum"),
]

OLD, NEW = "26.04.1", "26.04.2"
NAMES = list(POINTS)
OF_ALIASES = NAMES[NAMES.index("alias made aside") : NAMES.index("archive reserved")]
OF_AN_ARCHIVE = NAMES[NAMES.index("archive reserved") : NAMES.index("suspect noted")]
OF_SETTING_ASIDE = NAMES[NAMES.index("suspect noted") : NAMES.index("refusal noted")]

DieAt = Callable[..., None]


@pytest.fixture
def repository(upstream: SampleUpstream, tmp_path: Path) -> Path:
    """A library that holds the old release, has an archive, and has aliases."""
    with library_in_use() as library:
        add_repository(library, ARCHIVE, str(tmp_path / ARCHIVE))
        subscribe(library, Selector.parse("sample-orchard/server@lts"), old="archive", archive=ARCHIVE)
        assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    assert aliases(tmp_path / "library")
    return tmp_path / "library"


def copies(library: Library, repository: str, *states: CopyState) -> list[str]:
    return sorted(str(one.title.version) for one in library.inventory.copies(repository, states=set(states)))


@pytest.mark.parametrize("point", [*OF_ALIASES, *OF_AN_ARCHIVE])
def test_what_is_archived_and_aliased_converges_after_kill_9(
    point: str, repository: Path, upstream: SampleUpstream, tmp_path: Path, die_at: DieAt
) -> None:
    upstream.publish("orchard")
    die_at(point)
    assert_no_lie_is_visible(repository, upstream)
    assert_no_lie_is_visible(tmp_path / ARCHIVE, upstream)
    with library_in_use() as library:
        assert not [one.reason for one in update(library) if one.is_bad]
        assert [one.outcome for one in update(library)] == [OutcomeKind.CURRENT]
        assert copies(library, "default", CopyState.HELD) == [NEW]
        assert copies(library, "default", CopyState.TRASHED) == [OLD]
        assert copies(library, ARCHIVE, CopyState.HELD) == [OLD]
        assert list(library.store(ARCHIVE).partials()) == []
    told = json.loads((repository / "aliases.json").read_text())["aliases"]
    assert {path: str(repository / one["path"]) for path, one in told.items()} == {
        path: str(target) for path, target in aliases(repository).items()
    }
    assert all(NEW in one["path"] for one in told.values())
    assert len(images(tmp_path / ARCHIVE)) == 1


@pytest.mark.parametrize("point", OF_SETTING_ASIDE)
def test_a_damaged_file_is_never_served_once_the_next_run_is_through(
    point: str, repository: Path, upstream: SampleUpstream, die_at: DieAt
) -> None:
    ((path, digest),) = images(repository).items()
    damage(repository / path)
    die_at(point, "--check")
    with library_in_use() as library:
        update(library)
        update(library)
        (held,) = copies_of(library, "default")
        assert (held.state, held.sha256) == (CopyState.HELD, digest)
        assert_no_lie_is_visible(repository, upstream)
        assert images(repository)[held.path] in published_digests(upstream)


def copies_of(library: Library, repository: str) -> tuple[Copy, ...]:
    return library.inventory.copies(repository, states={CopyState.HELD, CopyState.SUSPECT})


def damage(file: Path) -> None:
    """One bit of it flips, as a dying disk would have it."""
    content = file.read_bytes()
    with file.open("r+b") as open_file:
        open_file.seek(1000)
        open_file.write(bytes([content[1000] ^ 1]))
