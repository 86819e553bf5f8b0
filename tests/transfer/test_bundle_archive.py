"""An archive goes on from whatever an earlier run left of it: what is whole is kept, the rest is written again."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tarfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard

from isomanager.errors import StoreError
from isomanager.transfer.bundle_archive import tar_writer, unfinished
from isomanager.transfer.bundle_writing import Member

FORMS = pytest.mark.parametrize("packed", [False, True], ids=["tar", "zst"])
SMALL = [("bundle.json", b"{}"), ("bundle.json.minisig", b"signed"), ("keys/K.asc", b"k" * 513)]
IMAGES = [os.urandom(300_000), bytes(200_000), os.urandom(512 * 100)]
_BLOCK = 512


def member(data: bytes) -> Member:
    sha256 = hashlib.sha256(data).hexdigest()
    return Member(f"images/{sha256}", len(data), sha256)


def written(place: Path, packed: bool, images: Sequence[bytes] = IMAGES) -> int:
    """Write the archive; how many images an earlier run had written."""
    with tar_writer(place, packed=packed) as writer:
        writer.manifest(*SMALL[0])
        for name, data in SMALL[1:]:
            writer.small(name, data)
        kept = 0
        for data in images:
            if writer.has(member(data)):
                kept += 1
            else:
                writer.image(member(data), [data[:1000], data[1000:]], shrinks=data.count(0) == len(data))
    return kept


def unpacked(place: Path) -> bytes:
    data = place.read_bytes()
    if not data.startswith(b"\x28\xb5\x2f\xfd"):
        return data
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True)
    return reader.read()


def frames(data: bytes) -> list[int]:
    """Where each frame ends, as the library itself finds it."""
    ends, left = [0], data
    while left:
        unpacking = zstandard.ZstdDecompressor().decompressobj()
        unpacking.decompress(left)
        left = unpacking.unused_data
        ends.append(len(data) - len(left))
    return ends[1:]


def ends_of(place: Path, packed: bool) -> list[int]:
    """Where each member ends in the archive, the end of the archive itself last."""
    data = place.read_bytes()
    if packed:
        return frames(data)
    with tarfile.open(place) as archive:
        ends = [one.offset_data + one.size + -one.size % _BLOCK for one in archive.getmembers()]
    return [*ends, len(data)]


@FORMS
def test_wherever_it_was_cut_off_what_is_whole_is_kept_and_it_ends_as_if_it_had_not_been(
    packed: bool, tmp_path: Path
) -> None:
    place = tmp_path / "june.tar"
    written(place, packed)
    whole, ends = place.read_bytes(), ends_of(place, packed)
    plain = unpacked(place)
    assert len(ends) == len(SMALL) + len(IMAGES) + 1
    cuts = {0, 1, 3, *(end + change for end in ends for change in (-600, -1, 0, 1, 7, 600)), len(whole) // 2}
    for cut in sorted(one for one in cuts if 0 <= one <= len(whole)):
        place.unlink()
        unfinished(place).write_bytes(whole[:cut])
        assert written(place, packed) == sum(end <= cut for end in ends[len(SMALL) : -1]), cut
        assert unpacked(place) == plain, cut
        assert not unfinished(place).exists()


@FORMS
def test_a_byte_that_changed_ends_what_is_kept(packed: bool, tmp_path: Path) -> None:
    place = tmp_path / "june.tar"
    written(place, packed)
    whole, plain, ends = place.read_bytes(), unpacked(place), ends_of(place, packed)
    first = len(SMALL)
    for at, kept in ((ends[0] - 1, 0), (ends[first] - 100_000, 0), (ends[first + 1] - 4, 1), (ends[-1] - 2, 3)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x41
        place.unlink()
        unfinished(place).write_bytes(damaged)
        assert written(place, packed) == kept, at
        assert unpacked(place) == plain


@FORMS
def test_garbage_there_is_no_archive(packed: bool, tmp_path: Path) -> None:
    place = tmp_path / "june.tar"
    magic = b"\x28\xb5\x2f\xfd"
    for garbage in (b"\0" * 4000, os.urandom(4000), magic, magic + b"\xff" * 4000, magic + b"\0" * 4000):
        unfinished(place).write_bytes(garbage)
        assert written(place, packed) == 0
        with tarfile.open(fileobj=io.BytesIO(unpacked(place))) as archive:
            assert len(archive.getmembers()) == len(SMALL) + len(IMAGES)
        place.unlink()


@FORMS
def test_another_selection_is_written_anew_and_that_is_said(
    packed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "june.tar"
    written(place, packed)
    place.rename(unfinished(place))
    with caplog.at_level(logging.WARNING, "isomanager"):
        assert written(place, packed, IMAGES[1:]) == 0
    assert "written anew" in caplog.text
    caplog.clear()
    place.unlink()
    with caplog.at_level(logging.WARNING, "isomanager"):
        written(place, packed, IMAGES[1:])
    assert not caplog.text, "nothing was there"


@FORMS
def test_what_was_interrupted_stays_only_if_an_image_of_it_is_whole(packed: bool, tmp_path: Path) -> None:
    place = tmp_path / "june.tar"

    def interrupted(count: int) -> None:
        with tar_writer(place, packed=packed) as writer:
            for name, data in SMALL:
                writer.small(name, data)
            for data in IMAGES[:count]:
                writer.image(member(data), [data], shrinks=False)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted(0)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        interrupted(2)
    assert list(tmp_path.iterdir()) == [unfinished(place)]
    assert written(place, packed) == 2


def test_a_link_in_its_place_leads_nowhere(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "june.tar", tmp_path / "elsewhere"
    elsewhere.write_bytes(b"of somebody else")
    unfinished(place).symlink_to(elsewhere)
    written(place, packed=False)
    assert elsewhere.read_bytes() == b"of somebody else"


def test_reading_back_what_shrank_to_nothing_takes_no_memory(tmp_path: Path) -> None:
    """128 MiB of zeros are a few kilobytes in the archive: they are looked at a piece at a time."""
    place, zeros = tmp_path / "june.tar.zst", bytes(1 << 20)
    digest = hashlib.sha256()
    for _ in range(128):
        digest.update(zeros)
    file = Member(f"images/{digest.hexdigest()}", 128 << 20, digest.hexdigest())
    with tar_writer(place, packed=True) as writer:
        writer.image(file, (zeros for _ in range(128)), shrinks=True)
    assert place.stat().st_size < 64 << 10
    place.rename(unfinished(place))
    tracemalloc.start()
    with tar_writer(place, packed=True) as writer:
        assert writer.has(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_an_archive_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="Writing the bundle"):
        written(tmp_path / "file" / "june.tar", packed=False)
