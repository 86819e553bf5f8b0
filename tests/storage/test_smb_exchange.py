"""Many requests to a share at once: how few they are, and what a server, or somebody between, can do wrong with the answers."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract_case import IMAGE, NAMED, expect_early_flushes, pattern
from smb_proxy import smb_proxy

from isomanager.errors import StoreUnavailable
from isomanager.storage.smb import SmbStore, open_smb
from isomanager.storage.smb_connection import PatientConnection
from isomanager.storage.smb_file import SmbFile
from isomanager.storage.smb_messages import CREATE, CREDIT
from isomanager.storage.smb_session import SmbAccess
from store_servers import SmbServer, smb_server

MIB = 1 << 20
_SIGNED = 0x8


def opened(server: SmbServer, folder: str, share: str = "isos", port: int | None = None) -> SmbStore:
    access = SmbAccess(server.user, server.password, answer_timeout=20.0)
    return open_smb(f"smb://127.0.0.1:{port or server.port}/{share}/{folder}", create=True, access=access)


@pytest.fixture
def folder() -> str:
    return f"exchange-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def store(smb: SmbServer, folder: str) -> Iterator[SmbStore]:
    store = opened(smb, folder)
    yield store
    store.session.close()


def images(count: int, size: int = 1000) -> dict[str, bytes]:
    return {f"lab{one}/{one}.iso": pattern(size + one) for one in range(count)}


def sizes(files: dict[str, bytes]) -> dict[str, int]:
    return {path: len(data) for path, data in files.items()}


def command_of(frame: bytearray) -> int:
    """Of the first answer in a frame; -1 where it is encrypted, or not of SMB 2."""
    return int.from_bytes(frame[12:14], "little") if frame[:4] == b"\xfeSMB" else -1


# how many


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    calls: Counter[str] = Counter()
    send_chains, send = PatientConnection.send_chains, PatientConnection._send

    def counted(connection: PatientConnection, waiting, *given):  # type: ignore[no-untyped-def]
        calls["ours"] += 1
        return send_chains(connection, waiting, *given)

    def counted_theirs(connection: PatientConnection, *given, **named):  # type: ignore[no-untyped-def]
        calls["theirs"] += 1
        return send(connection, *given, **named)

    monkeypatch.setattr(PatientConnection, "send_chains", counted)
    monkeypatch.setattr(PatientConnection, "_send", counted_theirs)
    return calls


def test_many_files_are_looked_at_and_put_by_few_calls(store: SmbStore, sent: Counter[str]) -> None:
    files = images(120)
    store.stat("none")
    sent.clear()
    assert store.put_all(files) == {}
    assert sent.total() <= 20, (
        "require, two listings, two levels of folders, four steps of putting, sweeping; and credits"
    )
    sent.clear()
    assert store.sizes([*files, "none.iso", "none/none.iso"]) == sizes(files)
    assert sent.total() <= 8, "require, all of them as credits allow, require again because one is missing"
    assert sent["theirs"] == 0


def test_a_server_begins_to_write_down_a_large_file_while_more_comes(
    store: SmbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect_early_flushes(store, SmbFile, "_begin_flush", monkeypatch)


def test_a_folder_of_more_names_than_an_answer_holds_is_listed_whole(
    smb: SmbServer, store: SmbStore, folder: str
) -> None:
    names = {f"{one:04}-{'n' * 150}.iso" for one in range(900)}
    place = smb.folder / "isos" / folder / "many"
    place.mkdir(parents=True)
    for name in names:
        (place / name).touch()
    assert {entry.path.rpartition("/")[2] for entry in store.list("many")} == names


def test_of_two_spellings_put_together_one_has_the_name(store: SmbStore) -> None:
    failed = store.put_all({"Lab/one.iso": b"one", "lab/ONE.iso": b"two", "Lab/three.iso": b"three"})
    assert {path: wrong.code for path, wrong in failed.items()} == {"lab/ONE.iso": "name-taken"}
    assert [entry.path for entry in store.list()] == ["Lab/one.iso", "Lab/three.iso"]
    assert store.read("Lab/one.iso", 0, 9) == b"one"


# other servers


@pytest.mark.parametrize("share", ["coded", "dfs"])
def test_what_is_encrypted_or_distributed_is_served_as_well(smb: SmbServer, folder: str, share: str) -> None:
    store, files = opened(smb, folder, share), {**images(20), "large/large.iso": pattern(3 * MIB + 1)}
    assert store.put_all(files) == {}
    assert store.put_all(files) == {}, "a repeat"
    assert store.sizes([*files, "none.iso", "large"]) == sizes(files)
    assert {entry.path: entry.size for entry in store.list()} == sizes(files)
    assert store.read("large/large.iso", 0, 4 * MIB) == files["large/large.iso"]
    store.move("lab1/1.iso", "moved/1.iso")
    store.delete("lab2/2.iso")
    there = {path for path in files if path not in ("lab1/1.iso", "lab2/2.iso")} | {"moved/1.iso"}
    assert {entry.path for entry in store.list()} == there
    store.session.close()


def test_a_server_that_takes_few_and_small_requests_is_used_all_the_same(tmp_path: Path) -> None:
    narrow = "smb2 max credits = 64\nsmb2 max write = 65536\nsmb2 max read = 65536\nsmb2 max trans = 65536"
    with smb_server(tmp_path / "smb", more=narrow) as server:
        store, files = opened(server, "few"), images(40, size=2 * CREDIT)
        assert store.put_all(files) == {}
        assert store.sizes(list(files)) == sizes(files)
        assert store.read("lab7/7.iso", 0, MIB) == files["lab7/7.iso"]
        data = pattern(9 * MIB)
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data)
        partial.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data
        store.session.close()


# somebody between


class Meddler:
    """Does something to each answer to opening a file, from when it is told to begin; what it gives back ends the connection."""

    def __init__(self, act: Callable[[bytearray], bool]) -> None:
        self._act, self.begun, self.acted = act, False, False

    def __call__(self, frame: bytearray) -> bool:
        if not self.begun or command_of(frame) != CREATE:
            return True
        self.acted = True
        return self._act(frame)


@contextmanager
def between(smb: SmbServer, store: SmbStore, meddler: Meddler) -> Iterator[SmbStore]:
    """The same folder, with somebody in the way."""
    with smb_proxy(smb.port, meddler) as port:
        reached = opened(smb, store.url.rpartition("/")[2], port=port)
        meddler.begun = True
        yield reached
        reached.session.close()
    assert meddler.acted


def change_size(frame: bytearray) -> bool:
    frame[64 + 48] ^= 1
    return True


def take_signature(frame: bytearray) -> bool:
    frame[16] &= ~_SIGNED
    frame[48:64] = bytes(16)
    return True


@pytest.mark.parametrize("act", [change_size, take_signature])
def test_never_believes_an_answer_that_is_not_the_server_s(
    smb: SmbServer, store: SmbStore, act: Callable[[bytearray], bool]
) -> None:
    files = images(20)
    store.put_all(files)
    with between(smb, store, Meddler(act)) as reached, pytest.raises(StoreUnavailable):
        reached.sizes([*files, "none.iso"])


def test_files_under_way_when_the_connection_breaks_are_whole_or_not_there(smb: SmbServer, store: SmbStore) -> None:
    files = images(30, size=CREDIT)
    came: list[int] = []

    def break_once(frame: bytearray) -> bool:
        came.append(1)
        return len(came) != 45

    with between(smb, store, Meddler(break_once)) as reached:
        with pytest.raises(StoreUnavailable):
            reached.put_all(files)
        for entry in store.list():
            assert store.read(entry.path, 0, 2 * CREDIT) == files[entry.path]
        assert reached.put_all(files) == {}, "the next try connects anew"
        assert reached.sizes(list(files)) == sizes(files)
