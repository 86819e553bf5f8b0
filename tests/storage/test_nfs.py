"""What only an NFS export can get wrong: mounts that are not there, handles that went stale, servers that forget, rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from contract_case import IMAGE, NAMED, code_of, expect_early_flushes, expect_full, paths, pattern

from isomanager.errors import ConfigurationError, StoreError, StoreUnavailable
from isomanager.storage.addresses import Address, read_address
from isomanager.storage.checking import check_place
from isomanager.storage.local import LocalStore
from isomanager.storage.mount_table import Mount, read_mounts
from isomanager.storage.nfs import EXAMPLE, NfsStore, open_nfs
from isomanager.storage.nfs_client import NfsAccess, NfsClient
from isomanager.storage.nfs_mounted import folder_of_export
from store_servers import NfsServer, frozen, ganesha_can_run, ganesha_nfs, kill, rclone_nfs, small_disk

MIB = 1 << 20
needs_ganesha = pytest.mark.skipif(
    not ganesha_can_run(), reason="a server that keeps rights can be started by root only"
)


@pytest.fixture
def folder() -> str:
    return f"tests-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def store(nfs: NfsServer, folder: str) -> Iterator[NfsStore]:
    opened = open_nfs(nfs.at(folder), create=True)
    yield opened
    opened.close()


# addresses


@pytest.mark.parametrize(
    "url", ["nfs://", "nfs://nas/x?mode=sideways", "nfs://nas/x?uid=me", "nfs://nas/x?version=4", "nfs://nas:x/y"]
)
def test_an_address_that_is_none_says_how_to_write_one(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_nfs(url, create=False, mounts=list)
    assert refused.value.hint


def test_an_address_never_leaves_the_export() -> None:
    with pytest.raises(StoreError):
        open_nfs("nfs://nas/isos/../etc", create=False, mounts=list)


# mounted by the system: what the mount table says decides

TABLE = (
    "25 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
    "40 25 0:45 / {point} rw,relatime shared:9 - nfs4 nas.example.net:/srv/isos rw,vers=4.2,addr=10.0.0.9\n"
    "41 25 0:46 /lab /mnt/lab rw - nfs nas.example.net:/srv/other rw,vers=3\n"
    "60 25 0:4 net:[4026532177] /run/netns/x rw shared:7 - nsfs nsfs rw\n"
    "42 25 0:47 / /mnt/two\\040words rw - nfs [fe80::1]:/srv/six rw\n"
)


def address(url: str) -> Address:
    return read_address(url, EXAMPLE)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("nfs://nas.example.net/srv/isos", "/mnt/isos"),
        ("nfs://NAS.example.net/srv/isos/lab/x", "/mnt/isos/lab/x"),
        ("nfs://nas.example.net/srv/other/lab/x", "/mnt/lab/x"),
        ("nfs://nas.example.net/srv/other", None),
        ("nfs://nas.example.net/srv/isos2", None),
        ("nfs://nas.example.net/srv", None),
        ("nfs://other.example.net/srv/isos", None),
        ("nfs://[fe80::1]/srv/six/a", "/mnt/two words/a"),
    ],
)
def test_an_export_is_where_the_mount_table_shows_it(url: str, found: str | None) -> None:
    seen = folder_of_export(address(url), read_mounts(TABLE.format(point="/mnt/isos")))
    assert seen == (None if found is None else Path(found))


def test_a_mount_that_another_one_covers_is_none() -> None:
    table = read_mounts(TABLE.format(point="/mnt/isos") + "50 25 0:50 / /mnt/isos rw - tmpfs tmpfs rw\n")
    assert folder_of_export(address("nfs://nas.example.net/srv/isos"), table) is None


def test_the_deepest_mount_of_an_export_is_the_one() -> None:
    deeper = "51 40 0:51 / /mnt/deep rw - nfs4 nas.example.net:/srv/isos/lab rw\n"
    table = read_mounts(TABLE.format(point="/mnt/isos") + deeper)
    assert folder_of_export(address("nfs://nas.example.net/srv/isos/lab/x"), table) == Path("/mnt/deep/x")


def test_a_mounted_export_is_used_by_its_folder(tmp_path: Path) -> None:
    """No test machine need have NFS in its kernel: what is mounted where is a table, and here it says so."""
    table = read_mounts(TABLE.format(point=tmp_path))
    store = open_nfs("nfs://nas.example.net/srv/isos/lab", create=True, mounts=lambda: table)
    assert (store.mode, store.url) == ("mounted", str(tmp_path / "lab"))
    store.put_small("a.json", b"{}")
    assert (tmp_path / "lab" / "a.json").read_bytes() == b"{}"


def test_what_lies_beneath_a_mount_point_is_never_filled(tmp_path: Path) -> None:
    table = [read_mounts(TABLE.format(point=tmp_path))]
    store = open_nfs("nfs://nas.example.net/srv/isos", create=True, mode="mounted", mounts=lambda: table[0])
    table[0] = []  # unmounted
    for attempt in (
        lambda: store.put_small("a.json", b"{}"),
        lambda: list(store.list()),
        lambda: store.begin(IMAGE, 1, NAMED, key="k1"),
        lambda: store.stat("a.json"),
    ):
        with pytest.raises(StoreUnavailable, match="not mounted"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_mounted_without_a_mount_says_so_and_direct_is_offered() -> None:
    checked = check_place("nas", lambda: open_nfs("nfs://nas/srv/isos?mode=mounted", create=True, mounts=list))
    assert "shows no NFS mount of it" in checked.wrong
    assert "mode=direct" in checked.wrong


def test_a_stale_mount_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's answer for a handle that its server no longer knows."""
    store = open_nfs(
        "nfs://nas.example.net/srv/isos", create=True, mounts=lambda: read_mounts(TABLE.format(point=tmp_path))
    )
    look = os.stat

    def stale(path: object, *more: object, **named: object) -> os.stat_result:
        if str(path) == str(tmp_path):
            raise OSError(116, "Stale file handle")
        return look(path, *more, **named)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "stat", stale)
    with pytest.raises(StoreUnavailable, match="stale NFS mount"):
        list(store.list())


# spoken to directly


def test_an_image_is_where_the_server_keeps_it(store: NfsStore, nfs: NfsServer, folder: str) -> None:
    data = pattern(9 * MIB + 3)
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, data)
    partial.publish(len(data))
    assert (nfs.folder / folder / IMAGE).read_bytes() == data
    assert store.read(IMAGE, 5, len(data)) == data[5:]
    assert paths(LocalStore(nfs.folder / folder)) == [IMAGE]


def test_a_file_that_another_machine_removes_under_a_transfer_is_said_and_can_begin_again(
    store: NfsStore, nfs: NfsServer, folder: str
) -> None:
    partial = store.begin(IMAGE, 2 * MIB, NAMED, key="k1")
    partial.write(0, pattern(MIB))
    partial.checkpoint()
    other = open_nfs(nfs.at(folder), create=False)
    for name in ("bin", "json"):
        other._tree.remove(f".isomanager/partials/k1.{name}")
    for name in (".isomanager/partials", ".isomanager"):
        other._tree.remove_folder(name)
    other.close()
    with pytest.raises((StoreUnavailable, StoreError)):
        partial.write(MIB, pattern(MIB)) or partial.checkpoint()
    fresh = store.begin(IMAGE, MIB, NAMED, key="k1")
    fresh.write(0, pattern(MIB))
    fresh.publish(MIB)
    assert paths(store) == [IMAGE]


def test_a_folder_that_was_replaced_is_found_again(store: NfsStore, nfs: NfsServer, folder: str) -> None:
    store.put_small("Linux/a.json", b"{}")
    shutil.rmtree(nfs.folder / folder / "Linux")
    (nfs.folder / folder / "Linux").mkdir()
    store.put_small("Linux/b.json", b"{}")
    assert store.read("Linux/b.json", 0, 9) == b"{}"


@needs_ganesha
def test_two_users_of_one_server_keep_to_their_own_rights(store: NfsStore, nfs: NfsServer, folder: str) -> None:
    store.put_small("a.json", b"{}")
    other = open_nfs(nfs.at(folder), create=False, access=NfsAccess(uid=65534, gid=65534))
    for _ in range(2):
        assert other.read("a.json", 0, 9) == b"{}"
        assert code_of(lambda: other.put_small("b.json", b"other")) == "no-permission"
        assert code_of(lambda: other.delete("a.json")) == "no-permission"
        store.replace_small("b.json", b"{}")
    other.close()


@needs_ganesha
def test_rights_that_are_lost_during_a_transfer_say_so_and_it_goes_on_when_they_are_back(
    store: NfsStore, nfs: NfsServer, folder: str
) -> None:
    """The account stays the same; what it may do on the disk changes under it."""
    data, place = pattern(MIB), nfs.folder / folder
    store.put_small("old.json", b"old")
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, data)
    subprocess.run(["chattr", "+i", str(place)], check=True)
    try:
        assert code_of(lambda: partial.publish(len(data))) == "no-permission"
        assert code_of(lambda: store.delete("old.json")) == "no-permission"
    finally:
        subprocess.run(["chattr", "-i", str(place)], check=True)
    assert paths(store) == ["old.json"]
    partial.publish(len(data))
    assert store.read(IMAGE, 0, len(data)) == data


@needs_ganesha
def test_what_is_not_exported_says_so(nfs: NfsServer) -> None:
    host = nfs.url.partition("://")[2].partition("/")[0]
    checked = check_place("nas", lambda: open_nfs(f"nfs://{host}/etc?mode=direct", create=False))
    assert checked.steps[-1].code in ("missing", "no-permission")


@needs_ganesha
def test_a_full_export_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "nfs" / "export", 8), ganesha_nfs(tmp_path / "nfs", number=1) as server:
        store = open_nfs(server.at("isos"), create=True)
        expect_full(store)
        store.close()


# servers that go away, say nothing, or are none


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        open_nfs("nfs://127.0.0.1:9/isos?mode=direct", create=False).stat("a.iso")


def test_a_server_of_another_kind_is_no_nfs_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(StoreUnavailable):
            open_nfs(f"nfs://127.0.0.1:{listener.getsockname()[1]}/isos?mode=direct", create=False).stat("a.iso")
        answering.join()


def test_a_server_that_says_nothing_is_unavailable_and_used_again_when_it_speaks(nfs: NfsServer, folder: str) -> None:
    store = open_nfs(nfs.at(folder), create=True, access=replace(NfsAccess(), answer_timeout=1.0))
    store.put_small("a.json", b"{}")
    with frozen(nfs.process), pytest.raises(StoreUnavailable, match="has not answered"):
        store.read("a.json", 0, 9)
    assert store.read("a.json", 0, 9) == b"{}"
    store.close()


def test_the_server_writes_down_while_more_comes(store: NfsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    expect_early_flushes(store, NfsClient, "begin_commit", monkeypatch)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_was_handed_over_may_change_at_once(store: NfsStore, kind: type[bytes]) -> None:
    data = pattern(3 * MIB + 1)
    buffer = kind(bytearray(data))
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, buffer)
    if not isinstance(buffer, bytes):
        memoryview(buffer)[:] = bytes(len(data))
    partial.publish(len(data))
    assert store.read(IMAGE, 0, len(data)) == data


def test_a_transfer_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    data = pattern(3 * MIB + 7)
    with rclone_nfs(tmp_path / "nfs") as server:
        store = open_nfs(server.at("isos"), create=True)
        store.put_small("old.json", b"old")
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data[: 2 * MIB])
        assert partial.checkpoint() == 2 * MIB
        kill(server.process)
        with pytest.raises(StoreUnavailable):
            partial.write(2 * MIB, data[2 * MIB :]) or partial.checkpoint()
    port = int(server.url.rpartition(":")[2])
    with rclone_nfs(tmp_path / "nfs", port):
        assert store.read("old.json", 0, 9) == b"old"
        (ref,) = store.partials()
        resumed = store.begin(IMAGE, len(data), NAMED, key="k1", resume=ref)
        front = resumed.front()
        resumed.write(front, data[front:])
        resumed.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data
        store.close()


def test_of_writers_on_a_server_without_hard_links_exactly_one_takes_a_name(tmp_path: Path) -> None:
    with rclone_nfs(tmp_path / "nfs") as server:
        stores = [open_nfs(server.at("isos"), create=True) for _ in range(3)]

        def publish(number: int) -> str:
            partial = stores[number].begin(IMAGE, 1, NAMED, key=f"k{number}")
            partial.write(0, b"%d" % number)
            return code_of(lambda: partial.publish(1))

        with ThreadPoolExecutor(3) as pool:
            ended = list(pool.map(publish, range(3)))
        assert sorted(ended) == ["", "name-taken", "name-taken"]
        assert stores[0].read(IMAGE, 0, 9) == b"%d" % ended.index("")
        for one in stores:
            one.close()


def test_mount_lines_are_read_as_the_kernel_writes_them() -> None:
    (mount,) = read_mounts("42 25 0:47 /a\\040b /mnt/two\\040words rw,relatime shared:5 - nfs4 nas:/srv rw\n")
    assert (str(mount.point), str(mount.root), mount.kind, mount.source) == (
        "/mnt/two words",
        "/a b",
        "nfs4",
        "nas:/srv",
    )
    assert read_mounts("nonsense\n\n") == []
    assert isinstance(mount, Mount)
