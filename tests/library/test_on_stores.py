"""The whole life of an image in a repository on each kind of store: subscribe, update, list, verify, replace, prune, restore."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain_update import bring_in, update
from isomanager.errors import Refused
from isomanager.library.checking import check_copy
from isomanager.library.fetching import fetch
from isomanager.library.finding import location
from isomanager.library.opening import Library
from isomanager.library.requesting import Asked, plan_download
from isomanager.library.subscribing import subscribe
from isomanager.model import ActionKind, Copy, CopyState, OutcomeKind, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from isomanager.storage.contract import Validators
from isomanager.storage.opening import open_store
from library.conftest import SERVER, Clock, held


@pytest.fixture(params=["on_s3", "on_smb", "on_nfs"])
def place(request: pytest.FixtureRequest) -> str:
    """The address of an empty repository."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
def library(upstream: SampleUpstream, place: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", place)
    with Library(load_settings(), clock=clock) as opened:
        yield opened


def on_the_store(place: str) -> list[str]:
    return [entry.path for entry in open_store(place).list()]


def test_an_image_lives_its_life(library: Library, upstream: SampleUpstream, place: str, clock: Clock) -> None:
    subscribe(library, Selector.parse(SERVER))
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    (first,) = held(library)
    assert set(on_the_store(place)) == {first.path, "SHA256SUMS", "aliases.json", "index.html", "inventory.json"}
    assert location(library, first) == f"{place.partition('?')[0]}/{first.path}"
    assert [one.outcome for one in update(library)] == [OutcomeKind.CURRENT]

    upstream.publish("orchard")
    outcomes = {one.outcome for one in update(library)}
    assert outcomes == {OutcomeKind.PUBLISHED, OutcomeKind.RETIRED}
    (second,) = held(library)
    assert second.title.version > first.title.version
    assert first.path not in on_the_store(place)
    assert check_copy(library, second).outcome is OutcomeKind.CURRENT
    quick = check_copy(library, second, quick=True)
    assert quick.outcome is OutcomeKind.CURRENT
    assert ("server's own SHA-256" in quick.reason) == place.startswith("s3:")

    clock.pass_(days=library.settings.trash_days + 1)
    update(library)
    assert library.inventory.copies(states={CopyState.TRASHED}) == ()
    assert list(open_store(place).list(".isomanager/trash")) == []


def test_a_copy_that_is_no_longer_what_it_was_becomes_suspect(library: Library, place: str) -> None:
    subscribe(library, Selector.parse(SERVER))
    update(library)
    (copy,) = held(library)
    damage(place, copy)
    told = check_copy(library, copy)
    assert told.outcome is OutcomeKind.FAILED
    assert "SHA-256" in told.reason
    assert library.inventory.copy(copy.id).state is CopyState.SUSPECT


def damage(place: str, copy: Copy) -> None:
    """Put other bytes of the same length in its place."""
    store = open_store(place)
    store.delete(copy.path)
    partial = store.begin(copy.path, copy.size, Validators(), key="damage")
    partial.write(0, b"\xff" * (copy.size or 0))
    partial.publish(copy.size or 0)
    partial.discard()


def with_name(place: str, name: str) -> str:
    above, question, options = place.partition("?")
    return f"{above}/{name}{question}{options}"


def put_image(place: str, data: bytes) -> None:
    store = open_store(place, create=True)
    partial = store.begin("an image.iso", len(data), Validators(), key="k1")
    partial.write(0, data)
    partial.publish(len(data))
    partial.discard()


def test_a_file_in_a_store_is_fetched_by_its_address(library: Library, place: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000
    put_image(place, data)
    name = "an image.iso" if place.startswith("s3:") else "an%20image.iso"
    asked = Asked(url=with_name(place, name), sha256=hashlib.sha256(data).hexdigest())
    fetched = fetch(library, asked, tmp_path / "here.iso")
    assert (tmp_path / "here.iso").read_bytes() == data
    assert (fetched.assurance, fetched.size) == ("pinned", len(data))
    with pytest.raises(Refused):
        fetch(library, replace(asked, sha256="0" * 64), tmp_path / "there.iso")
    assert not (tmp_path / "there.iso").exists()


def test_a_file_in_a_store_comes_into_the_library(library: Library, place: str, upstream: SampleUpstream) -> None:
    image = next(upstream.site.www.rglob("*.iso")).read_bytes()
    put_image(with_name(place, "elsewhere"), image)
    name = "an image.iso" if place.startswith("s3:") else "an%20image.iso"
    url = with_name(with_name(place, "elsewhere"), name)
    asked = Asked(url=url, name="from a store", sha256=hashlib.sha256(image).hexdigest())
    plan = plan_download(library, asked)
    (action,) = plan.of_kind(ActionKind.DOWNLOAD)
    assert bring_in(library, action, plan).outcome is OutcomeKind.PUBLISHED
    (copy,) = held(library)
    assert open_store(place).read(copy.path, 0, len(image) + 1) == image
