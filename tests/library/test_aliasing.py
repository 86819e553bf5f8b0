"""Aliases stand for the newest that is proved, are switched before anything goes, and are links where the store has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain_update import update
from isomanager.errors import StoreError
from isomanager.library.checking import check_copy
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.repositories import add_repository
from isomanager.library.subscribing import subscribe
from isomanager.model import Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.index import ALIASES
from isomanager.storage.local import LocalStore
from library.conftest import SERVER, held

LATEST = "Linux/Orchard - Server/sample-orchard.server-latest.iso"


def written(repository: Path) -> dict[str, dict[str, object]]:
    aliases: dict[str, dict[str, object]] = json.loads((repository / ALIASES).read_text())["aliases"]
    return aliases


def test_an_alias_leads_to_the_newest_and_is_switched_when_a_newer_one_comes(
    library: Library, upstream: SampleUpstream, repository: Path
) -> None:
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (first,) = held(library)
    assert (repository / LATEST).readlink() == Path(Path(first.path).name)
    assert (repository / LATEST).read_bytes() == (repository / first.path).read_bytes()
    assert {one["alias"] for one in written(repository).values()} == {"latest", "stable", "lts"}
    upstream.publish("orchard")
    update(library)
    (second,) = held(library)
    assert (repository / LATEST).resolve() == (repository / second.path).resolve()
    assert written(repository)[LATEST]["sha256"] == second.sha256
    assert "latest" not in (repository / "SHA256SUMS").read_text()
    assert LATEST not in [entry.path for entry in library.store("default").list()]


def test_no_alias_stands_for_what_failed_its_proof(library: Library, repository: Path) -> None:
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (copy,) = held(library)
    (repository / copy.path).write_bytes(b"x" * (copy.size or 1))
    check_copy(library, copy)
    assert not (repository / LATEST).exists(), "the damaged file is set aside at once"
    refresh_indexes(library)
    assert not (repository / LATEST).is_symlink()
    assert written(repository) == {}


def test_what_an_alias_stands_for_stays(library: Library, upstream: SampleUpstream) -> None:
    subscribe(library, Selector.parse("sample-orchard/server"))
    subscribe(library, Selector.parse(SERVER))
    update(library)
    versions = {str(one.title.version) for one in held(library)}
    for one in library.inventory.subscriptions():
        if one.selector.channel == "lts":
            library.inventory.remove_subscription(one.id)
    update(library)
    assert {str(one.title.version) for one in held(library)} == versions


def test_a_store_without_links_has_the_document_alone(library: Library, on_s3: str, upstream: SampleUpstream) -> None:
    add_repository(library, "bucket", on_s3, "default", "")
    subscribe(library, Selector.parse(SERVER), repositories=("bucket",))
    update(library)
    (copy,) = held(library)
    store = library.store("bucket")
    entry = store.stat(ALIASES)
    assert entry is not None
    told = json.loads(store.read(ALIASES, 0, entry.size))["aliases"]
    assert told[LATEST]["path"] == copy.path
    assert store.stat(LATEST) is None


def test_no_alias_takes_the_name_of_a_file(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "images")
    store.put_small("a/one.iso", b"1")
    store.put_small("a/latest.iso", b"mine")
    with pytest.raises(StoreError) as refused:
        store.point("a/latest.iso", "a/one.iso")
    assert refused.value.code == "name-taken"
    store.unpoint("a/latest.iso")
    assert store.read("a/latest.iso", 0, 9) == b"mine"
    store.point("b/latest.iso", "a/one.iso")
    assert (store.points_to("b/latest.iso"), store.read("b/latest.iso", 0, 9)) == ("a/one.iso", b"1")
    store.unpoint("b/latest.iso")
    assert store.points_to("b/latest.iso") is None
    with pytest.raises(StoreError):
        store.point("../outside.iso", "a/one.iso")
