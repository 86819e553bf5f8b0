"""What a .torrent says. Real ones are made by libtorrent, hostile ones by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import libtorrent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.errors import FetchRefused
from isomanager.transfer.torrent.metainfo import MAX_TORRENT_BYTES, Metainfo, read_metainfo, wanted_file
from peers import PIECE, make_torrent

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "set" / "tiny.iso"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    return file


def read(content: bytes) -> Metainfo:
    return read_metainfo(content, "t.torrent")


@pytest.mark.parametrize("kind", ["v1_only", "v2_only", ""])
def test_a_real_torrent_is_read_as_libtorrent_reads_it(kind: str, image: Path) -> None:
    content = make_torrent(
        image, kind=kind, trackers=("http://t.example/announce",), web_seeds=("https://w.example/x",)
    )
    found, theirs = read(content), libtorrent.load_torrent_buffer(content).ti
    assert theirs is not None
    hashes = theirs.info_hashes()
    assert found.info_hash == str(hashes.v1 if hashes.has_v1() else hashes.v2)
    assert [(one.name, one.size, one.offset) for one in found.files] == [("tiny.iso", len(CONTENT), 0)]
    assert (found.is_single, found.piece_length, found.name) == (True, PIECE, "tiny.iso")
    assert (found.trackers, found.web_seeds) == (("http://t.example/announce",), ("https://w.example/x",))
    if kind != "v2_only":
        assert found.sha1_pieces[:20] == hashlib.sha1(CONTENT[:PIECE]).digest()


@pytest.mark.parametrize("kind", ["v1_only", "v2_only", ""])
def test_its_essence_is_the_same_torrent_without_addresses(kind: str, image: Path) -> None:
    content = make_torrent(image, kind=kind, trackers=("http://t.example/announce",))
    found = read(content)
    assert b"t.example" not in found.essence
    again = read(found.essence)
    assert (again.info_hash, again.files, again.trackers) == (found.info_hash, found.files, ())
    assert libtorrent.load_torrent_buffer(found.essence).ti is not None


@pytest.mark.parametrize("kind", ["v1_only", "v2_only", ""])
def test_the_image_is_found_among_what_comes_with_it(kind: str, image: Path) -> None:
    (image.parent / "a.txt").write_bytes(b"x" * 100)
    (image.parent / "tiny.iso.sig").write_bytes(b"y" * 10)
    found = read(make_torrent(image.parent, kind=kind))
    assert not found.is_single
    chosen = wanted_file(found, "tiny.iso", len(CONTENT), "t")
    theirs = libtorrent.load_torrent_buffer(found.essence).ti
    assert theirs is not None
    layout = theirs.layout()
    (place,) = [one for one in range(theirs.num_files()) if layout.file_name(one) == "tiny.iso"]
    assert (layout.file_size(place), layout.file_offset(place)) == (chosen.size, chosen.offset)
    assert layout.file_path(place).replace("\\", "/") == chosen.path
    assert wanted_file(found, "", None, "t") == chosen


def test_another_name_another_size_or_several_images_are_refused(image: Path) -> None:
    found = read(make_torrent(image))
    with pytest.raises(FetchRefused, match=r"should hold other\.iso once; it holds tiny\.iso") as refused:
        wanted_file(found, "other.iso", None, "t")
    assert refused.value.code == "not-an-iso"
    with pytest.raises(FetchRefused, match="the evidence says 5") as refused:
        wanted_file(found, "tiny.iso", 5, "t")
    assert refused.value.code == "wrong-size"
    (image.parent / "second.iso").write_bytes(b"z")
    with pytest.raises(FetchRefused, match="should hold one image once"):
        wanted_file(read(make_torrent(image.parent)), "", None, "t")


def bencoded(**info: Any) -> bytes:
    whole = {b"info": {name.replace("_", " ").encode(): value for name, value in info.items()}}
    return libtorrent.bencode(whole)


HASH = b"h" * 20


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!doctype html>",
        b"de",
        bencoded(name=b"x.iso", length=10, pieces=HASH),
        bencoded(name=b"x.iso", length=10, pieces=HASH, piece_length=0),
        bencoded(name=b"x.iso", length=10, pieces=HASH, piece_length=1 << 40),
        bencoded(name=b"x.iso", length=-10, pieces=HASH, piece_length=16384),
        bencoded(name=b"x.iso", length=10, pieces=HASH * 2, piece_length=16384),
        bencoded(name=b"x.iso", files=[], pieces=HASH, piece_length=16384),
        bencoded(name=b"x.iso", files=b"x", pieces=HASH, piece_length=16384),
        bencoded(name=b"x.iso", piece_length=16384),
        bencoded(name=7, length=10, pieces=HASH, piece_length=16384),
        b"d4:infod" + b" " * MAX_TORRENT_BYTES,
    ],
)
def test_what_contradicts_itself_is_refused(hostile: bytes) -> None:
    with pytest.raises(FetchRefused) as refused:
        read(hostile)
    assert refused.value.code == "bad-data"


@given(st.binary(max_size=400))
def test_no_text_does_more_than_be_refused(text: bytes) -> None:
    for content in (text, b"d4:info" + text + b"e", b"d4:infod" + text + b"ee"):
        with pytest.raises(FetchRefused):
            read(content)
