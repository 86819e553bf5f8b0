"""Room is counted with what other downloads still have to bring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isomanager.errors import StoreError
from isomanager.library.space import SpaceBook, still_needed
from isomanager.storage.contract import PartialRef, Space, Validators
from isomanager.storage.local import LocalStore

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
MIB = 1 << 20


def unfinished(key: str, size: int | None, front: int, minutes: float | None) -> PartialRef:
    changed = None if minutes is None else NOW - timedelta(minutes=minutes)
    return PartialRef(key, f"{key}.iso", size, Validators(), front, changed)


def test_only_what_still_grows_and_is_not_counted_already_needs_room() -> None:
    refs = [
        unfinished("growing", 100, 30, 1),
        unfinished("abandoned", 100, 0, 60),
        unfinished("unknown-size", None, 5, 1),
        unfinished("unknown-time", 100, 0, None),
        unfinished("ours", 100, 0, 1),
    ]
    assert still_needed(refs, {"ours"}, NOW) == 70


def test_what_is_promised_is_given_back_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, book = LocalStore(tmp_path), SpaceBook()
    monkeypatch.setattr(store, "space", lambda: Space(total=100 * MIB, free=10 * MIB))
    now = datetime.now(UTC)
    with book.reserved(store, "one", "one.iso", 6 * MIB, now):
        with pytest.raises(StoreError, match="promised"), book.reserved(store, "two", "two.iso", 6 * MIB, now):
            pass
        with (
            book.reserved(store, "three", "three.iso", 4 * MIB, now),
            book.reserved(store, "any", "any.iso", None, now),
        ):
            pass
    with book.reserved(store, "two", "two.iso", 6 * MIB, now):
        pass


def test_another_process_s_download_is_seen_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    monkeypatch.setattr(store, "space", lambda: Space(total=100 * MIB, free=10 * MIB))
    partial = store.begin("theirs.iso", 6 * MIB, Validators(), key="theirs")
    partial.close()
    now = datetime.now(UTC)
    with pytest.raises(StoreError, match="promised"), SpaceBook().reserved(store, "ours", "ours.iso", 6 * MIB, now):
        pass
    partial = store.reopen(partial.ref)
    partial.write(0, bytes(3 * MIB))
    partial.close()
    book = SpaceBook()
    with (
        book.reserved(store, "ours", "ours.iso", 6 * MIB, now),
        pytest.raises(StoreError, match="promised"),
        book.reserved(store, "more", "more.iso", 2 * MIB, now),
    ):
        pytest.fail("what the other process still has to bring, 3 MiB, and ours leave room for one")


def test_what_is_there_of_the_file_itself_needs_no_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    partial = store.begin("ours.iso", 6 * MIB, Validators(), key="ours")
    partial.write(0, bytes(5 * MIB))
    partial.close()
    monkeypatch.setattr(store, "space", lambda: Space(total=100 * MIB, free=MIB))
    book, now = SpaceBook(), datetime.now(UTC)
    with pytest.raises(StoreError, match="free"), book.reserved(store, "other", "other.iso", 6 * MIB, now):
        pytest.fail("another file would need all of it")
    with (
        book.reserved(store, "ours", "ours.iso", 6 * MIB, now),
        pytest.raises(StoreError, match="promised"),
        book.reserved(store, "other", "other.iso", MIB, now),
    ):
        pytest.fail("the last of the room is what ours still needs")
