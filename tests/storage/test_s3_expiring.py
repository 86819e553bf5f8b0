"""Keys that end: temporary ones, and those that a program gives and gives anew."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from contract_case import IMAGE, NAMED, pattern

from isomanager.errors import StoreError
from isomanager.storage.checking import check_store
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access
from s3_gateway import REGION, Gateway, gateway
from store_servers import S3Server

GRANULE = 5 << 20
DATA = pattern(2 * GRANULE + 7)


@pytest.fixture(scope="module")
def gate(s3: S3Server) -> Iterator[Gateway]:
    with gateway(s3) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"tests/{uuid.uuid4().hex[:12]}"


def store_with(gate: Gateway, prefix: str, key: Credentials) -> S3Store:
    told = {"key": key.access_key, "secret": key.secret_key, "token": key.token or ""}
    access = S3Access(endpoint=gate.endpoint, region=REGION, retries=1, **told)
    return S3Store(gate.behind.bucket, prefix, access, granule=GRANULE)


def has_expired(error: StoreError, key: Credentials) -> None:
    assert error.code == "credentials"
    assert "expired" in error.hint
    assert not any(secret in f"{error} {error.hint}" for secret in (key.secret_key, key.token))


def test_an_upload_whose_key_ends_says_so_and_goes_on_with_a_new_one(gate: Gateway, prefix: str) -> None:
    first, second = gate.key(), gate.key()
    store = store_with(gate, prefix, first)
    store.put_small("old.json", b"old")
    partial = store.begin(IMAGE, len(DATA), NAMED, key="k1")
    partial.write(0, DATA[:GRANULE])
    assert partial.checkpoint() == GRANULE
    gate.end(first)
    partial.write(GRANULE, DATA[GRANULE:])
    with pytest.raises(StoreError) as ended:
        partial.checkpoint()
    has_expired(ended.value, first)
    assert partial.front() == GRANULE
    renewed = store_with(gate, prefix, second)
    assert renewed.read("old.json", 0, 9) == b"old"
    assert renewed.stat(IMAGE) is None
    (ref,) = renewed.partials()
    resumed = renewed.begin(IMAGE, len(DATA), NAMED, key="k1", resume=ref)
    assert resumed.front() == GRANULE
    resumed.write(GRANULE, DATA[GRANULE:])
    resumed.publish(len(DATA))
    assert renewed.read(IMAGE, 0, len(DATA)) == DATA


def test_a_key_that_ends_before_publishing_publishes_nothing(gate: Gateway, prefix: str) -> None:
    first = gate.key()
    partial = store_with(gate, prefix, first).begin(IMAGE, len(DATA), NAMED, key="k1")
    partial.write(0, DATA)
    partial.close()
    gate.end(first)
    with pytest.raises(StoreError) as ended:
        partial.publish(len(DATA))
    has_expired(ended.value, first)
    renewed = store_with(gate, prefix, gate.key())
    assert renewed.stat(IMAGE) is None
    (ref,) = renewed.partials()
    renewed.reopen(ref).publish(len(DATA))
    assert renewed.read(IMAGE, 0, len(DATA)) == DATA


def test_everything_says_that_the_key_has_ended(gate: Gateway, prefix: str) -> None:
    first = gate.key()
    store = store_with(gate, prefix, first)
    store.put_small("a.json", b"{}")
    gate.end(first)
    for attempt in (
        lambda: store.stat("a.json"),
        lambda: list(store.list()),
        lambda: store.read("a.json", 0, 9),
        lambda: store.sizes(["a.json", *(f"{number}.json" for number in range(9))]),
        lambda: store.move("a.json", "b.json"),
        lambda: store.delete("a.json"),
        lambda: store.begin(IMAGE, 5, NAMED, key="k1"),
    ):
        with pytest.raises(StoreError) as ended:
            attempt()
        has_expired(ended.value, first)
    wrong = store.put_all({".isomanager/c.json": b"{}", ".isomanager/d.json": b"{}"})
    assert len(wrong) == 2
    for one in wrong.values():
        assert isinstance(one, StoreError)
        has_expired(one, first)
    told = check_store(store)
    assert (told.ok, told.steps[-1].code, "expired" in told.wrong) == (False, "credentials", True)
    assert store_with(gate, prefix, gate.key()).read("a.json", 0, 9) == b"{}"


def test_a_right_key_with_the_token_of_another_is_refused(gate: Gateway, prefix: str) -> None:
    first, second = gate.key(), gate.key()
    crossed = Credentials(first.access_key, first.secret_key, second.token)
    with pytest.raises(StoreError) as refused:
        store_with(gate, prefix, crossed).stat("a.json")
    assert refused.value.code == "credentials"


class Giver:
    """A program that gives whatever key its file has, as `credential_process` in ~/.aws/config names one."""

    def __init__(self, folder: Path) -> None:
        self._file, program, config = folder / "key.json", folder / "give.py", folder / "config"
        program.write_text("import pathlib, sys\nsys.stdout.write(pathlib.Path(sys.argv[1]).read_text())\n")
        config.write_text(f"[profile lab]\ncredential_process = {sys.executable} {program} {self._file}\n")
        self.config = config

    def gives(self, key: Credentials) -> None:
        """A key that ends so soon that it is asked for again each time."""
        soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        told = {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret_key, "SessionToken": key.token}
        self._file.write_text(json.dumps({"Version": 1, "Expiration": soon, **told}))

    def fails(self) -> None:
        """From now on there is no key."""
        self._file.unlink()


@pytest.fixture
def giver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Giver:
    made = Giver(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(made.config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return made


def test_a_key_that_a_program_gives_anew_is_taken_in_the_middle_of_an_upload(
    gate: Gateway, prefix: str, giver: Giver
) -> None:
    first, second = gate.key(), gate.key()
    giver.gives(first)
    access = S3Access(endpoint=gate.endpoint, region=REGION, profile="lab", retries=1)
    store = S3Store(gate.behind.bucket, prefix, access, granule=GRANULE)
    partial = store.begin(IMAGE, len(DATA), NAMED, key="k1")
    partial.write(0, DATA[:GRANULE])
    assert partial.checkpoint() == GRANULE
    giver.gives(second)
    gate.end(first)
    partial.write(GRANULE, DATA[GRANULE:])
    partial.publish(len(DATA))
    assert store.read(IMAGE, 0, len(DATA)) == DATA


def test_a_program_that_gives_no_key_any_more_says_where_to_look(gate: Gateway, prefix: str, giver: Giver) -> None:
    giver.gives(gate.key())
    access = S3Access(endpoint=gate.endpoint, region=REGION, profile="lab", retries=1)
    store = S3Store(gate.behind.bucket, prefix, access)
    store.put_small("a.json", b"{}")
    giver.fails()
    with pytest.raises(StoreError) as refused:
        store.read("a.json", 0, 9)
    assert (refused.value.code, "~/.aws/config" in refused.value.hint) == ("credentials", True)
    with pytest.raises(StoreError) as unknown:
        S3Store(gate.behind.bucket, prefix, replace(access, profile="nobody")).stat("a.json")
    assert unknown.value.code == "credentials"
