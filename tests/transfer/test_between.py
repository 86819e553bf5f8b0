"""From one store into another: whole, hashed, continued, and never from a file that changed."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from isomanager.errors import Cancelled, FetchRefused, StoreError
from isomanager.storage.contract import Store
from isomanager.storage.local import LocalStore
from isomanager.storage.sources import StoredFile, look_up
from isomanager.transfer.between import receive_stored
from isomanager.transfer.download import Request
from isomanager.transfer.limits import Limits

DATA = bytes(range(256)) * (40 << 10) + b"tail"
REQUEST = Request(urls=(), final="copy.iso", key="k1", algorithms=("sha256", "sha512"))


@pytest.fixture
def source(tmp_path: Path) -> StoredFile:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "x.bin").write_bytes(DATA)
    return look_up(LocalStore(tmp_path / "from"), "x.bin")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "to")


def receive(source: StoredFile, store: Store, request: Request = REQUEST, **more: object):  # type: ignore[no-untyped-def]
    return receive_stored(source, request, store, limits=Limits(), **{"stop": threading.Event(), **more})  # type: ignore[arg-type]


def test_brings_every_byte_and_its_digests(source: StoredFile, store: LocalStore) -> None:
    seen: list[int] = []
    received = receive(source, store, progress=lambda done, _total: seen.append(done))
    (ref,) = store.partials()
    store.reopen(ref).publish(len(DATA))
    assert store.read("copy.iso", 0, len(DATA) + 1) == DATA
    assert received.digests == {name: hashlib.new(name, DATA).hexdigest() for name in ("sha256", "sha512")}
    assert (received.url, received.resumed_at, seen[-1]) == (source.told, 0, len(DATA))


def test_goes_on_where_an_earlier_run_stopped(source: StoredFile, store: LocalStore) -> None:
    stop = threading.Event()
    with pytest.raises(Cancelled):
        receive(source, store, stop=stop, progress=lambda done, _total: done > 5 << 20 and stop.set())
    (ref,) = store.partials()
    assert 0 < ref.front < len(DATA)
    received = receive(source, store)
    assert received.resumed_at == ref.front
    assert received.digests["sha256"] == hashlib.sha256(DATA).hexdigest()


def test_never_joins_two_files(source: StoredFile, store: LocalStore, tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(Cancelled):
        receive(source, store, stop=stop, progress=lambda done, _total: done > 5 << 20 and stop.set())
    (tmp_path / "from" / "x.bin").write_bytes(DATA[::-1])
    with pytest.raises(StoreError) as changed:
        receive(source, store)
    assert changed.value.code == "changed"
    received = receive(look_up(source.store, "x.bin"), store)
    assert (received.resumed_at, received.digests["sha256"]) == (0, hashlib.sha256(DATA[::-1]).hexdigest())


def test_refuses_another_size_than_is_expected(source: StoredFile, store: LocalStore) -> None:
    with pytest.raises(FetchRefused) as refused:
        receive(source, store, Request(urls=(), final="copy.iso", key="k1", size=5))
    assert refused.value.code == "wrong-size"
    assert list(store.partials()) == []
