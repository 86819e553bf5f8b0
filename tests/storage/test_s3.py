"""What only an object store can get wrong: credentials, uploads nobody completes, steps that are two, servers that go away."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_case import IMAGE, NAMED, code_of, paths, pattern

from isomanager.errors import ConfigurationError, StoreError, StoreUnavailable
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access, S3Bucket
from isomanager.storage.s3_opening import bucket_and_prefix
from isomanager.storage.s3_partial import S3Partial
from store_servers import S3Server, frozen, kill, s3_client, s3_server, small_disk

GRANULE = 5 << 20


def access_to(server: S3Server) -> S3Access:
    return S3Access(endpoint=server.endpoint, region="us-east-1", key=server.key, secret=server.secret, retries=1)


@pytest.fixture
def prefix() -> str:
    return f"tests/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def store(s3: S3Server, prefix: str) -> S3Store:
    return S3Store(s3.bucket, prefix, access_to(s3), granule=GRANULE)


# addresses and credentials


def test_an_address_names_bucket_and_folder() -> None:
    assert bucket_and_prefix("s3://isos") == ("isos", "")
    assert bucket_and_prefix("s3://isos/lab/linux images/") == ("isos", "lab/linux images")


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "s3://key:sesame@isos/x", "s3://key@isos/x", "s3://isos:9000/x"])
def test_an_address_with_anything_else_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        bucket_and_prefix(url)
    assert "sesame" not in str(refused.value)


def test_the_secret_is_in_no_text(s3: S3Server, store: S3Store) -> None:
    access = access_to(s3)
    assert s3.secret not in f"{access!r} {store!r} {store.url} {vars(store)}"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "wrong-secret-0123456789"}, "credentials"),
        ({"key": "NOBODYNOBODYNOBODY01"}, "credentials"),
    ],
    ids=["wrong-secret", "unknown-key"],
)
def test_wrong_credentials_say_so_also_after_right_ones(
    s3: S3Server, store: S3Store, prefix: str, changes: dict[str, str], code: str
) -> None:
    store.put_small("a.json", b"{}")
    wrong = S3Store(s3.bucket, prefix, replace(access_to(s3), **changes))
    for attempt in (
        lambda: wrong.read("a.json", 0, 9),
        lambda: wrong.put_small("b.json", b"{}"),
        lambda: list(wrong.list()),
    ):
        with pytest.raises(StoreError) as refused:
            attempt()
        assert refused.value.code == code
        assert "secret" not in refused.value.message
    assert store.read("a.json", 0, 9) == b"{}"


def test_two_users_of_one_server_keep_to_their_own_rights(s3: S3Server, store: S3Store, prefix: str) -> None:
    reader = S3Store(s3.bucket, prefix, replace(access_to(s3), key=s3.reader_key, secret=s3.reader_secret))
    store.put_small("a.json", b"{}")
    for _ in range(2):
        assert reader.read("a.json", 0, 9) == b"{}"
        assert code_of(lambda: reader.put_small("b.json", b"{}")) == "no-permission"
        assert code_of(lambda: reader.begin(IMAGE, 1, NAMED, key="k1")) == "no-permission"
        store.replace_small("b.json", b"{}")
    store.delete("b.json")
    assert code_of(lambda: reader.delete("a.json")) == "no-permission"


def test_without_any_credentials_it_says_where_they_may_come_from(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreError) as refused:
        S3Store(s3.bucket, "", S3Access(endpoint=s3.endpoint, region="us-east-1")).stat("a.iso")
    assert refused.value.code == "credentials"
    assert "AWS_ACCESS_KEY_ID" in refused.value.hint


def test_a_bucket_that_is_not_there_says_so(s3: S3Server) -> None:
    absent = S3Store("no-such-bucket", "", access_to(s3))
    assert code_of(lambda: list(absent.list())) == "missing"
    assert code_of(lambda: absent.put_small("a.json", b"{}")) == "missing"


# unfinished uploads


def test_what_is_unfinished_is_an_upload_and_no_object(store: S3Store, s3: S3Server, prefix: str) -> None:
    partial = store.begin(IMAGE, 2 * GRANULE, NAMED, key="k1")
    partial.write(0, pattern(GRANULE))
    partial.close()
    found = s3_client(s3).list_multipart_uploads(Bucket=s3.bucket, Prefix=prefix)["Uploads"]
    assert [one["Key"] for one in found] == [f"{prefix}/{IMAGE}"]
    store.reopen(partial.ref).discard()
    assert not s3_client(s3).list_multipart_uploads(Bucket=s3.bucket, Prefix=prefix).get("Uploads")


def test_uploads_that_no_note_knows_are_ended_and_others_are_not(store: S3Store, s3: S3Server, prefix: str) -> None:
    mine = store.begin(IMAGE, GRANULE, NAMED, key="k1")
    s3_client(s3).create_multipart_upload(Bucket=s3.bucket, Key=f"{prefix}/orphan.iso")
    assert store.uploads.end_orphans(timedelta(days=1)) == ()
    assert store.uploads.end_orphans(timedelta(seconds=-60)) == ("orphan.iso",)
    mine.write(0, pattern(GRANULE))
    mine.publish(GRANULE)
    assert paths(store) == [IMAGE]


def test_an_upload_that_the_server_dropped_starts_again(store: S3Store, s3: S3Server, prefix: str) -> None:
    partial = store.begin(IMAGE, 3 * GRANULE, NAMED, key="k1")
    partial.write(0, pattern(2 * GRANULE))
    ref = partial.close()
    note = store.uploads.note("k1")
    assert note is not None
    s3_client(s3).abort_multipart_upload(Bucket=s3.bucket, Key=f"{prefix}/{IMAGE}", UploadId=note.upload)
    (told,) = store.partials()
    assert (told.front, store.reopen(ref).front()) == (0, 0)
    assert store.begin(IMAGE, 3 * GRANULE, NAMED, key="k1", resume=ref).front() == 0


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the parts that go to the server from now on."""
    numbers: list[int] = []
    send = S3Bucket.call

    def noting(bucket: S3Bucket, method: str, path: str | None = None, **arguments: Any) -> Any:
        if method == "upload_part":
            numbers.append(arguments["PartNumber"])
        return send(bucket, method, path, **arguments)

    monkeypatch.setattr(S3Bucket, "call", noting)
    return numbers


def written(store: S3Store, data: bytes, upto: int, final: str = IMAGE) -> S3Partial:
    partial = store.begin(final, len(data), NAMED, key="k1")
    assert partial.front() == 0
    partial.write(0, data[:upto])
    return partial


def test_begun_again_only_what_the_server_lacks_is_sent(store: S3Store, sent: list[int]) -> None:
    data = pattern(4 * GRANULE + 7)
    written(store, data, 2 * GRANULE).close()
    written(store, data, GRANULE).close()  # broken off earlier than before: nothing is forgotten
    again = written(store, data, len(data))
    again.publish(len(data))
    assert sorted(sent) == [1, 2, 3, 4, 5]
    assert store.read(IMAGE, 0, len(data)) == data


def test_never_keeps_a_part_of_another_file_that_is_as_long(store: S3Store, sent: list[int]) -> None:
    data = pattern(3 * GRANULE)
    other = data[:GRANULE] + bytes(GRANULE) + data[2 * GRANULE :]
    written(store, other, len(other)).close()
    again = written(store, data, GRANULE)
    assert code_of(lambda: again.publish(len(data))) == "incomplete"  # what came earlier counts for nothing yet
    again = written(store, data, len(data))
    again.publish(len(data))
    assert (sorted(sent), store.read(IMAGE, 0, len(data))) == ([1, 2, 2, 3], data)


def test_a_file_of_another_length_or_name_begins_an_upload_of_its_own(
    store: S3Store, s3: S3Server, prefix: str, sent: list[int]
) -> None:
    data = pattern(2 * GRANULE)
    written(store, data, GRANULE).close()
    written(store, data[:-1], GRANULE).close()
    written(store, data[:-1], GRANULE, "other.iso").close()
    assert sent == [1, 1, 1]
    found = s3_client(s3).list_multipart_uploads(Bucket=s3.bucket, Prefix=prefix)["Uploads"]
    assert [one["Key"] for one in found] == [f"{prefix}/other.iso"]


def test_a_part_damaged_on_its_way_is_refused_by_the_server(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = store.begin(IMAGE, GRANULE, NAMED, key="k1")
    send = S3Bucket.call

    def damaging(bucket: S3Bucket, method: str, path: str | None = None, **arguments: Any) -> Any:
        if method == "upload_part":
            arguments["Body"] = b"damaged" + arguments["Body"][7:]
        return send(bucket, method, path, **arguments)

    monkeypatch.setattr(S3Bucket, "call", damaging)
    partial.write(0, pattern(GRANULE))
    with pytest.raises(StoreUnavailable):
        partial.checkpoint()
    assert partial.front() == 0


class Died(BaseException):
    """The process is gone: nothing after it reaches the server."""


def dies_after(requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    send, left = S3Bucket.call, [requests]

    def dying(bucket: S3Bucket, method: str, path: str | None = None, **arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Died
        return send(bucket, method, path, **arguments)

    monkeypatch.setattr(S3Bucket, "call", dying)


def converges(
    work: Callable[[S3Store], object], finish: Callable[[S3Store], None], fresh: Callable[[], S3Store]
) -> int:
    """Let `work` die after 0, 1, 2, ... requests, each time let `finish` end it; how many requests it took whole."""
    for requests in range(40):
        store = fresh()
        with pytest.MonkeyPatch.context() as patch:
            dies_after(requests, patch)
            try:
                work(store)
                whole = True
            except Died:
                whole = False
        finish(store)
        if whole:
            return requests
    raise AssertionError("it never came to its end")


@pytest.mark.crash
def test_publishing_converges_wherever_the_process_dies(s3: S3Server) -> None:
    def fresh() -> S3Store:
        store = S3Store(s3.bucket, f"tests/{uuid.uuid4().hex[:12]}", access_to(s3), granule=GRANULE)
        partial = store.begin(IMAGE, 5, NAMED, key="k1")
        partial.write(0, b"image")
        partial.close()
        return store

    def publish(store: S3Store) -> None:
        (ref,) = store.partials()
        store.reopen(ref).publish(5)

    def finish(store: S3Store) -> None:
        there = store.stat(IMAGE)
        assert there is None or store.read(IMAGE, 0, 9) == b"image"
        ref = next(iter(store.partials()), None)
        if ref is not None:
            store.reopen(ref).publish(5)
        assert store.read(IMAGE, 0, 9) == b"image"
        assert paths(store) == [IMAGE]
        assert list(store.partials()) == []

    assert converges(publish, finish, fresh) > 5


@pytest.mark.crash
def test_moving_converges_wherever_the_process_dies(s3: S3Server) -> None:
    def fresh() -> S3Store:
        store = S3Store(s3.bucket, f"tests/{uuid.uuid4().hex[:12]}", access_to(s3), granule=GRANULE)
        store.put_small("a.json", b"moved")
        return store

    def finish(store: S3Store) -> None:
        store.move("a.json", "b.json")
        assert store.read("b.json", 0, 9) == b"moved"
        assert paths(store) == ["b.json"]

    assert converges(lambda store: store.move("a.json", "b.json"), finish, fresh) > 4


# what the server vouches for


def test_the_server_vouches_for_what_it_took(store: S3Store) -> None:
    data = pattern(2 * GRANULE + 9)
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, data)
    partial.publish(len(data))
    said = store.vouch(IMAGE)
    assert said is not None
    assert said.agrees
    assert "3 parts" in said.told
    assert paths(store, ".isomanager") == []


def test_the_server_does_not_vouch_for_other_bytes_under_the_name(store: S3Store, s3: S3Server, prefix: str) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    partial.publish(5)
    client, key = s3_client(s3), f"{prefix}/{IMAGE}"
    metadata = client.head_object(Bucket=s3.bucket, Key=key)["Metadata"]
    client.put_object(Bucket=s3.bucket, Key=key, Body=b"other", Metadata=metadata, ChecksumAlgorithm="SHA256")
    said = store.vouch(IMAGE)
    assert said is not None
    assert not said.agrees


def test_nothing_is_vouched_for_that_was_copied_or_put_by_others(store: S3Store, s3: S3Server, prefix: str) -> None:
    partial = store.begin(IMAGE, 5, NAMED, key="k1")
    partial.write(0, b"image")
    partial.publish(5)
    store.move(IMAGE, "b.iso")
    s3_client(s3).put_object(Bucket=s3.bucket, Key=f"{prefix}/c.iso", Body=b"other")
    assert (store.vouch("b.iso"), store.vouch("c.iso"), store.vouch("nothing.iso")) == (None, None, None)
    store.delete("b.iso")
    objects = s3_client(s3).list_objects_v2(Bucket=s3.bucket, Prefix=f"{prefix}/.isomanager/parts/")
    assert not objects.get("Contents")


# servers that go away


def test_a_server_that_is_not_there_is_unavailable(s3: S3Server) -> None:
    absent = S3Store("isos", "", replace(access_to(s3), endpoint="http://127.0.0.1:9"))
    with pytest.raises(StoreUnavailable):
        absent.stat("a.iso")


def test_a_transfer_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    with s3_server(tmp_path / "s3") as own_server:
        half_a_transfer(own_server, tmp_path)


def half_a_transfer(own_server: S3Server, tmp_path: Path) -> None:
    data = pattern(3 * GRANULE + 7)
    store = S3Store(own_server.bucket, "", access_to(own_server), granule=GRANULE)
    store.put_small("old.json", b"old")
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    partial.write(0, data[: 2 * GRANULE])
    assert partial.checkpoint() == 2 * GRANULE
    kill(own_server.process)
    partial.write(2 * GRANULE, data[2 * GRANULE :])
    with pytest.raises(StoreUnavailable):
        partial.checkpoint()
    port = int(own_server.endpoint.rpartition(":")[2])
    with s3_server(tmp_path / "s3", port):
        assert store.read("old.json", 0, 9) == b"old"
        (ref,) = store.partials()
        resumed = store.begin(IMAGE, len(data), NAMED, key="k1", resume=ref)
        front = resumed.front()
        assert front >= 2 * GRANULE
        resumed.write(front, data[front:])
        resumed.publish(len(data))
        assert store.read(IMAGE, 0, len(data)) == data


def test_a_server_that_says_nothing_is_unavailable_and_used_again_when_it_speaks(s3: S3Server, prefix: str) -> None:
    store = S3Store(s3.bucket, prefix, replace(access_to(s3), read_timeout=1.0))
    store.put_small("a.json", b"{}")
    with frozen(s3.process), pytest.raises(StoreUnavailable):
        store.read("a.json", 0, 9)
    assert store.read("a.json", 0, 9) == b"{}"


def test_a_full_server_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    """This server tells a full disk as an error of its own, which may pass; others have a word for it."""
    with small_disk(tmp_path / "small", 40) as disk, s3_server(disk) as server:
        store = S3Store(server.bucket, "", access_to(server), granule=GRANULE)
        store.put_small("old.json", b"old")
        partial = store.begin(IMAGE, None, NAMED, key="k1")

        def fill() -> None:
            for number in range(12):
                partial.write(number * GRANULE, pattern(GRANULE))
            partial.checkpoint()

        with pytest.raises((StoreError, StoreUnavailable)):
            fill()
        assert paths(store) == ["old.json"]
        assert store.read("old.json", 0, 9) == b"old"


def test_a_note_that_goes_while_others_are_listed_is_no_error(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.begin("a.iso", 10, NAMED, key="goes").close()
    bucket = store._uploads.bucket
    looked_at = bucket.head

    def head(path: str, **more: Any) -> Any:
        found = looked_at(path, **more)
        bucket.call("delete_object", path)  # its owner has published it meanwhile
        return found

    monkeypatch.setattr(bucket, "head", head)
    assert [(one.key, one.front) for one in store.partials()] == [("goes", 0)]
