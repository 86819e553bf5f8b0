"""What one form writes, it reads again; what nobody should believe is refused with a sentence."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from isomanager.errors import InventoryError
from isomanager.inventory.exchange.csv_form import COLUMNS, write_csv
from isomanager.inventory.exchange.json_form import write_own, write_seed, write_simple
from isomanager.inventory.exchange.reading import parse_listing
from isomanager.inventory.exchange.xml_form import write_xml
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, Title
from isomanager.version import Version

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SHA256 = "ab" * 32


def a_copy(**changes: Any) -> Copy:
    title = Title(
        family=Family.WINDOWS, product="windows-server", flavor="eval", version=Version("2025.24H2"), language="en-US"
    )
    told = {
        "id": "1", "repository": "main", "path": "Windows/Server – Eval/ws, 2025.iso", "title": title,
        "state": CopyState.HELD, "sha256": SHA256, "size": 5825765376, "digests": {"sha256": SHA256},
        "assurance": Assurance.PINNED, "source": "download", "filename": "SERVER_EVAL.iso", "created_at": NOW,
        "changed_at": NOW, "proved_at": NOW,
    }  # fmt: skip
    return Copy.model_validate({**told, **changes})


def a_receipt() -> Receipt:
    copy = a_copy()
    return Receipt(
        title=copy.title, sha256=SHA256, size=1, digests={"sha256": SHA256}, filename="x.iso",
        assurance=Assurance.PINNED, proved_at=NOW,
    )  # fmt: skip


SECOND = a_copy(
    id="2", path="=cmd|calc.iso", source="@evil", title=a_copy().title.model_copy(update={"edition": "-1+2"})
)


def test_the_seeds_schema_is_written_exactly_and_read_again() -> None:
    text = "".join(write_seed([a_copy()], root="E:\\ISOLibrary", name="Enterprise ISOs", structure="ByType", now=NOW))
    assert json.loads(text) == {
        "version": "1.0",
        "generated": "2026-11-27T12:00:00Z",
        "repository": {"path": "E:\\ISOLibrary", "name": "Enterprise ISOs", "structure": "ByType"},
        "isos": [
            {
                "name": "windows-server",
                "type": "Windows",
                "version": "2025.24H2",
                "architecture": "x86_64",
                "language": "en-US",
                "filePath": "E:\\ISOLibrary\\Windows\\Server – Eval\\ws, 2025.iso",
                "fileSize": 5825765376,
                "hash": {"algorithm": "SHA256", "value": SHA256.upper()},
                "downloadDate": "2026-11-27T12:00:00Z",
                "source": "download",
                "metadata": {"edition": "", "flavor": "eval", "filename": "SERVER_EVAL.iso"},
            }
        ],
    }
    told = parse_listing(text.encode(), "inventory.json")
    (item,) = told.items
    assert (told.form, told.root, item.name, item.size) == ("json", "E:\\ISOLibrary", "windows-server", 5825765376)
    assert (item.digests, item.flavor, item.added_at) == ({"sha256": SHA256}, "eval", NOW)


def test_hashes_are_left_out_when_they_are_not_asked_for() -> None:
    assert (
        "hash"
        not in json.loads("".join(write_seed([a_copy()], root="", name="", structure="", now=NOW, digests=False)))[
            "isos"
        ][0]
    )
    assert SHA256 not in "".join(write_csv([a_copy()], digests=False))
    assert SHA256 not in "".join(write_xml([a_copy()], now=NOW, digests=False))


def test_the_simple_list_has_the_six_fields_and_the_checksum_on_request() -> None:
    plain = json.loads(
        "".join(write_simple([a_copy(title=a_copy().title.model_copy(update={"version": Version("20.04.2")}))]))
    )
    assert plain == [
        {
            "Family": "Windows", "Name": "windows-server", "Flavor": "eval", "Major version": "20",
            "Minor version": "04", "Patch version": "2",
        }
    ]  # fmt: skip
    text = "".join(write_simple([a_copy()], digests=True))
    (item,) = parse_listing(text.encode(), "list.json").items
    assert (item.type, item.digests, item.version) == ("Windows", {"sha256": SHA256}, "2025.24H2")


def test_the_simple_example_of_the_admin_panel_is_read_as_it_is_written() -> None:
    text = '{"Family": "Linux", "Name": "Ubuntu", "Flavor": "Server", "major version": 20, "minor version": "04", "patch version": 2}'
    (item,) = parse_listing(text.encode(), "one.json").items
    assert (item.name, item.flavor, item.version) == ("Ubuntu", "Server", "20.04.2")


def test_our_own_form_brings_copies_and_receipts_back_whole() -> None:
    copies, receipts = [a_copy(), SECOND], [a_receipt()]
    told = parse_listing("".join(write_own(copies, receipts, now=NOW)).encode(), "own.json")
    assert (list(told.copies), list(told.receipts)) == (copies, receipts)
    empty = parse_listing("".join(write_own([], [], now=NOW)).encode(), "own.json")
    assert (empty.form, empty.copies) == ("isomanager", ())


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_tables_and_trees_are_read_again(form: str) -> None:
    written = write_csv([a_copy(), SECOND]) if form == "csv" else write_xml([a_copy(), SECOND], now=NOW)
    first, second = parse_listing("".join(written).encode(), f"inventory.{form}").items
    assert (first.name, first.path, first.size) == ("windows-server", "Windows/Server – Eval/ws, 2025.iso", 5825765376)
    assert (first.digests, first.metadata["assurance"]) == ({"sha256": SHA256}, "pinned")
    assert (second.path, second.source, second.edition) == ("=cmd|calc.iso", "@evil", "-1+2")


def test_no_cell_begins_like_a_formula() -> None:
    rows = list(csv.reader(io.StringIO("".join(write_csv([SECOND])))))
    assert rows[0] == list(COLUMNS)
    assert [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")] == []


def test_columns_may_come_in_any_order_and_under_the_seeds_names() -> None:
    text = "\ufeffVersion,Name,filePath,hash\r\n22.04,Ubuntu,u.iso," + SHA256 + "\r\n"
    (item,) = parse_listing(text.encode(), "x.csv").items
    assert (item.name, item.version, item.path, item.digests) == ("Ubuntu", "22.04", "u.iso", {"sha256": SHA256})


@pytest.mark.parametrize(
    "document",
    [
        '#TYPE System.Management.Automation.PSCustomObject\r\n"Name","Type"\r\n"Ubuntu","Linux"\r\n',
        "Name;Type\r\nUbuntu;Linux\r\n",
        '{"version": "1.0", "isos": {"name": "Ubuntu", "type": "Linux"}}',
        "<inventory><iso><name>Ubuntu</name><type>Linux</type></iso></inventory>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_documents_are_read_as_windows_writes_them(document: str, encoding: str) -> None:
    (item,) = parse_listing(document.encode(encoding), "given").items
    assert (item.name, item.type) == ("Ubuntu", "Linux")


@pytest.mark.parametrize(
    "spelled",
    ['"2025-01-05T15:10:00"', '"2025-01-05T15:10:00.0000000+00:00"', '"/Date(1736089800000)/"', '{"value": "\\/Date(1736089800000)\\/"}'],
)  # fmt: skip
def test_times_are_understood_as_powershell_writes_them(spelled: str) -> None:
    document = f'{{"version": "1.0", "isos": [{{"name": "x", "downloadDate": {spelled}}}]}}'
    (item,) = parse_listing(document.encode(), "given").items
    assert item.added_at == datetime(2025, 1, 5, 15, 10, tzinfo=UTC)


def test_notes_of_any_shape_are_kept_as_texts() -> None:
    metadata = {
        "build": 26100,
        "owner": "me",
        "tags": ["a", "ö"],
        "none": None,
        "notes": {"purpose": "lab", "build": "no"},
    }
    document = {"version": "1.0", "isos": [{"name": "x", "metadata": metadata}]}
    (item,) = parse_listing(json.dumps(document).encode(), "given").items
    assert item.metadata == {"build": "26100", "owner": "me", "tags": '["a", "ö"]', "purpose": "lab"}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><inventory><iso><name>&b;</name></iso></inventory>'
OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><inventory/>'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"{", "no JSON"),
        (b'{"a": 1}', "none of the forms"),
        (b"[1]", "no object"),
        (b"[" * 200_000, "no JSON"),
        (b'{"version": "2.0", "isos": []}', "schema"),
        (b'{"version": "1.0", "isos": [7]}', "no object"),
        (b'{"version": "1.0", "isos": [{"type": "Linux"}]}', "image 1, name"),
        (b'{"version": "1.0", "isos": [{"name": "x", "fileSize": -1}]}', "image 1, size"),
        (b'{"version": "1.0", "isos": [{"name": "x", "hash": {"algorithm": "SHA256", "value": "zz"}}]}', "no sha256"),
        (b'{"version": "1.0", "isos": [{"name": "x", "hash": {"algorithm": "CRC", "value": "zz"}}]}', "no digest"),
        (b'{"version": "1.0", "isos": [{"name": "a\\u0007b"}]}', "control character"),
        (b'{"schema": "isomanager.inventory", "version": 99}', "version 99"),
        (b'{"schema": "isomanager.inventory", "version": 1, "copies": [{}]}', "copies.0"),
        (b"size,path\r\n1,2\r\n", "no column 'name'"),
        (b'name\r\n"open', "no CSV"),
        (BOMB.encode(), "document type"),
        (OUTSIDE.encode(), "document type"),
        (b"<html></html>", "root is <html>"),
        (b"<inventory><iso>", "no XML"),
        (b"<inventory>" + b"<a>" * 50, "too deep"),
        (b"<inventory><iso><name>" + b"\n" * 3_000_000 + b"</name></iso></inventory>", "too long"),
        (b'<?xml version="1.0" encoding="bogus"?><inventory/>', "unknown encoding"),
        (b'<?xml version="1.0" encoding="rot13"?><inventory/>', "no XML"),
        (b'{"version": "1.0", "isos": [{"name": "x", "fileSize": NaN}]}', "NaN is no number"),
        (b'{"version": "1.0", "isos": [], "isos": [{"name": "x"}]}', "twice"),
        (b'{"version": "1.0", "isos": [{"name": "x", "filePath": "\\ud800.iso"}]}', "image 1, path"),
        (b'{"version": "1.0", "isos": [{"name": "x", "metadata": {"a\\u001b[31m": "b"}}]}', "control character"),
        (b"name,name\r\na,b\r\n", "twice"),
    ],
)  # fmt: skip
def test_what_is_no_inventory_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(InventoryError, match=why) as wrong:
        parse_listing(data, "given.txt")
    assert wrong.value.code == "bad-inventory"


def test_a_giant_document_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isomanager.inventory.exchange.reading.MAX_BYTES", 100)
    with pytest.raises(InventoryError, match="larger than"):
        parse_listing(b"[" + b" " * 100, "big.json")


def test_more_images_than_any_library_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isomanager.inventory.exchange.items.MAX_ITEMS", 3)
    with pytest.raises(InventoryError, match="more than 3"):
        parse_listing(json.dumps([{"Name": "x"}] * 4).encode(), "many.json")
