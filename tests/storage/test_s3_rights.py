"""A bucket whose policy refuses one thing: the check names the right that is lacking, and what may be done stays possible."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from contract_case import code_of

from isomanager.storage.checking import check_store
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access
from store_servers import PATIENCE, S3Server, neighbour_s3_bucket, s3_client


@pytest.fixture(scope="module")
def bucket(s3: S3Server) -> str:
    """One of its own, which somebody other than the owner uses."""
    return neighbour_s3_bucket(s3)


@pytest.fixture
def store(s3: S3Server, bucket: str) -> S3Store:
    told = {"key": s3.neighbour_key, "secret": s3.neighbour_secret}
    access = S3Access(endpoint=s3.endpoint, region="us-east-1", retries=1, **told)
    return S3Store(bucket, f"tests/{uuid.uuid4().hex[:12]}", access)


MARK = "the-policy-is-known"
"""An object that is not there, and that a policy of ours refuses to tell of: so one knows whether the server has taken it in."""


@contextmanager
def refused(s3: S3Server, bucket: str, action: str) -> Iterator[None]:
    """The bucket's policy refuses the action to everybody but the owner while the block lasts."""
    statements = [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": [what],
            "Resource": [f"arn:aws:s3:::{bucket}{place}" for place in places],
        }
        for what, places in ((action, ("", "/*")), ("s3:GetObject", (f"/{MARK}",)))
    ]
    client: Any = s3_client(s3)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    try:
        wait_until_told(s3, bucket, "AccessDenied")
        yield
    finally:
        client.delete_bucket_policy(Bucket=bucket)
        wait_until_told(s3, bucket, "NoSuchKey")


def wait_until_told(s3: S3Server, bucket: str, code: str) -> None:
    neighbour = s3_client(replace(s3, key=s3.neighbour_key, secret=s3.neighbour_secret))
    until = time.monotonic() + PATIENCE
    while True:
        try:
            neighbour.get_object(Bucket=bucket, Key=MARK)
        except ClientError as error:
            if error.response["Error"]["Code"] == code:
                return
        assert time.monotonic() < until, f"the server does not answer {code}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("action", "step"),
    [
        ("s3:PutObject", "write"),
        ("s3:ListBucket", "reach"),
        ("s3:GetObject", "reach"),
        ("s3:DeleteObject", "unfinished file"),
        ("s3:AbortMultipartUpload", "unfinished file"),
    ],
)
def test_the_check_names_the_right_that_is_lacking(
    s3: S3Server, bucket: str, store: S3Store, action: str, step: str
) -> None:
    with refused(s3, bucket, action):
        told = check_store(store)
    assert not told.ok
    assert (told.steps[-1].name, told.steps[-1].code) == (step, "no-permission")
    assert f"The key lacks the right {action}" in told.wrong
    assert s3.neighbour_secret not in told.wrong
    assert check_store(store).ok


def test_who_may_not_delete_may_read_and_write(s3: S3Server, bucket: str, store: S3Store) -> None:
    with refused(s3, bucket, "s3:DeleteObject"):
        store.put_small("a.json", b"{}")
        assert store.read("a.json", 0, 9) == b"{}"
        assert code_of(lambda: store.delete("a.json")) == "no-permission"
        assert code_of(lambda: store.move("a.json", "b.json")) == "no-permission"
    assert store.read("a.json", 0, 9) == b"{}"
    assert store.move("a.json", "b.json").size == 2, "the copy that was made before is found"


def test_who_may_not_write_changes_nothing(s3: S3Server, bucket: str, store: S3Store) -> None:
    store.put_small("a.json", b"{}")
    with refused(s3, bucket, "s3:PutObject"):
        assert code_of(lambda: store.replace_small("a.json", b"[]")) == "no-permission"
        assert [one.code for one in store.put_all({".isomanager/b.json": b"{}"}).values()] == ["no-permission"]
        assert store.read("a.json", 0, 9) == b"{}"
    assert [one.path for one in store.list()] == ["a.json"]
