"""Whole images: what is read of each kind, what a cut-off or damaged one tells."""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from isomanager.errors import MediaError
from isomanager.media.booting import read_partitions
from isomanager.media.iso9660 import Tree, read_descriptors
from isomanager.media.opening import read_file
from isomanager.media.reading import read_metadata
from isomanager.media.source import Source
from isomanager.sample.images import IsoSpec, _master, with_dates
from media.discs import disc, metadata_of, wim, with_header

INFO = b'Ubuntu-Server 24.04.2 LTS "Noble Numbat" - Release amd64 (20250216.1)\n'


def test_the_identifiers_of_the_primary_volume_are_read_as_recorded() -> None:
    primary = metadata_of(disc(volume="Müller's disc", publisher="THE VENDOR", system="LINUX", application="A")).primary
    assert primary is not None
    assert (primary.volume, primary.publisher, primary.system) == ("Müller's disc", "THE VENDOR", "LINUX")


def test_dates_are_read_in_utc() -> None:
    when = datetime(2024, 4, 25, 12, 30, 1, tzinfo=UTC)
    spec = IsoSpec("V", "P", "sample", "1", "server", "x86_64", when, payload_bytes=2048)
    primary = metadata_of(with_dates(_master(spec), when)).primary
    assert primary is not None
    assert (primary.created, primary.modified) == (when, when)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({"rock_ridge": True}, (True, 0, "")),
        ({"rock_ridge": False, "joliet": True}, (False, 3, "")),
        ({"rock_ridge": True, "joliet": True, "udf": True}, (True, 3, "NSR02")),
        ({"rock_ridge": False}, (False, 0, "")),
    ],
    ids=["Rock Ridge", "Joliet", "all of them", "plain"],
)
def test_it_is_told_which_trees_of_names_a_disc_has(kind: dict[str, bool], expected: tuple[bool, int, str]) -> None:
    found = metadata_of(disc(**kind))  # type: ignore[arg-type]
    assert (found.rock_ridge, found.joliet, found.udf) == expected


@pytest.mark.parametrize("kind", ["rock_ridge", "joliet", "udf"])
def test_a_marker_is_found_by_whichever_names_the_disc_has(kind: str) -> None:
    flags = {"rock_ridge": False, kind: True}
    found = metadata_of(disc({".disk/info": INFO}, **flags))  # type: ignore[arg-type]
    assert dict(found.markers)["disk-info"] == INFO.decode().strip()


def test_the_content_of_a_disc_whose_files_are_in_udf_alone_is_read() -> None:
    image = disc({"sources/install.wim": wim("Core", "Professional")}, rock_ridge=False, udf_only=True)
    found = metadata_of(image)
    assert [one.edition for one in found.windows] == ["Core", "Professional"]
    assert dict(found.markers)["windows"] == "client|10.0|26100.1742|x86_64|en-us|Core, Professional"


def test_a_disc_that_has_udf_alone_is_told_by_its_udf_label() -> None:
    image = bytearray(disc({"sources/install.wim": wim("Core")}, rock_ridge=False, udf_only=True))
    sectors = (b"\0BEA01\1", b"\0NSR02\1", b"\0TEA01\1", b"\0", b"\0", b"\0")
    for number, content in enumerate(sectors, 16):
        image[number * 2048 : (number + 1) * 2048] = content.ljust(2048, b"\0")
    found = metadata_of(bytes(image))
    assert (found.primary, found.udf_label, found.said("x").texts["volume"]) == (None, "CDROM", "CDROM")
    assert found.windows[0].edition == "Core"


def test_a_file_in_several_extents_is_read_as_one() -> None:
    content = b"".join(number.to_bytes(2) * 1024 for number in range(4))
    image = bytearray(disc({"long": content, "other": b"o"}))
    tree = tree_of(bytes(image))
    record = tree.find("long")
    assert record is not None
    raw = image.index(struct.pack("<I", record.extent[0] // 2048), tree.root[0]) - 2
    first = image[raw : raw + image[raw]]
    second = bytearray(first)
    first[10:14], first[25] = struct.pack("<I", 4096), 0x80
    second[2:6], second[10:14] = struct.pack("<I", record.extent[0] // 2048 + 2), struct.pack("<I", 4096)
    rest = image[raw + len(first) : tree.root[0] + tree.root[1]]
    image[raw : tree.root[0] + tree.root[1]] = (first + second + rest)[: len(first) + len(rest)]
    tree = tree_of(bytes(image))
    joined = tree.find("long")
    assert joined is not None
    assert (len(joined.extents), joined.length) == (2, 8192)
    assert tree.content("long", 1 << 20) == content
    assert tree.read(joined, 4000, 200) == content[4000:4200]
    assert tree.content("other", 10) == b"o"


def tree_of(image: bytes) -> Tree:
    source = Source("x", len(image), lambda offset, length: image[offset : offset + length])
    return Tree(source, read_descriptors(source).volumes[0])


def test_every_boot_entry_is_told_with_its_platform_and_emulation() -> None:
    found = metadata_of(disc(boot=True))
    assert [(one.platform, one.emulation, one.bootable) for one in found.boot] == [
        ("bios", "none", True),
        ("uefi", "none", True),
    ]


def test_hybrid_partition_tables_are_read() -> None:
    image = bytearray(disc())
    image[446:462] = struct.pack("<B3sB3sII", 0x80, b"", 0xEF, b"", 64, 36)
    image[510:512] = b"\x55\xaa"
    source = Source("x", len(image), lambda offset, length: bytes(image[offset : offset + length]))
    (partition,) = read_partitions(source)
    assert (partition.table, partition.kind, partition.offset, partition.length) == ("mbr", "0xef", 64 * 512, 36 * 512)


def test_padding_is_no_fault() -> None:
    image = disc()
    assert metadata_of(image + bytes(300_000)).is_complete


def test_a_file_that_ends_before_its_volume_was_cut_off() -> None:
    image = disc({"big": bytes(200_000)})
    found = metadata_of(image[:-50_000])
    assert not found.is_complete
    assert found.as_json()["missing"] == 50_000


def test_an_appended_system_partition_belongs_to_what_must_be_there() -> None:
    image = bytearray(disc())
    beyond = len(image) // 512
    image[446:462] = struct.pack("<B3sB3sII", 0x80, b"", 0xEF, b"", beyond, 200)
    image[510:512] = b"\x55\xaa"
    assert not metadata_of(bytes(image)).is_complete
    assert metadata_of(bytes(image) + bytes(200 * 512)).is_complete


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", bytes(100_000)], ids=["nothing", "a page", "zeros"]
)
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(MediaError, match="neither an ISO 9660 nor"):
        metadata_of(content)


def test_a_damaged_part_is_told_and_does_not_hide_the_rest() -> None:
    image = bytearray(disc({".disk/info": INFO}, boot=True))
    catalog = struct.unpack_from("<I", image, 17 * 2048 + 71)[0] * 2048
    image[catalog] = 7
    found = metadata_of(bytes(image))
    assert found.boot == ()
    assert any("boot catalog" in fault for fault in found.faults)
    assert "disk-info" in dict(found.markers)


def test_only_full_reading_counts_the_files() -> None:
    image = disc({"a/one": b"1" * 10, "a/two": b"2" * 5, "three": b""})
    assert metadata_of(image).counts is None
    counts = metadata_of(image, full=True).counts
    assert counts is not None
    assert (counts.files, counts.folders, counts.size) == (3, 1, 15)


def test_a_large_image_is_read_by_a_few_small_ranges() -> None:
    image = disc({".disk/info": INFO, "filler": bytes(8 << 20)}, boot=True, joliet=True)
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return image[offset : offset + length]

    read_metadata("x.iso", len(image), read)
    assert len(asked) < 10
    assert sum(asked) < 1 << 20


def test_a_source_that_gives_less_than_it_promised_is_damaged() -> None:
    image = disc()
    with pytest.raises(MediaError, match="before the size it was said to have"):
        read_metadata("x.iso", len(image) + 500_000, lambda offset, length: image[offset : offset + min(length, 100)])


def test_a_pipe_is_no_image_and_is_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.iso"
    try:
        os.mkfifo(pipe)
    except (AttributeError, OSError):
        pipe.mkdir()
    with pytest.raises(MediaError, match="is no file"):
        read_file(pipe)


def test_the_metadata_is_plain_json() -> None:
    import json

    image = with_header(disc({"sources/install.wim": wim("Core")}, boot=True), volume="V")
    told = json.loads(json.dumps(metadata_of(image, full=True).as_json()))
    assert told["primary"]["volume"] == "V"
    assert told["complete"] is True
    assert told["windows"][0]["edition"] == "Core"
