"""What a store holds is read back in pieces, and a file that changes meanwhile is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isomanager.errors import StoreError
from isomanager.sample.server import SampleServer
from isomanager.storage.contract import Validators
from isomanager.storage.local import LocalStore
from isomanager.transfer import reading
from isomanager.transfer.reading import partial_pieces, stored_pieces
from transfer.serving import CONTENT, IMAGE, Fetch


def test_a_stored_file_comes_in_pieces(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 1 << 20)
    store._tree.traits = replace(store.traits, read_size=1 << 20)
    store.put_small("image.iso", CONTENT)
    pieces = list(stored_pieces(store, "image.iso"))
    assert [len(one) for one in pieces] == [1 << 20, 1 << 20, 1 << 20, len(CONTENT) - (3 << 20)]
    assert b"".join(pieces) == CONTENT


def test_a_missing_file_is_an_error(store: LocalStore) -> None:
    with pytest.raises(StoreError) as missing:
        list(stored_pieces(store, "image.iso"))
    assert missing.value.code == "missing"


def test_a_file_that_changes_while_it_is_read_is_an_error(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 1 << 16)
    store._tree.traits = replace(store.traits, read_size=1 << 16)
    store.put_small("image.iso", CONTENT)
    coming = stored_pieces(store, "image.iso")
    next(coming)
    (store.root / "image.iso").write_bytes(b"another")
    with pytest.raises(StoreError) as changed:
        list(coming)
    assert changed.value.code == "changed"


def test_an_unfinished_file_comes_in_pieces_too(server: SampleServer, fetch: Fetch) -> None:
    fetch(server.url + IMAGE)
    assert fetch.unfinished
    partial = fetch.store.begin(
        "Linux/image.iso", len(CONTENT), Validators(), key=fetch.unfinished.key, resume=fetch.unfinished
    )
    assert b"".join(partial_pieces(partial, len(CONTENT))) == CONTENT
    partial.close()
