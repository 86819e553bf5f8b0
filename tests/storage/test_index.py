"""A repository describes itself, truly and only when there is news."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isomanager.model import Assurance, Copy, CopyState, Family, RepositoryRecord, Title
from isomanager.storage.contract import Validators
from isomanager.storage.index import indexed, inventory_pieces, write_indexes
from isomanager.storage.local import LocalStore
from isomanager.version import Version

NOW = datetime(2025, 1, 6, 10, tzinfo=UTC)
NAMES = {"ubuntu": "Ubuntu"}


def copy(path: str, content: bytes = b"image", **changes: Any) -> Copy:
    title = Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("20.04.2"))
    told = {
        "id": path, "repository": "lab", "path": path, "title": title, "state": CopyState.HELD,
        "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "assurance": Assurance.SIGNED,
        "filename": "ubuntu-20.04.2-live-server-amd64.iso", "source": "https://releases.ubuntu.com/x.iso",
        "created_at": NOW - timedelta(days=1), "proved_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return Copy.model_validate(told | changes)


def record(**changes: Any) -> RepositoryRecord:
    return RepositoryRecord.model_validate({"name": "lab", "url": "/srv/isos", "created_at": NOW} | changes)


def page() -> list[str]:
    return ["<html>", "</html>"]


def read(store: LocalStore, path: str) -> str:
    return store.read(path, 0, 1 << 20).decode()


def test_the_inventory_has_the_fields_both_kinds_of_readers_know() -> None:
    pieces = inventory_pieces([copy("Linux/u.iso")], record(description="Lab ISOs"), now=NOW, names=NAMES)
    told = json.loads("".join(pieces))
    (item,) = told.pop("isos")
    assert told == {
        "version": "1.0",
        "generated": "2025-01-06T10:00:00Z",
        "repository": {"path": "/srv/isos", "name": "lab", "structure": "default", "description": "Lab ISOs"},
    }
    assert item.pop("hash") == {"algorithm": "SHA256", "value": hashlib.sha256(b"image").hexdigest()}
    metadata = item.pop("metadata")
    assert (metadata["flavor"], metadata["assurance"], metadata["provedDate"]) == (
        "server", "signed", "2025-01-06T10:00:00Z",
    )  # fmt: skip
    assert item == {
        "name": "ubuntu", "type": "Linux", "version": "20.04.2", "architecture": "x86_64", "language": "",
        "filePath": "Linux/u.iso", "fileSize": 5, "downloadDate": "2025-01-05T10:00:00Z",
        "source": "https://releases.ubuntu.com/x.iso", "Family": "Linux", "Name": "Ubuntu", "Flavor": "Server",
        "Major version": "20", "Minor version": "04", "Patch version": "2",
    }  # fmt: skip


def test_vouches_only_for_what_is_held_and_proved() -> None:
    others = [copy(f"{state}.iso", state=state) for state in CopyState if state is not CopyState.HELD]
    told = indexed([copy("a.iso"), copy("none.iso", sha256=None), *others, copy("b.iso")])
    assert list(told) == [copy("a.iso"), copy("b.iso")]


def test_sha256sum_proves_the_repository(store: LocalStore) -> None:
    copies = []
    for number, path in enumerate(["Linux/Ubuntu - Server/ü b.iso", "-x.iso", "a.iso"]):
        content = b"image %d" % number
        partial = store.begin(path, len(content), Validators(), key=f"k{number}")
        partial.write(0, content)
        partial.publish(len(content))
        copies.append(copy(path, content))
    write_indexes(store, copies, record(), page, now=NOW)
    if shutil.which("sha256sum"):
        proved = subprocess.run(
            ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=store.root, capture_output=True, text=True, check=False
        )
        assert proved.returncode == 0, proved.stderr
        assert proved.stdout.count(": OK") == 3
    for line in read(store, "SHA256SUMS").splitlines():
        digest, _, path = line.partition("  ")
        assert hashlib.sha256((store.root / path).read_bytes()).hexdigest() == digest


def test_unchanged_content_is_not_written_again(store: LocalStore) -> None:
    assert write_indexes(store, [copy("a.iso")], record(), page, now=NOW) == (
        "SHA256SUMS",
        "inventory.json",
        "index.html",
    )
    before = list(store.list())
    assert write_indexes(store, [copy("a.iso")], record(), page, now=NOW + timedelta(days=1)) == ()
    assert list(store.list()) == before
    assert json.loads(read(store, "inventory.json"))["generated"] == "2025-01-06T10:00:00Z"


def test_news_move_the_time(store: LocalStore) -> None:
    write_indexes(store, [copy("a.iso")], record(), page, now=NOW)
    written = write_indexes(store, [copy("a.iso"), copy("b.iso")], record(), page, now=NOW + timedelta(days=1))
    assert written == ("SHA256SUMS", "inventory.json")
    told = json.loads(read(store, "inventory.json"))
    assert told["generated"] == "2025-01-07T10:00:00Z"
    assert [item["filePath"] for item in told["isos"]] == ["a.iso", "b.iso"]


@pytest.mark.parametrize("broken", [b"", b"\x00", b"[]", b"null"])
def test_a_broken_inventory_is_written_anew(store: LocalStore, broken: bytes) -> None:
    store.replace_small("inventory.json", broken)
    assert "inventory.json" in write_indexes(store, [], record(), page, now=NOW)
    assert json.loads(read(store, "inventory.json"))["isos"] == []


def test_an_empty_repository_has_empty_sums(store: LocalStore) -> None:
    write_indexes(store, [], record(), page, now=NOW)
    assert read(store, "SHA256SUMS") == ""


def test_the_inventory_is_one_document_as_any_program_writes_it(store: LocalStore) -> None:
    """It is written image by image, and nothing shows that."""
    for copies in ([], [copy("a.iso")], [copy("a.iso"), copy("ü\u2028.iso", metadata={"note": "two\nlines"})]):
        write_indexes(store, copies, record(), page, now=NOW)
        text = read(store, "inventory.json")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_an_inventory_of_the_same_length_that_says_something_else_is_written_anew(store: LocalStore) -> None:
    write_indexes(store, [copy("a.iso")], record(), page, now=NOW)
    before = read(store, "inventory.json")
    store.replace_small("inventory.json", before.replace("a.iso", "b.iso").encode())
    assert write_indexes(store, [copy("a.iso")], record(), page, now=NOW) == ("inventory.json",)
    assert read(store, "inventory.json") == before


def test_the_page_is_made_only_when_there_is_news(store: LocalStore) -> None:
    asked: list[str] = []

    def a_page() -> Iterator[str]:
        asked.append("page")
        yield f"<html>{len(asked)}</html>"

    write_indexes(store, [copy("a.iso")], record(), a_page, now=NOW)
    write_indexes(store, [copy("a.iso")], record(), a_page, now=NOW + timedelta(days=1))
    assert len(asked) == 1
    assert "index.html" in write_indexes(store, [copy("b.iso")], record(), a_page, now=NOW)
    store.delete("index.html")
    write_indexes(store, [copy("b.iso")], record(), a_page, now=NOW)
    assert read(store, "index.html") == "<html>3</html>"
