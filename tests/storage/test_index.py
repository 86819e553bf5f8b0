"""A repository describes itself, truly and only when there is news."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest

from isomanager.model import Assurance, Copy, CopyState, Family, RepositoryRecord, Title
from isomanager.storage.contract import Validators
from isomanager.storage.index import build_inventory, build_sums, indexed, write_indexes
from isomanager.storage.index_page import build_page, readable_size
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


def read(store: LocalStore, path: str) -> str:
    return store.read(path, 0, 1 << 20).decode()


def test_the_inventory_has_the_fields_both_kinds_of_readers_know() -> None:
    told = build_inventory([copy("Linux/u.iso")], record(description="Lab ISOs"), now=NOW, names=NAMES)
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
    assert indexed([copy("b.iso"), copy("none.iso", sha256=None), *others, copy("a.iso")]) == (
        copy("a.iso"),
        copy("b.iso"),
    )


def test_sha256sum_proves_the_repository(store: LocalStore) -> None:
    copies = []
    for number, path in enumerate(["Linux/Ubuntu - Server/ü b.iso", "-x.iso", "a.iso"]):
        content = b"image %d" % number
        partial = store.begin(path, len(content), Validators(), key=f"k{number}")
        partial.write(0, content)
        partial.publish(len(content))
        copies.append(copy(path, content))
    write_indexes(store, copies, record(), now=NOW)
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
    assert write_indexes(store, [copy("a.iso")], record(), now=NOW) == ("SHA256SUMS", "inventory.json", "index.html")
    before = list(store.list())
    assert write_indexes(store, [copy("a.iso")], record(), now=NOW + timedelta(days=1)) == ()
    assert list(store.list()) == before
    assert json.loads(read(store, "inventory.json"))["generated"] == "2025-01-06T10:00:00Z"


def test_news_move_the_time(store: LocalStore) -> None:
    write_indexes(store, [copy("a.iso")], record(), now=NOW)
    written = write_indexes(store, [copy("a.iso"), copy("b.iso")], record(), now=NOW + timedelta(days=1))
    assert written == ("SHA256SUMS", "inventory.json", "index.html")
    told = json.loads(read(store, "inventory.json"))
    assert told["generated"] == "2025-01-07T10:00:00Z"
    assert [item["filePath"] for item in told["isos"]] == ["a.iso", "b.iso"]


@pytest.mark.parametrize("broken", [b"", b"\x00", b"[]", b"null"])
def test_a_broken_inventory_is_written_anew(store: LocalStore, broken: bytes) -> None:
    store.replace_small("inventory.json", broken)
    assert "inventory.json" in write_indexes(store, [], record(), now=NOW)
    assert json.loads(read(store, "inventory.json"))["isos"] == []


def test_an_empty_repository_has_empty_sums() -> None:
    assert build_sums([]) == ""


class Links(HTMLParser):
    """Collects addresses, tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_links_every_image_and_escapes_everything() -> None:
    path = 'Linux/<script>alert("1")</script> & #1?.iso'
    page = Links(
        build_page([copy(path)], record(name="<b>lab</b>", description='"x" <i>'), names={"ubuntu": "<u>U</u>"})
    )
    assert [unquote(link) for link in page.links] == ["SHA256SUMS", "inventory.json", path]
    assert not page.tags & {"script", "b", "i", "u"}
    assert path in page.text
    assert "20.04.2" in page.text
    assert "signed" in page.text


def test_a_path_that_looks_like_an_address_stays_a_path() -> None:
    page = Links(build_page([copy("javascript:alert(1)/x.iso")], record(), names={}))
    assert page.links[-1] == "javascript%3Aalert%281%29/x.iso"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (1 << 60, "1024.0 PiB")]
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert readable_size(size) == text
