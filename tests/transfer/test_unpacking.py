"""Compressed images are unpacked in pieces, and never beyond what is plausible."""

import bz2
import gzip
import lzma
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isomanager.errors import Refused
from isomanager.model import Packing
from isomanager.transfer.unpacking import PIECE, unpack

IMAGE = os.urandom(300_000) + bytes(3 << 20) + b"the end"


def packed(folder: Path, kind: str, image: bytes = IMAGE) -> Path:
    file = folder / f"image.iso.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", "hello")
            archive.writestr("folder/IMAGE.ISO", image)
    else:
        file.write_bytes({"bz2": bz2.compress, "gz": gzip.compress, "xz": lzma.compress}[kind](image))
    return file


KINDS = ["bz2", "gz", "xz", "zip"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_packed_comes_out(kind: str, tmp_path: Path) -> None:
    pieces = list(unpack(packed(tmp_path, kind), Packing(kind=kind)))
    assert b"".join(pieces) == IMAGE
    assert max(map(len, pieces)) <= PIECE


@pytest.mark.parametrize("kind", ["bz2", "gz", "xz"])
def test_several_streams_in_a_row_are_one_image(kind: str, tmp_path: Path) -> None:
    file = packed(tmp_path, kind, IMAGE[:1000])
    file.write_bytes(file.read_bytes() * 3)
    assert b"".join(unpack(file, Packing(kind=kind))) == IMAGE[:1000] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_stopped_at_the_bound_and_costs_no_memory(kind: str, tmp_path: Path) -> None:
    file = packed(tmp_path, kind, bytes(64 << 20))
    came: list[int] = []
    tracemalloc.start()
    with pytest.raises(Refused, match="more than the 2097152 bytes") as refused:
        came.extend(map(len, unpack(file, Packing(kind=kind, max_bytes=2 << 20))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "too-large"
    assert sum(came) <= 2 << 20
    assert peak < 16 << 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_file_is_refused(kind: str, tmp_path: Path) -> None:
    file = packed(tmp_path, kind)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(Refused, match="cannot be unpacked"):
        list(unpack(file, Packing(kind=kind)))


@pytest.mark.parametrize("kind", KINDS)
@given(noise=st.binary(max_size=200))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_refused_and_never_believed(kind: str, noise: bytes, tmp_path: Path) -> None:
    file = tmp_path / "noise"
    file.write_bytes(noise)
    with pytest.raises(Refused):
        list(unpack(file, Packing(kind=kind)))


def test_an_archive_with_two_images_is_ambiguous_and_one_without_is_no_image(tmp_path: Path) -> None:
    file = tmp_path / "two.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.iso", "1")
        archive.writestr("b.iso", "2")
    with pytest.raises(Refused) as refused:
        list(unpack(file, Packing(kind="zip")))
    assert refused.value.code == "ambiguous"
    with pytest.raises(Refused) as refused:
        list(unpack(file, Packing(kind="zip", member="*.img")))
    assert refused.value.code == "not-an-iso"
