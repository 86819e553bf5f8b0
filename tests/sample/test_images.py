"""The images are what they claim to be: standard, bootable, and the same every time."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pycdlib
import pytest

from isomanager.sample.images import SECTOR, IsoSpec, boot_image, build_iso

SPEC = IsoSpec(
    volume_id="ORCHARD_26_04_1_LIVE_SERVER",
    publisher="THE ORCHARD PROJECT (SAMPLE)",
    product="Orchard",
    version="26.04.1",
    flavor="live-server",
    architecture="amd64",
    made_at=datetime(2026, 8, 6, 12, tzinfo=UTC),
    payload_bytes=50_000,
)


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    build_iso(tmp_path / "orchard.iso", SPEC)
    return tmp_path / "orchard.iso"


def read(iso: Path, name: str) -> bytes:
    opened, content = pycdlib.PyCdlib(), io.BytesIO()
    opened.open(str(iso))
    opened.get_file_from_iso_fp(content, rr_path=name)
    opened.close()
    return content.getvalue()


def test_says_what_it_is_in_its_volume_descriptor_and_its_marker_file(iso: Path) -> None:
    opened = pycdlib.PyCdlib()
    opened.open(str(iso))
    assert opened.pvd.volume_identifier.rstrip() == b"ORCHARD_26_04_1_LIVE_SERVER"
    assert opened.pvd.publisher_identifier.text.rstrip() == b"THE ORCHARD PROJECT (SAMPLE)"
    opened.close()
    assert read(iso, "/.disk/info") == b"Orchard 26.04.1 live-server - Release amd64 (20260806.0)\n"


def test_has_a_bootable_entry_that_leads_to_the_boot_image(iso: Path) -> None:
    opened = pycdlib.PyCdlib()
    opened.open(str(iso))
    entry = opened.eltorito_boot_catalog.initial_entry
    assert entry.boot_indicator == 0x88
    assert entry.boot_media_type == 0  # no emulation
    assert iso.read_bytes()[entry.load_rba * SECTOR :].startswith(read(iso, "/boot/boot.img"))
    opened.close()


def test_the_boot_image_prints_its_name_and_halts() -> None:
    assert run_real_mode(boot_image("Orchard 26.04.1\r\n")) == "Orchard 26.04.1\r\n"


def test_the_boot_image_is_one_signed_sector_however_long_the_message() -> None:
    assert len(boot_image("x" * 1000)) == 512
    assert boot_image("x" * 1000).endswith(b"\0\x55\xaa")


def test_the_same_specification_gives_the_same_bytes(
    iso: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)  # the builder's clock says another day
    assert build_iso(tmp_path / "again.iso", SPEC) == iso.read_bytes()


def test_a_respin_has_the_same_size_and_other_bytes(iso: Path, tmp_path: Path) -> None:
    other = build_iso(tmp_path / "respun.iso", replace(SPEC, spin=1))
    assert len(other) == iso.stat().st_size
    assert other != iso.read_bytes()


def test_no_date_in_it_is_the_clocks(iso: Path) -> None:
    opened = pycdlib.PyCdlib()
    opened.open(str(iso))
    assert opened.pvd.volume_creation_date.year == 2026
    assert (opened.pvd.volume_modification_date.month, opened.pvd.volume_modification_date.dayofmonth) == (8, 6)
    record = opened.get_record(rr_path="/.disk/info")
    stamps = record.rock_ridge.dr_entries.tf_record
    assert (record.date.years_since_1900, record.date.month, record.date.day_of_month) == (126, 8, 6)
    assert (stamps.modification_time.years_since_1900, stamps.modification_time.month) == (126, 8)
    opened.close()


def test_its_padding_cannot_be_compressed(iso: Path) -> None:
    assert len(zlib.compress(read(iso, "/payload.bin"))) > 50_000


def test_the_file_is_dated_like_its_content(iso: Path) -> None:
    assert datetime.fromtimestamp(iso.stat().st_mtime, UTC) == SPEC.made_at
    assert [file.name for file in iso.parent.iterdir()] == ["orchard.iso"]


def run_real_mode(image: bytes) -> str:
    """What the boot image prints: an interpreter for the few 8086 instructions it is made of, loaded at 7C00h."""
    memory = bytearray(0x10000)
    memory[0x7C00 : 0x7C00 + len(image)] = image
    ax, si, zero, place, printed = 0xFFFF, 0, False, 0x7C00, ""

    def jump(after: int) -> int:
        return after + int.from_bytes(memory[after - 1 : after], signed=True)

    for _ in range(10_000):
        code = memory[place]
        if code in (0xFC, 0xFA):  # cld, cli
            place += 1
        elif code == 0x31:  # xor ax, ax
            ax, place = 0, place + 2
        elif code == 0x8E:  # mov ds, ax
            assert ax == 0
            place += 2
        elif code == 0xBE:  # mov si, imm16
            si, place = int.from_bytes(memory[place + 1 : place + 3], "little"), place + 3
        elif code == 0xAC:  # lodsb
            ax, si, place = (ax & 0xFF00) | memory[si], si + 1, place + 1
        elif code == 0x84:  # test al, al
            zero, place = ax & 0xFF == 0, place + 2
        elif code == 0x74:  # jz
            place = jump(place + 2) if zero else place + 2
        elif code == 0xB4:  # mov ah, imm8
            ax, place = (memory[place + 1] << 8) | (ax & 0xFF), place + 2
        elif code == 0xBB:  # mov bx, imm16
            place += 3
        elif code == 0xCD:  # int 10h, ah = 0Eh: teletype output of al
            assert (memory[place + 1], ax >> 8) == (0x10, 0x0E)
            printed, place = printed + chr(ax & 0xFF), place + 2
        elif code == 0xEB:  # jmp
            place = jump(place + 2)
        elif code == 0xF4:  # hlt
            return printed
        else:
            raise AssertionError(f"unexpected instruction {code:02X}h at {place:04X}h")
    raise AssertionError("the boot image never halts")
