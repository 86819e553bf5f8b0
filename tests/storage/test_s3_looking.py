"""Which of many objects are there, and what looking for them costs: counted in requests."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from isomanager.errors import StoreError
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access, S3Bucket
from isomanager.storage.s3_looking import lists_on
from store_servers import S3Server

OTHERS = [f"others/{number:03}.iso" for number in range(300)]


@pytest.fixture(scope="module")
def store(s3: S3Server) -> S3Store:
    """With many objects that nobody asks for."""
    access = S3Access(endpoint=s3.endpoint, region="us-east-1", key=s3.key, secret=s3.secret, retries=1)
    store = S3Store(s3.bucket, f"tests/{uuid.uuid4().hex[:12]}", access)
    assert not store.put_all({path: path.encode() * 2 for path in OTHERS})
    return store


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many requests of each kind are sent from now on."""
    counts: Counter[str] = Counter()
    asks = S3Bucket._asked

    async def counting(bucket: S3Bucket, method: str, path: str | None = None, **arguments: Any) -> Any:
        counts[method] += 1
        return await asks(bucket, method, path, **arguments)

    monkeypatch.setattr(S3Bucket, "_asked", counting)
    return counts


def test_many_are_found_by_one_listing(store: S3Store, asked: Counter[str]) -> None:
    assert store.sizes(OTHERS) == {path: 2 * len(path) for path in OTHERS}
    assert asked == {"list_objects_v2": 1}


def test_few_among_many_are_asked_for_and_what_is_not_there_is_left_out(store: S3Store, asked: Counter[str]) -> None:
    few = [*OTHERS[::40], "others/none.iso"]
    assert store.sizes(few) == {path: 2 * len(path) for path in few[:-1]}
    assert asked["list_objects_v2"] == 1
    assert asked["head_object"] <= len(few)


def test_one_or_two_are_never_listed_for(store: S3Store, asked: Counter[str]) -> None:
    assert store.sizes(OTHERS[-2:]).keys() == set(OTHERS[-2:])
    assert store.sizes([]) == {}
    assert asked == {"head_object": 2}


@pytest.mark.parametrize("wanted", [1, 5, 30, 1000, 50_000])
@pytest.mark.parametrize("pages", [1, 7, 100, 1000])
def test_looking_never_costs_more_than_twice_the_better_way(wanted: int, pages: int) -> None:
    """Where a listing of so many pages tells of none that is wanted: a page is counted as 24 that are asked for."""
    listed = 0
    while listed < pages and lists_on(listed, wanted):
        listed += 1
    cost = 24 * listed + (wanted if listed < pages else 0)
    assert cost <= 2 * min(24 * pages, wanted) + 24


def test_a_move_costs_six_requests_and_a_repeat_finds_its_copy(store: S3Store, asked: Counter[str]) -> None:
    source, destination = ".isomanager/move-me", ".isomanager/moved"
    store.put_small(source, b"moved")
    asked.clear()
    store.move(source, destination)
    assert asked.total() == 6, "looked at, begun, copied, completed, removed, looked at"
    assert store.move(source, destination).size == 5
    store.put_small(source, b"other")
    with pytest.raises(StoreError, match="taken"):
        store.move(source, destination)
    assert store.read(destination, 0, 9) == b"moved"
    assert store.read(source, 0, 9) == b"other"


def test_times_are_read_as_the_server_wrote_them(store: S3Store) -> None:
    """Of a listing they have thousandths of a second and a Z, of a look at one object they are as HTTP writes them."""
    (listed,) = [one for one in store.list("others") if one.path == OTHERS[0]]
    looked_at = store.stat(OTHERS[0])
    assert looked_at is not None
    assert abs(listed.modified_at - looked_at.modified_at).total_seconds() <= 1
    assert abs(datetime.now(UTC) - listed.modified_at).total_seconds() < 3600
