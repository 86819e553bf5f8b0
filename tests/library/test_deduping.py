"""What a repository holds twice takes the room of one, and nothing is lost by it."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isomanager.library.checking import check_copy
from isomanager.library.deduping import SHARES, dedupe_copy, duplicates_report, plan_duplicates
from isomanager.library.leasing import reading
from isomanager.library.opening import Library
from isomanager.library.pruning import remove_trashed, retire
from isomanager.library.repositories import add_repository
from isomanager.model import Assurance, Copy, CopyState, Family, Outcome, OutcomeKind, Title
from isomanager.storage.local import LocalStore
from isomanager.version import Version

BYTES = b"the same image" * 5000
START = datetime(2025, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="inodes are of POSIX")


def put(library: Library, path: str, content: bytes = BYTES, *, days: int = 0, repository: str = "default") -> Copy:
    """A held copy of the user's own, and its file."""
    library.store(repository).put_small(path, content)
    when, digest = START + timedelta(days=days), hashlib.sha256(content).hexdigest()
    title = Title(family=Family.CUSTOM, product=path.removesuffix(".iso"), flavor="vanilla", version=Version("1"))
    copy = Copy(
        id=path.replace("/", "-"), repository=repository, path=path, title=title, state=CopyState.HELD, sha256=digest,
        size=len(content), assurance=Assurance.PINNED, digests={"sha256": digest}, created_at=when, proved_at=when,
        changed_at=when,
    )  # fmt: skip
    library.inventory.import_copies([copy])
    return copy


def deduped(library: Library, way: str = "hardlink") -> list[Outcome]:
    return [dedupe_copy(library, one, way) for one in plan_duplicates(library)]  # type: ignore[arg-type]


def names(library: Library, path: str, repository: str = "default") -> int:
    """How many names the file of a path has."""
    store = library.store(repository)
    assert isinstance(store, LocalStore)
    return (store.root / path).stat().st_nlink


def test_one_of_two_becomes_a_second_name_and_both_stay_proved(library: Library) -> None:
    first, second = put(library, "one.iso"), put(library, "two.iso", days=1)
    put(library, "other.iso", b"another image")
    (told,) = deduped(library)
    assert (told.outcome, told.code, told.path) == (OutcomeKind.CURRENT, "hardlink", "two.iso")
    assert f"{len(BYTES)} bytes are free" in told.reason
    assert (names(library, "one.iso"), names(library, "other.iso")) == (2, 1)
    for copy in (first, second):
        assert check_copy(library, library.inventory.copy(copy.id)).outcome is OutcomeKind.CURRENT


def test_a_dry_run_tells_what_would_be_shared_and_changes_nothing(library: Library) -> None:
    put(library, "one.iso")
    put(library, "two.iso", days=1)
    (told,) = duplicates_report(plan_duplicates(library)).outcomes
    assert f"would share its {len(BYTES)} bytes: the same bytes as one.iso" in told.reason
    assert names(library, "one.iso") == 1


def test_letting_one_go_leaves_the_other_whole(library: Library) -> None:
    first, second = put(library, "one.iso"), put(library, "two.iso", days=1)
    deduped(library)
    gone = retire(library, library.inventory.copy(first.id), "a test")
    assert remove_trashed(library, gone, "a test") is None
    assert library.store("default").read("two.iso", 0, len(BYTES)) == BYTES
    assert check_copy(library, library.inventory.copy(second.id)).outcome is OutcomeKind.CURRENT


def test_a_second_run_has_nothing_to_do_and_says_so(library: Library) -> None:
    for place in range(3):
        put(library, f"{place}.iso", days=place)
    assert {one.code for one in deduped(library)} == {"hardlink"}
    assert names(library, "0.iso") == 3
    again = deduped(library)
    assert {(one.outcome, one.code) for one in again} == {(OutcomeKind.SKIPPED, "shared")}


@pytest.mark.parametrize("damaged", ["one.iso", "two.iso"])
def test_never_shares_nor_replaces_what_is_damaged(library: Library, repository: Path, damaged: str) -> None:
    put(library, "one.iso")
    put(library, "two.iso", days=1)
    (repository / damaged).write_bytes(BYTES[:-1] + b"!")
    (told,) = deduped(library)
    assert (told.outcome, told.code) == (OutcomeKind.FAILED, "wrong-digest")
    assert damaged in told.reason
    assert names(library, "one.iso") == names(library, "two.iso") == 1


def test_what_somebody_reads_or_has_changed_waits_for_the_next_run(library: Library, another: Library) -> None:
    first, _ = put(library, "one.iso"), put(library, "two.iso", days=1)
    (planned,) = plan_duplicates(library)
    with reading(another, first.id):
        (busy,) = plan_duplicates(library)
    assert busy.code == "in-use"
    retire(library, library.inventory.copy(first.id), "a test")
    told = dedupe_copy(library, planned, "hardlink")
    assert (told.outcome, told.code) == (OutcomeKind.FAILED, "changed")
    assert library.store("default").read("two.iso", 0, len(BYTES)) == BYTES


def test_blocks_are_shared_where_the_disk_can_and_nothing_is_done_where_only_that_is_allowed(library: Library) -> None:
    put(library, "one.iso")
    second = put(library, "two.iso", days=1)
    (told,) = deduped(library, "reflink")
    assert told.code in ("reflink", "no-sharing")
    assert names(library, "one.iso") == 1
    assert library.store("default").read("two.iso", 0, len(BYTES)) == BYTES
    noted = library.inventory.copy(second.id).metadata.get(SHARES)
    assert noted == ("one.iso" if told.code == "reflink" else None)


def test_what_a_killed_run_left_is_no_obstacle(library: Library, repository: Path) -> None:
    put(library, "one.iso")
    put(library, "two.iso", days=1)
    (repository / ".isomanager").mkdir(exist_ok=True)
    (repository / ".isomanager" / "share.new").write_bytes(b"half")
    (told,) = deduped(library)
    assert told.code == "hardlink"
    assert not (repository / ".isomanager" / "share.new").exists()


def test_repositories_are_kept_apart(library: Library, tmp_path: Path) -> None:
    add_repository(library, "second", str(tmp_path / "second"))
    put(library, "one.iso")
    put(library, "in-second.iso", days=1, repository="second")
    assert plan_duplicates(library) == ()


def test_a_store_that_is_no_folder_says_that_its_files_cannot_share_bytes(library: Library, on_s3: str) -> None:
    add_repository(library, "bucket", on_s3)
    put(library, "b1.iso", repository="bucket")
    put(library, "b2.iso", days=1, repository="bucket")
    (planned,) = plan_duplicates(library, ["bucket"])
    assert planned.code == "no-sharing"
    assert "no folder of this machine" in planned.reason
    assert dedupe_copy(library, planned).outcome is OutcomeKind.SKIPPED
