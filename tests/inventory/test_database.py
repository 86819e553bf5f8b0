from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from isomanager.errors import ConfigurationError, InventoryError
from isomanager.inventory import network_mounts
from isomanager.inventory.database import check_place, database_url, open_database, sqlite_file
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.migration import migrate
from isomanager.inventory.network_mounts import mounts_of_linux, mounts_of_macos, network_type, type_at
from isomanager.model import Copy, CopyState, RepositoryRecord

MOUNTINFO = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 22 0:40 / /srv/iso rw,relatime shared:7 master:1 - nfs4 server:/export/iso rw,vers=4.2
32 31 0:41 / /srv/iso/local rw,relatime - xfs /dev/vdb rw
33 22 0:42 / /mnt/a\\040share rw,relatime - cifs //server/share rw
34 22 0:43 / /mnt/over rw - ext4 /dev/vdc rw
35 34 0:44 / /mnt/over rw - fuse.sshfs host:/ rw
"""
MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//user@server/iso on /Volumes/iso (1) (smbfs, nodev, nosuid, mounted by user)
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/i.sqlite", "ext4"),
        ("/srv/iso/i.sqlite", "nfs4"),
        ("/srv/isolated/i.sqlite", "ext4"),
        ("/srv/iso/local/i.sqlite", "xfs"),
        ("/mnt/a share/i.sqlite", "cifs"),
        ("/mnt/over/i.sqlite", "fuse.sshfs"),
    ],
)
def test_finds_the_file_system_a_path_lies_on(path: str, kind: str) -> None:
    assert type_at(path, mounts_of_linux(MOUNTINFO)) == kind


def test_reads_the_mounts_of_macos() -> None:
    assert mounts_of_macos(MACOS)[1] == (PurePosixPath("/Volumes/iso (1)"), "smbfs")
    assert type_at("/Volumes/iso (1)/i.sqlite", mounts_of_macos(MACOS)) == "smbfs"


def test_a_database_on_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # no kernel here mounts NFS, so the real file system of the test's folder is declared to be of that kind
    here = type_at(str(tmp_path.resolve()), mounts_of_linux(Path("/proc/self/mountinfo").read_text()))
    monkeypatch.setattr(network_mounts, "NETWORK_TYPES", frozenset({here}))
    assert network_type(tmp_path) == here
    for act in (check_place, lambda file: migrate(str(file)), lambda file: open_database(str(file))):
        with pytest.raises(ConfigurationError, match="network file system") as wrong:
            act(tmp_path / "new" / "i.sqlite")
        assert wrong.value.code == "network-filesystem"
    assert list(tmp_path.iterdir()) == []


def test_a_local_database_is_not_refused(tmp_path: Path) -> None:
    check_place(tmp_path / "i.sqlite")


def test_a_path_and_a_url_name_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    assert sqlite_file(database_url(str(file))) == sqlite_file(database_url(f"sqlite:///{file}")) == file
    assert sqlite_file(database_url("postgresql://u@h/n")) is None


@pytest.mark.parametrize("place", ["sqlite://", "sqlite:///:memory:", "://", "no-such-database://host/name"])
def test_an_address_that_cannot_work_is_a_configuration_error(place: str) -> None:
    with pytest.raises(ConfigurationError):
        open_database(place)


def test_a_missing_driver_is_named() -> None:
    with pytest.raises(ConfigurationError, match="pg8000") as wrong:
        open_database("postgresql+pg8000://user:secret@host/name")
    assert wrong.value.code == "driver-missing"
    assert "secret" not in str(wrong.value)


def test_commits_are_durable_and_writers_wait_their_turn(tmp_path: Path) -> None:
    place = str(tmp_path / "i.sqlite")
    migrate(place)
    engine = open_database(place)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_database_without_its_tables_says_so_in_our_words(tmp_path: Path) -> None:
    for folder, code in ((tmp_path, "database-error"), (tmp_path / "missing", "database-unwritable")):
        inventory = Inventory(open_database(str(folder / "i.sqlite")))
        with pytest.raises(InventoryError, match="does not answer as it should") as wrong:
            inventory.copies()
        assert wrong.value.code == code
        inventory.close()


def test_a_hundred_thousand_copies_are_listed_in_seconds(tmp_path: Path, make_copy: Callable[..., Copy]) -> None:
    count = 100_000
    one = make_copy(state="held", sha256="ab" * 32, size=1)
    many = (one.model_copy(update={"id": str(n), "path": f"Linux/{n:06}.iso"}) for n in range(count))
    with Inventory.open(str(tmp_path / "i.sqlite")) as inventory:
        inventory.add_repository(RepositoryRecord(name="main", url="/iso", created_at=one.created_at))
        assert inventory.import_copies(many).added == count
        started = time.perf_counter()
        copies = inventory.copies()
        listed = time.perf_counter() - started
        started = time.perf_counter()
        assert inventory.copy_at("main", "linux/050000.ISO") is not None
        inventory.transition("500", CopyState.SUSPECT, expected=CopyState.HELD, reason="test")
        found = time.perf_counter() - started
    print(f"\nlisted {count} copies in {listed:.2f} s, found and changed one in {found * 1000:.1f} ms")
    assert [copy.path for copy in copies[:2]] == ["Linux/000000.iso", "Linux/000001.iso"]
    assert len(copies) == count
    assert listed < 10  # a couple of seconds on a quiet machine
    assert found < 1
