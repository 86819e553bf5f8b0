"""Reading an inventory document of any form, which its content tells."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from isomanager.inventory.exchange.csv_form import read_csv
from isomanager.inventory.exchange.items import MAX_BYTES, Listing, bad_inventory
from isomanager.inventory.exchange.json_form import read_json
from isomanager.inventory.exchange.xml_form import read_xml


def read_listing(file: Path) -> Listing:
    """The listing in a file. InventoryError(code="bad-inventory") for what is none, too large, or hostile; OSError as it is."""
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    return parse_listing(data, str(file))


def parse_listing(data: bytes, place: str) -> Listing:
    """The listing in `data`; `place` is what errors call it."""
    if len(data) > MAX_BYTES:
        raise bad_inventory(place, f"it is larger than {MAX_BYTES >> 20} MiB")
    wide = data[:2] in (BOM_UTF16_LE, BOM_UTF16_BE)  # as Windows PowerShell writes what is sent into a file
    if not wide and data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return read_xml(data, place)  # which may say its encoding itself
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig").lstrip()
    except UnicodeDecodeError as wrong:
        raise bad_inventory(place, "it is neither UTF-8 nor UTF-16 text") from wrong
    if not text:
        raise bad_inventory(place, "it is empty")
    if text[0] == "<":
        return read_xml(data, place)
    return read_json(text, place) if text[0] in "{[" else read_csv(text, place)
