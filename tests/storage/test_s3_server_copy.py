"""Parts that the server copies from one bucket's object into another's upload: saved when it proves them, sent when it does not."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import uuid
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract_case import IMAGE, NAMED, PROJECT, paths, pattern

from isomanager.storage.contract import CopiesByServer
from isomanager.storage.local import LocalStore
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access, S3Bucket
from isomanager.storage.s3_partial import S3Partial
from isomanager.storage.s3_server_copy import decide_copying, judge_copied
from isomanager.storage.sources import StoredFile, look_up
from store_servers import S3Server, neighbour_s3_bucket, s3_client

GRANULE = 5 << 20
ETAG = '"0123456789abcdef0123456789abcdef-3"'
HERE = "http://s3.example.net"


def access_to(server: S3Server) -> S3Access:
    return S3Access(endpoint=server.endpoint, region="us-east-1", key=server.key, secret=server.secret, retries=1)


def store_of(server: S3Server, **changes: Any) -> S3Store:
    access = replace(access_to(server), **changes)
    return S3Store(server.bucket, f"tests/{uuid.uuid4().hex[:12]}", access, granule=GRANULE)


@pytest.fixture
def store(s3: S3Server) -> S3Store:
    return store_of(s3)


@pytest.fixture
def data() -> bytes:
    return os.urandom(2 * GRANULE + 77)


@pytest.fixture
def source(s3: S3Server, data: bytes) -> StoredFile:
    """An image in another repository of the same server."""
    there = store_of(s3)
    partial = there.begin("there.iso", len(data), NAMED, key="k0")
    partial.write(0, data)
    partial.publish(len(data))
    return look_up(there, "there.iso")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the server is asked for what from now on."""
    counts: Counter[str] = Counter()
    call = S3Bucket.call

    def counting(bucket: S3Bucket, method: str, path: str | None = None, **arguments: Any) -> Any:
        counts[method] += 1
        return call(bucket, method, path, **arguments)

    monkeypatch.setattr(S3Bucket, "call", counting)
    return counts


def copying(store: S3Store, source: StoredFile, size: int, etag: str = "") -> S3Partial:
    partial = store.begin(IMAGE, size, NAMED, key="k1")
    assert isinstance(partial, CopiesByServer)
    partial.copy_from(source.store, source.path, etag or source.entry.etag)
    return partial


def published(partial: S3Partial, store: S3Store, data: bytes) -> bytes:
    partial.write(0, data)
    partial.publish(len(data))
    return store.read(IMAGE, 0, len(data) + 1)


# deciding


@pytest.mark.parametrize(
    ("source", "destination", "etag", "asks"),
    [
        (HERE, HERE, ETAG, True),
        (HERE, f"{HERE}:80/", ETAG, True),
        (HERE, "https://s3.example.net", ETAG, False),
        (HERE, "http://s3.example.org", ETAG, False),
        (None, HERE, ETAG, False),
        (HERE, HERE, '""', False),
    ],
)
def test_the_server_is_asked_only_where_it_has_both_and_something_binds_the_copy(
    source: str | None, destination: str, etag: str, asks: bool
) -> None:
    decision = decide_copying(source, destination, etag)
    assert decision.asks is asks
    assert decision.reason


def test_a_copied_part_is_proved_by_a_digest_of_the_server_and_by_nothing_else() -> None:
    data = pattern(1000)
    sha256, md5 = b64encode(hashlib.sha256(data).digest()).decode(), hashlib.md5(data).hexdigest()
    assert not judge_copied({"ETag": f'"{md5}"'}, data, sha256)
    assert not judge_copied({"ETag": md5}, data, sha256)
    assert not judge_copied({"ETag": '"of-encrypted-bytes"', "ChecksumSHA256": sha256}, data, sha256)
    assert judge_copied({"ETag": f'"{md5}"', "ChecksumSHA256": "other"}, data, sha256)
    assert judge_copied({"ETag": f'"{md5}-2"'}, data, sha256)
    assert judge_copied({}, data, sha256)


# on a server


def test_what_the_server_copies_is_not_sent(
    store: S3Store, source: StoredFile, data: bytes, asked: Counter[str]
) -> None:
    partial = copying(store, source, len(data))
    assert published(partial, store, data) == data
    assert (asked["upload_part_copy"], asked["upload_part"]) == (3, 0)
    assert partial.way == "its parts copied by the server, each proved by its digest of what was read"
    partial.discard()
    assert paths(store) == [IMAGE]


def test_never_takes_what_the_server_copied_for_other_bytes_that_were_read(
    store: S3Store, source: StoredFile, data: bytes, asked: Counter[str]
) -> None:
    """As after a change that no etag shows, or a server that copies something else."""
    other = data[:GRANULE] + os.urandom(GRANULE) + data[2 * GRANULE :]
    partial = copying(store, source, len(other))
    assert published(partial, store, other) == other
    assert asked["upload_part"] >= 1
    assert "sent" in partial.way or "of 3 parts" in partial.way


def test_never_copies_from_an_object_that_became_another_one(
    store: S3Store, source: StoredFile, data: bytes, asked: Counter[str]
) -> None:
    partial = copying(store, source, len(data), etag=ETAG)
    assert published(partial, store, data) == data
    assert asked["upload_part"] == 3
    assert partial.way.startswith("sent: the server does not copy it, it answers ")


def test_a_key_that_may_not_read_the_source_sends(s3: S3Server, source: StoredFile, data: bytes) -> None:
    access = replace(access_to(s3), key=s3.neighbour_key, secret=s3.neighbour_secret)
    store = S3Store(neighbour_s3_bucket(s3), uuid.uuid4().hex[:12], access, granule=GRANULE)
    partial = copying(store, source, len(data))
    assert published(partial, store, data) == data
    assert partial.way == "sent: the server does not copy it, it answers AccessDenied"


def test_between_two_services_everything_is_sent(
    s3: S3Server, source: StoredFile, data: bytes, asked: Counter[str]
) -> None:
    """As far as anybody can tell by the address."""
    store = store_of(s3, endpoint=s3.endpoint.replace("127.0.0.1", "localhost"))
    partial = copying(store, source, len(data))
    assert published(partial, store, data) == data
    assert (asked["upload_part_copy"], asked["upload_part"]) == (0, 3)
    assert "two services" in partial.way


def test_what_comes_from_a_folder_is_sent_without_a_word(
    store: S3Store, tmp_path: Path, data: bytes, asked: Counter[str]
) -> None:
    (tmp_path / "there.iso").write_bytes(data)
    partial = copying(store, look_up(LocalStore(tmp_path), "there.iso"), len(data))
    assert published(partial, store, data) == data
    assert (asked["upload_part_copy"], partial.way) == (0, "")


_DIES = """
import os, signal, sys
from isomanager.storage.contract import Validators
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access
from isomanager.storage.sources import look_up
endpoint, key, secret, bucket, there, here, granule = sys.argv[1:]
access = S3Access(endpoint=endpoint, region="us-east-1", key=key, secret=secret)
file = look_up(S3Store(bucket, there, access), "there.iso")
partial = S3Store(bucket, here, access, granule=int(granule)).begin("here.iso", file.size, Validators(), key="k1")
partial.copy_from(file.store, file.path, file.entry.etag)
partial.write(0, file.read(0, int(granule)))
partial.checkpoint()
partial.write(int(granule), file.read(int(granule), int(granule)))
partial._settle()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.crash
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_after_kill_9_noted_copies_are_kept_and_others_made_again(
    s3: S3Server, source: StoredFile, data: bytes, asked: Counter[str]
) -> None:
    here = f"tests/{uuid.uuid4().hex[:12]}"
    assert isinstance(source.store, S3Store)
    told = [s3.endpoint, s3.key, s3.secret, s3.bucket, source.store.bucket.prefix.rstrip("/"), here, str(GRANULE)]
    done = subprocess.run(
        [sys.executable, "-c", _DIES, *told], capture_output=True, cwd=PROJECT, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    store = S3Store(s3.bucket, here, access_to(s3), granule=GRANULE)
    assert paths(store) == [], "nothing of it has its name"
    partial = store.begin("here.iso", len(data), NAMED, key="k1")
    partial.copy_from(source.store, source.path, source.entry.etag)
    partial.write(0, data)
    partial.publish(len(data))
    partial.discard()
    assert (asked["upload_part_copy"], asked["upload_part"]) == (2, 0), "the part nobody noted, and the last one"
    assert store.read("here.iso", 0, len(data) + 1) == data
    assert not s3_client(s3).list_multipart_uploads(Bucket=s3.bucket, Prefix=here).get("Uploads")
