"""Damaged and hostile images: a typed error or a described fault, in bounded time and memory; never anything else."""

from __future__ import annotations

import struct
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.errors import MediaError
from isomanager.media.iso9660 import SECTOR, Tree, read_descriptors
from isomanager.media.reading import read_metadata
from isomanager.media.source import Budget, Source
from isomanager.media.udf import UdfTree
from media.discs import disc, metadata_of, wim, wim_of

FILES = {"sources/install.wim": wim("Core", "Professional"), ".disk/info": b"Debian GNU/Linux\n", "a": b"a"}
SEEDS = {
    "iso": disc(FILES, joliet=True, boot=True, volume="V"),
    "udf": disc(FILES, rock_ridge=False, udf_only=True, volume="V"),
}
TELLING = {
    "iso": [*range(16 * SECTOR, 22 * SECTOR), *range(24 * SECTOR, len(SEEDS["iso"]))],
    "udf": [
        *range(16 * SECTOR, 20 * SECTOR),
        *range(32 * SECTOR, 38 * SECTOR),
        *range(256 * SECTOR, len(SEEDS["udf"])),
    ],
}
"""Where changed bytes change what is read, rather than padding."""

LIMIT_SECONDS = 20
"""Of processor time for one image; a sound one takes a thousandth of it."""


def source_of(image: bytes, budget: Budget | None = None) -> Source:
    return Source("x.iso", len(image), lambda at, n: image[at : at + n], *([budget] if budget else []))


def changed(image: bytes, at: int, content: bytes) -> bytes:
    return image[:at] + content + image[at + len(content) :]


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_changed_bytes_never_cause_anything_but_a_typed_error(seed: str, data: st.DataObject) -> None:
    image = bytearray(SEEDS[seed])
    places = data.draw(st.lists(st.sampled_from(TELLING[seed]), min_size=1, max_size=12))
    for place in places:
        value = data.draw(st.sampled_from([0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF]) | st.integers(0, 255))
        image[place] = value
    began = process_time()
    with suppress(MediaError):
        metadata_of(bytes(image), full=True).as_json()
    assert process_time() - began < LIMIT_SECONDS


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, 1 << 20))
def test_a_file_that_ends_anywhere_never_causes_anything_but_a_typed_error(seed: str, length: int) -> None:
    with suppress(MediaError):
        metadata_of(SEEDS[seed][:length], full=True)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=6 * SECTOR))
def test_noise_in_place_of_descriptors_never_causes_anything_but_a_typed_error(noise: bytes) -> None:
    with suppress(MediaError):
        metadata_of(changed(SEEDS["iso"], 16 * SECTOR, b"\1CD001\1" + noise), full=True)


def test_a_folder_that_contains_itself_is_walked_once() -> None:
    image = SEEDS["iso"]
    tree = Tree(source_of(image), read_descriptors(source_of(image)).volumes[0])
    folder = next(record for record in tree.folder(tree.root) if record.is_folder)
    root = struct.pack("<I", tree.root[0] // SECTOR)
    own = image.index(struct.pack("<I", folder.extent[0] // SECTOR), tree.root[0])
    looped = changed(image, own, root)
    source = source_of(looped)
    paths = [path for path, _ in Tree(source, read_descriptors(source).volumes[0]).walk()]
    assert 0 < len(paths) < 50


def test_a_folder_of_four_gigabytes_is_refused_unread() -> None:
    image = changed(SEEDS["iso"], 16 * SECTOR + 156 + 10, struct.pack("<I", 0xFFFFFFFF))
    source = source_of(image)
    with pytest.raises(MediaError, match="4294967295 bytes long"):
        Tree(source, read_descriptors(source).volumes[0]).find("a")


def test_descriptors_without_a_terminator_end_by_themselves() -> None:
    endless = SEEDS["iso"][: 16 * SECTOR] + SEEDS["iso"][16 * SECTOR : 17 * SECTOR] * 1000
    assert len(read_descriptors(source_of(endless)).volumes) < 100


def test_continuations_that_lead_in_a_circle_end() -> None:
    image = SEEDS["iso"]
    place = image.find(b"CE\x1c\x01")
    assert place > 0
    own_sector = struct.pack("<I", place // SECTOR) + bytes(4) + struct.pack("<I", place % SECTOR) + bytes(4)
    circle = changed(image, place + 4, own_sector + struct.pack("<I", 28) + bytes(4))
    source = source_of(circle)
    Tree(source, read_descriptors(source).volumes[0]).find("nowhere")


def test_udf_extents_that_lead_in_a_circle_are_refused() -> None:
    image = bytearray(SEEDS["udf"])
    tree = UdfTree(source_of(bytes(image)))
    entry = tree._start + tree._root * tree._block
    struct.pack_into("<H", image, entry + 34, 0)  # short descriptors
    head = 176 if struct.unpack_from("<H", image, entry)[0] == 261 else 216
    attributes = struct.unpack_from("<I", image, entry + head - 8)[0]
    struct.pack_into("<I", image, entry + head - 4, 8)
    struct.pack_into("<II", image, entry + head + attributes, 3 << 30 | 2048, tree._root)
    # the list of extents that it leads to is the file entry itself, read as such: it leads to itself again
    struct.pack_into("<I", image, entry + 20, 160)
    for place in range(24, 184, 8):
        struct.pack_into("<II", image, entry + place, 3 << 30 | 2048, tree._root)
    struct.pack_into("<H", image, entry + 34, 0)
    with pytest.raises(MediaError):
        UdfTree(source_of(bytes(image))).find("a")


def test_an_image_that_costs_too_much_is_given_up() -> None:
    image = disc({f"f{number}": b"x" for number in range(300)})
    source = source_of(image, Budget(steps=100))
    tree = Tree(source, read_descriptors(source).volumes[0])
    with pytest.raises(MediaError, match="lead on and on"):
        tree.find("nowhere")
    with pytest.raises(MediaError, match="lead on and on"):
        source_of(image, Budget(requests=0)).read(0, 1)


def test_a_file_in_the_place_of_a_folder_is_no_damage() -> None:
    image = disc({"sources": b"a file, and no folder" * 20, "arch": b"so is this" * 40, "etc": b"and this"})
    assert metadata_of(image, full=True).faults == ()


def test_a_description_of_millions_of_elements_is_refused_unread() -> None:
    image = disc({"sources/install.wim": wim_of("<WIM>" + "<a/>" * 600_000 + "</WIM>")})
    found = metadata_of(image)
    assert found.windows == ()
    assert "too large" in found.faults[0]


def test_errors_of_the_store_are_not_taken_for_faults_of_the_image() -> None:
    def read(offset: int, length: int) -> bytes:
        raise ConnectionError("the store went away")

    with pytest.raises(ConnectionError):
        read_metadata("x.iso", 1 << 20, read)
