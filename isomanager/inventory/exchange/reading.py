"""Reading an inventory document of any form, which its content tells."""

from __future__ import annotations

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
    beginning = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if beginning == b"<":
        return read_xml(data, place)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise bad_inventory(place, "it is not UTF-8 text") from wrong
    if not text.strip():
        raise bad_inventory(place, "it is empty")
    return read_json(text, place) if beginning in (b"{", b"[") else read_csv(text, place)
