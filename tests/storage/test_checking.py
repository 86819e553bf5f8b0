"""A probe says whether a place can be a repository, and in plain words what is wrong."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from contract_case import paths

from isomanager.storage.checking import check_store
from isomanager.storage.contract import Store
from isomanager.storage.local import LocalStore
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access
from store_servers import S3Server, s3_client


def test_a_good_place_passes_every_step_and_keeps_nothing_of_the_probe(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    checked = check_store(store)
    assert checked.ok, checked.wrong
    assert [step.name for step in checked.steps][:3] == ["reach", "write", "read"]
    assert checked.free
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    checked = check_store(LocalStore(tmp_path / "unmounted", create=False))
    assert not checked.ok
    assert "is not there" in checked.wrong


def test_a_clock_that_is_wrong_says_by_how_much(tmp_path: Path) -> None:
    checked = check_store(LocalStore(tmp_path), lambda: datetime.now(UTC) + timedelta(minutes=20))
    assert checked.steps[-1].code == "clock"
    assert "20 minutes" in checked.wrong


class Overwriting(LocalStore):
    """A server that does not know conditional writes, as some that speak S3's protocol."""

    def put_small(self, path: str, data: bytes):  # type: ignore[no-untyped-def]
        return self.replace_small(path, data)


def test_a_server_that_overwrites_what_was_to_be_created_is_no_place_for_images(tmp_path: Path) -> None:
    checked = check_store(Overwriting(tmp_path))
    assert checked.steps[-1].name == "create only"
    assert "conditional writes" in checked.wrong


def s3_access(s3: S3Server) -> S3Access:
    return S3Access(endpoint=s3.endpoint, region="us-east-1", key=s3.key, secret=s3.secret, retries=1)


def test_a_good_bucket_passes(s3: S3Server) -> None:
    store = S3Store(s3.bucket, f"check/{uuid.uuid4().hex[:8]}", s3_access(s3))
    checked = check_store(store)
    assert checked.ok, checked.wrong
    assert paths(store) == paths(store, ".isomanager") == []


WRONG: list[tuple[str, Callable[[S3Server], Store], str, str]] = [
    (
        "secret",
        lambda s3: S3Store("isos", "", replace(s3_access(s3), secret="wrong-0123456789")),
        "credentials",
        "secret is wrong",
    ),
    ("bucket", lambda s3: S3Store("nobodys", "", s3_access(s3)), "missing", "Create the bucket"),
    (
        "policy",
        lambda s3: S3Store("isos", "", replace(s3_access(s3), key=s3.reader_key, secret=s3.reader_secret)),
        "no-permission",
        "s3:PutObject",
    ),
    (
        "server",
        lambda s3: S3Store("isos", "", replace(s3_access(s3), endpoint="http://127.0.0.1:9")),
        "store-unavailable",
        "reached",
    ),
]


@pytest.mark.parametrize(("make", "code", "told"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
def test_says_in_words_what_is_wrong_with_a_bucket(
    s3: S3Server, make: Callable[[S3Server], Store], code: str, told: str
) -> None:
    checked = check_store(make(s3))
    assert checked.steps[-1].code == code
    assert told in checked.wrong
    assert s3.secret not in checked.wrong


def test_says_that_a_clock_is_wrong_when_a_server_refuses_a_signature_for_it(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client signs with the time of this machine, here an hour late."""
    import botocore.auth

    late = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: late.replace(tzinfo=None))
    checked = check_store(S3Store(s3.bucket, "late", s3_access(s3)))
    assert checked.steps[-1].code == "clock", checked.wrong
    assert "time server" in checked.wrong


def test_leaves_other_objects_alone(s3: S3Server) -> None:
    prefix = f"check/{uuid.uuid4().hex[:8]}"
    s3_client(s3).put_object(Bucket=s3.bucket, Key=f"{prefix}/mine.txt", Body=b"mine")
    store = S3Store(s3.bucket, prefix, s3_access(s3))
    assert check_store(store).ok
    assert paths(store) == ["mine.txt"]
