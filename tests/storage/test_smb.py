"""What only a share can get wrong: other users' sessions, servers that say nothing or go away, full disks, open files."""

from __future__ import annotations

import errno
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import smbclient
from contract_case import IMAGE, NAMED, code_of, expect_full, pattern

from isomanager.errors import ConfigurationError, StoreError, StoreUnavailable
from isomanager.storage.smb import SmbStore, open_smb
from isomanager.storage.smb_credentials import find_access
from isomanager.storage.smb_errors import smb_errors
from isomanager.storage.smb_session import SmbAccess
from store_servers import SmbServer, frozen, kill, small_disk, smb_server

MIB = 1 << 20


def owner(server: SmbServer, **more: object) -> SmbAccess:
    return SmbAccess(server.user, server.password, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder() -> str:
    return f"tests-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def store(smb: SmbServer, folder: str) -> Iterator[SmbStore]:
    opened = open_smb(f"{smb.url}/{folder}", create=True, access=owner(smb))
    yield opened
    opened.session.close()


# addresses and credentials


@pytest.mark.parametrize("url", ["smb://", "smb://nas", "smb://nas/", "smb://nas:port/isos", "smb://nas/isos?x=1"])
def test_an_address_names_server_and_share(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_smb(url, create=False, access=SmbAccess("me", "sesame"))


def test_an_address_may_hold_blanks_and_never_leaves_the_share() -> None:
    assert open_smb("smb://nas/isos/a%20b", create=False, access=SmbAccess("me", "x")).url == "smb://nas/isos/a%20b"
    with pytest.raises(StoreError):
        open_smb("smb://nas/isos/../other", create=False, access=SmbAccess("me", "x"))


def test_the_environment_comes_before_the_file_and_the_file_before_netrc(tmp_path: Path) -> None:
    file, netrc = tmp_path / "credentials", tmp_path / "netrc"
    file.write_text("username=filer\npassword = sesame two\ndomain=LAB\n")
    netrc.write_text("machine nas login netter password sesame3\n")
    netrc.chmod(0o600)
    of_netrc = {"NETRC": str(netrc)}
    of_file = {**of_netrc, "ISOMANAGER_SMB_CREDENTIALS": str(file)}
    of_all = {**of_file, "ISOMANAGER_SMB_USERNAME": "envy", "ISOMANAGER_SMB_PASSWORD": "sesame1"}
    assert find_access("nas", "", of_all) == SmbAccess("envy", "sesame1")
    assert find_access("nas", "", of_file) == SmbAccess("LAB\\filer", "sesame two")
    assert find_access("nas", "", of_netrc) == SmbAccess("netter", "sesame3")
    assert find_access("nas", "filer", of_all) == SmbAccess("LAB\\filer", "sesame two")
    assert find_access("other", "", of_netrc) == SmbAccess()


def test_without_a_user_it_says_where_one_may_be_written_down(smb: SmbServer) -> None:
    with pytest.raises(StoreError) as refused:
        open_smb(smb.url, create=False, access=SmbAccess()).stat("a.iso")
    assert refused.value.code == "credentials"
    assert "ISOMANAGER_SMB_USERNAME" in refused.value.hint


def test_the_password_is_in_no_text(smb: SmbServer, store: SmbStore) -> None:
    assert smb.password not in f"{owner(smb)!r} {store!r} {store.url} {vars(store)} {vars(store.session)}"


def test_a_wrong_password_after_a_right_one_is_wrong(smb: SmbServer, store: SmbStore, folder: str) -> None:
    store.put_small("a.json", b"{}")
    for _ in range(2):
        wrong = open_smb(f"{smb.url}/{folder}", create=False, access=SmbAccess(smb.user, "not-the-password"))
        with pytest.raises(StoreError) as refused:
            wrong.read("a.json", 0, 9)
        assert refused.value.code == "credentials"
        assert "not-the-password" not in str(refused.value)
        assert store.read("a.json", 0, 9) == b"{}"


needs_two_users = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a second account of the system can be used by root only"
)


@needs_two_users
def test_two_users_of_one_server_keep_to_their_own_rights(smb: SmbServer, store: SmbStore, folder: str) -> None:
    store.put_small("a.json", b"{}")
    guest = open_smb(f"{smb.url}/{folder}", create=False, access=SmbAccess(smb.guest, smb.guest_password))
    for _ in range(2):
        assert guest.read("a.json", 0, 9) == b"{}"
        assert code_of(lambda: guest.put_small("b.json", b"guest")) == "no-permission"
        assert code_of(lambda: guest.begin(IMAGE, 1, NAMED, key="k1")) == "no-permission"
        assert code_of(lambda: guest.delete("a.json")) == "no-permission"
        store.replace_small("b.json", b"{}")
    private = f"smb://127.0.0.1:{smb.port}/private/{folder}"
    assert open_smb(private, create=False, access=owner(smb)).read("a.json", 0, 9) == b"{}"
    denied = open_smb(private, create=False, access=SmbAccess(smb.guest, smb.guest_password))
    assert code_of(lambda: denied.read("a.json", 0, 9)) == "no-permission"
    guest.session.close()


def test_a_share_that_is_not_there_says_so(smb: SmbServer) -> None:
    absent = open_smb(f"smb://127.0.0.1:{smb.port}/nothing/x", create=False, access=owner(smb))
    with pytest.raises(StoreError) as missing:
        absent.stat("a.iso")
    assert missing.value.code == "missing"
    assert "no such share" in missing.value.message


def test_what_must_be_encrypted_is(smb: SmbServer, folder: str) -> None:
    url = f"smb://127.0.0.1:{smb.port}/coded/{folder}"
    coded = open_smb(url, create=True, access=owner(smb, encrypt=True))
    data = pattern(3 * MIB + 5)
    partial = coded.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, data)
    partial.publish(len(data))
    assert coded.read(IMAGE, 0, len(data)) == data
    (connection,) = coded.session._connections.values()
    assert [session.encrypt_data for session in connection.session_table.values()] == [True]
    coded.session.close()


# files that others use


@pytest.mark.parametrize("share", ["isos", "coded"])
def test_what_is_looked_at_in_one_request_is_what_the_server_tells_otherwise(
    smb: SmbServer, folder: str, share: str
) -> None:
    store = open_smb(f"smb://127.0.0.1:{smb.port}/{share}/{folder}", create=True, access=owner(smb))
    told = store.put_small("ein/Öl.json", b"0123456789")
    (listed,) = store.list()
    seen = smbclient.stat(rf"\\127.0.0.1\{share}\{folder}\ein\Öl.json", **store.session.arguments())
    assert told == listed
    assert told.etag == f"{seen.st_ino:x}-a-{seen.st_mtime_ns // 1000 * 1000:x}"
    assert store.read("ein/Öl.json", 3, 4, if_match=told.etag) == b"3456"
    assert store.read("ein/Öl.json", 8, 1 << 20) == b"89"
    assert store.read("ein/Öl.json", 10, 5) == b"", "there is nothing beyond the end"
    assert store.sizes(["ein/Öl.json", "ein", "ein/no.json", "no/no.json"]) == {"ein/Öl.json": 10}
    assert (store.stat("ein"), store.stat("ein/no.json"), store.stat("ein/Öl.json/x")) == (None, None, None)
    assert code_of(lambda: store.read("ein/no.json", 0, 5)) == "missing"
    store.session.close()


def test_two_readers_do_not_lock_each_other_out(smb: SmbServer, store: SmbStore, folder: str) -> None:
    store.put_small("a.json", b"{}")
    other = open_smb(f"{smb.url}/{folder}", create=False, access=owner(smb))
    reading = store.session.call(
        smbclient.open_file, store._tree._at("a.json"), mode="rb", buffering=0, share_access="r"
    )
    assert other.read("a.json", 0, 9) == b"{}"
    reading.close()
    other.session.close()


def test_an_index_that_somebody_reads_is_replaced_when_he_is_done(store: SmbStore) -> None:
    from threading import Timer

    store.replace_small("index.html", b"one")
    reading = store.session.call(
        smbclient.open_file, store._tree._at("index.html"), mode="rb", buffering=0, share_access="r"
    )
    done = Timer(0.5, reading.close)
    done.start()
    store.replace_small("index.html", b"three")
    done.join()
    assert store.read("index.html", 0, 9) == b"three"


def test_writes_and_reads_more_than_the_server_s_credits_at_once(store: SmbStore) -> None:
    data = pattern(40 * MIB + 3)
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, data)
    partial.checkpoint()
    assert partial.read(0, len(data)) == data
    partial.publish(len(data))
    assert store.read(IMAGE, MIB // 2, len(data)) == data[MIB // 2 :]


# disks and servers


def test_a_full_share_says_so_and_leaves_what_was_there(smb: SmbServer) -> None:
    with small_disk(smb.folder / "small", 8):
        store = open_smb(f"smb://127.0.0.1:{smb.port}/small", create=True, access=owner(smb))
        expect_full(store)
        store.session.close()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        open_smb("smb://127.0.0.1:9/isos", create=False, access=SmbAccess("me", "sesame")).stat("a.iso")


def test_a_server_that_says_nothing_is_unavailable_and_used_again_when_it_speaks(smb: SmbServer, folder: str) -> None:
    store = open_smb(f"{smb.url}/{folder}", create=True, access=owner(smb, answer_timeout=1.0, connect_timeout=1.0))
    store.put_small("a.json", b"{}")
    with frozen(smb.process), pytest.raises(StoreUnavailable):
        store.read("a.json", 0, 9)
    patient = open_smb(f"{smb.url}/{folder}", create=False, access=owner(smb))
    assert patient.read("a.json", 0, 9) == b"{}"
    assert store.read("a.json", 0, 9) == b"{}"
    store.session.close()
    patient.session.close()


def test_a_server_that_takes_no_more_bytes_is_unavailable(smb: SmbServer, folder: str) -> None:
    store = open_smb(f"{smb.url}/{folder}", create=True, access=owner(smb, answer_timeout=1.0, connect_timeout=1.0))
    partial = store.begin(IMAGE, 16 * MIB, NAMED, key="k1")
    with frozen(smb.process), pytest.raises(StoreUnavailable):
        partial.write(0, pattern(16 * MIB))
    with pytest.raises(StoreUnavailable):
        partial.close()
    assert store.stat(IMAGE) is None
    store.session.close()


def test_a_transfer_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    data = pattern(3 * MIB + 7)
    with smb_server(tmp_path / "smb") as server:
        store = open_smb(server.url, create=True, access=owner(server, answer_timeout=5.0))
        store.put_small("old.json", b"old")
        partial = store.begin(IMAGE, len(data), NAMED, key="k1")
        partial.write(0, data[: 2 * MIB])
        assert partial.checkpoint() == 2 * MIB
        kill(server.process)
        with pytest.raises(StoreUnavailable):
            partial.write(2 * MIB, data[2 * MIB :]) or partial.checkpoint()
        with pytest.raises(StoreUnavailable):
            partial.close()
        with pytest.raises(StoreUnavailable):
            store.read("old.json", 0, 9)
    with smb_server(tmp_path / "smb", server.port):
        assert store.read("old.json", 0, 9) == b"old"
        (ref,) = store.partials()
        resumed = store.begin(IMAGE, len(data), NAMED, key="k1", resume=ref)
        assert resumed.front() == 2 * MIB
        resumed.write(2 * MIB, data[2 * MIB :])
        resumed.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data
        store.session.close()


@needs_two_users
def test_rights_that_are_lost_meanwhile_say_so(smb: SmbServer, store: SmbStore, folder: str) -> None:
    """The account stays the same; what it may do on the disk changes under it."""
    store.put_small("a.json", b"{}")
    place = smb.folder / "isos" / folder
    subprocess.run(["chattr", "+i", str(place)], check=True)
    try:
        assert code_of(lambda: store.put_small("b.json", b"{}")) == "no-permission"
    finally:
        subprocess.run(["chattr", "-i", str(place)], check=True)
    assert store.read("a.json", 0, 9) == b"{}"


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOTCONN, errno.EHOSTUNREACH])
def test_a_connection_that_another_thread_found_closed_is_tried_again(number: int) -> None:
    """The thread that reads the answers closes the socket, and whoever sends just then meets a closed one."""
    with pytest.raises(StoreUnavailable), smb_errors("smb://nas"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(FileNotFoundError), smb_errors("smb://nas"):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
