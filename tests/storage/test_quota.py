"""A quota that is used up, on a disk that has room: a real one, of btrfs, beneath a folder, a Samba share and an NFS export."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract_case import IMAGE, NAMED, code_of, paths, pattern

from isomanager.errors import StoreError
from isomanager.storage.contract import Store
from isomanager.storage.local import LocalStore
from isomanager.storage.nfs import open_nfs
from isomanager.storage.smb import open_smb
from isomanager.storage.smb_session import SmbAccess
from store_servers import SmbServer, ganesha_nfs

MIB = 1 << 20
QUOTA = 12


@pytest.fixture
def limited(sharing: Path, request: pytest.FixtureRequest) -> Path:
    """A folder that may hold no more than so many mebibytes."""
    folder = sharing / request.node.name
    _btrfs("quota", "enable", str(sharing))
    _btrfs("subvolume", "create", str(folder))
    _btrfs("qgroup", "limit", f"{QUOTA}M", str(folder))
    return folder


def _btrfs(*words: str) -> None:
    program = shutil.which("btrfs", path="/usr/bin:/bin:/usr/sbin:/sbin")
    assert program, "btrfs-progs is not installed (scripts/install_test_programs.sh does it)"
    subprocess.run([program, *words], check=True, capture_output=True)


@contextmanager
def shown_at(place: Path, folder: Path) -> Iterator[None]:
    """`folder` at `place` too."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(folder), str(place)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def expect_refused(store: Store) -> StoreError:
    """It takes no more than its quota, says so, and what was there stays; when room is made the next one fits. What it said."""
    store.put_small("old.json", b"old")
    partial = store.begin(IMAGE, None, NAMED, key="k1")

    def fill() -> None:
        for number in range(3 * QUOTA):
            partial.write(number * MIB, pattern(MIB))
        partial.checkpoint()

    with pytest.raises(StoreError) as refused:
        fill()
    assert refused.value.code == "no-space"
    assert IMAGE in refused.value.message, "to which image it happened"
    assert code_of(partial.checkpoint) == "no-space", "there is a hole in it"
    partial.discard()
    assert paths(store) == ["old.json"]
    assert store.read("old.json", 0, 9) == b"old"
    again = store.begin(IMAGE, MIB, NAMED, key="k2")
    again.write(0, pattern(MIB))
    again.publish(MIB)
    return refused.value


def test_a_folder_s_quota_is_said(limited: Path) -> None:
    assert "quota" in expect_refused(LocalStore(limited)).hint


def test_a_share_s_quota_is_said_as_samba_does_it(limited: Path, smb: SmbServer) -> None:
    with shown_at(smb.folder / "small", limited):
        access = SmbAccess(smb.user, smb.password)
        store = open_smb(smb.url.replace("/isos", "/small"), create=True, access=access)
        try:
            assert "quota" in expect_refused(store).hint
        finally:
            store.session.close()


def test_an_export_s_quota_is_said(limited: Path, tmp_path: Path) -> None:
    with shown_at(tmp_path / "nfs" / "export", limited), ganesha_nfs(tmp_path / "nfs", number=2) as server:
        store = open_nfs(server.at("isos"), create=True)
        assert "quota" in expect_refused(store).hint
        store.close()
