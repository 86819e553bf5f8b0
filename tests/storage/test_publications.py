"""What others read of a repository is read here by those readers themselves."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest

from isomanager.model import Copy, Publication, RepositoryRecord
from isomanager.storage.index import write_indexes
from isomanager.storage.local import LocalStore
from isomanager.storage.publications import Publications
from isomanager.trust.site_key import SiteKey, create_site_key
from storage.test_index import NOW, copy, page, read, record

ALL: tuple[Publication, ...] = ("pulp", "simplestreams", "atom")
AWKWARD = "Linux/Ubuntu - Server/ubuntu & \u201cmore\u201d <1>.iso"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "isos", create=True)


@pytest.fixture
def key(tmp_path: Path) -> SiteKey:
    return create_site_key(tmp_path / "site.key", now=NOW)


def write(store: LocalStore, *paths: str, formats: tuple[Publication, ...] = (), key: SiteKey | None = None) -> None:
    write_indexes(store, [copy(path) for path in paths], record(), page, now=NOW, formats=formats, key=key)


def documents_of(
    copies: Iterable[Copy], formats: tuple[Publication, ...], repository: RepositoryRecord
) -> dict[str, bytes]:
    publications = Publications(formats, repository)
    for one in copies:
        publications.add(one)
    return publications.documents()


def checked_by_minisign(folder: Path, key: SiteKey) -> bool:
    """What the program itself says of the sums and their signature."""
    command = ["minisign", "-V", "-m", "SHA256SUMS", "-P", key.public]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_minisign_itself_checks_the_signature_of_the_sums(store: LocalStore, key: SiteKey) -> None:
    write(store, "a.iso", key=key)
    assert checked_by_minisign(store.root, key)
    write(store, "a.iso", "b.iso", key=key)
    assert checked_by_minisign(store.root, key), "signed again with the sums"
    (store.root / "SHA256SUMS").write_text(read(store, "SHA256SUMS").replace("a.iso", "c.iso"))
    assert not checked_by_minisign(store.root, key)


def test_a_signature_that_holds_is_left_alone_and_any_other_is_replaced(
    store: LocalStore, key: SiteKey, tmp_path: Path
) -> None:
    write(store, "a.iso", key=key)
    made = read(store, "SHA256SUMS.minisig")
    later = NOW + timedelta(days=3)
    assert write_indexes(store, [copy("a.iso")], record(), page, now=later, key=key) == ()
    assert read(store, "SHA256SUMS.minisig") == made
    other = create_site_key(tmp_path / "other.key", now=NOW)
    write(store, "a.iso", key=other)
    assert checked_by_minisign(store.root, other)
    (store.root / "SHA256SUMS.minisig").write_bytes(b"half a signa")
    write(store, "a.iso", key=other)
    assert checked_by_minisign(store.root, other)


def test_without_a_key_there_is_no_signature_and_a_stale_one_goes(store: LocalStore, key: SiteKey) -> None:
    write(store, "a.iso")
    assert not (store.root / "SHA256SUMS.minisig").exists()
    write(store, "a.iso", key=key)
    write(store, "a.iso", "b.iso")
    assert not (store.root / "SHA256SUMS.minisig").exists()


def test_pulp_reads_the_manifest_as_its_form_is_told(store: LocalStore) -> None:
    write(store, AWKWARD, "Linux/a.iso", "with, comma.iso", formats=ALL)
    lines = [line.split(",") for line in read(store, "PULP_MANIFEST").splitlines()]
    digest = hashlib.sha256(b"image").hexdigest()
    assert lines == [[AWKWARD, digest, "5"], ["Linux/a.iso", digest, "5"]], "path, SHA-256, bytes; no commas within"


def test_a_reader_of_simplestreams_finds_every_image(store: LocalStore) -> None:
    write(store, "Linux/a.iso", AWKWARD, formats=ALL)
    query = [
        sys.executable,
        str(Path(sys.executable).with_name("sstream-query")),
        "--no-verify",
        "--json",
        "streams/v1/index.json",
    ]
    told = subprocess.run(
        query,
        cwd=store.root,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONUTF8": "1"},
        timeout=120,
    )
    found = json.loads(told.stdout)
    assert {one["path"] for one in found} == {"Linux/a.iso", AWKWARD}
    for one in found:
        assert (one["sha256"], int(one["size"]), one["ftype"]) == (hashlib.sha256(b"image").hexdigest(), 5, "iso")
        assert (one["os"], one["flavor"], one["release"], one["arch"]) == ("ubuntu", "server", "20.04.2", "x86_64")


def test_a_feed_reader_reads_what_was_published_newest_first(store: LocalStore) -> None:
    old, new = copy("old.iso", created_at=NOW - timedelta(days=9)), copy(AWKWARD)
    write_indexes(store, [old, new], record(), page, now=NOW, formats=("atom",))
    feed = feedparser.parse((store.root / "feed.xml").read_bytes())
    assert not feed.bozo, "well-formed, by a strict parser"
    assert feed.version == "atom10"
    assert [unquote(one.enclosures[0].href) for one in feed.entries] == [AWKWARD, "old.iso"]
    assert feed.entries[0].enclosures[0].length == "5"
    assert feed.entries[0].updated_parsed > feed.entries[1].updated_parsed
    assert len({feed.feed.id, *(one.id for one in feed.entries)}) == 3


def test_the_same_copies_always_give_the_same_documents() -> None:
    copies = [copy(f"{number:03}.iso", created_at=NOW - timedelta(days=number % 7)) for number in range(250)]
    told = documents_of(copies, ALL, record())
    assert told == documents_of(list(copies), ALL, record())
    newest = [f"{number:03}.iso" for number in range(249, -1, -7) if number % 7 == 0]
    entries = feedparser.parse(told["feed.xml"]).entries
    assert len(entries) == 100
    assert [one.link for one in entries[: len(newest)]] == sorted((path for path in newest), reverse=True)


def test_an_empty_repository_has_documents_that_readers_can_read(store: LocalStore) -> None:
    write(store, formats=ALL)
    assert read(store, "PULP_MANIFEST") == ""
    assert not feedparser.parse((store.root / "feed.xml").read_bytes()).bozo
    assert json.loads(read(store, "streams/v1/index.json"))["format"] == "index:1.0"


def test_what_is_no_longer_published_goes_and_nothing_that_was_not(store: LocalStore) -> None:
    (store.root / "feed.xml").write_text("a feed of somebody else")
    write(store, "a.iso", formats=("pulp",))
    assert (store.root / "PULP_MANIFEST").exists()
    write(store, "a.iso")
    assert not (store.root / "PULP_MANIFEST").exists()
    assert (store.root / "feed.xml").read_text() == "a feed of somebody else"


def test_never_removes_anything_else_whatever_the_note_says(store: LocalStore) -> None:
    write(store, "a.iso", formats=("pulp",))
    (store.root / "precious.iso").write_bytes(b"image")
    (store.root / ".isomanager" / "published").write_bytes(b"precious.iso\n../out\n\xff\nPULP_MANIFEST\n")
    write(store, "a.iso")
    assert (store.root / "precious.iso").exists()
    assert not (store.root / "PULP_MANIFEST").exists()
