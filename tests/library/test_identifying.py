"""Identifying files wherever they are, and by what is known of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from isomanager.errors import MediaError
from isomanager.library.identifying import Identified, identify_paths
from isomanager.library.opening import Library
from isomanager.media.opening import images_below
from isomanager.settings import load_settings
from isomanager.storage.local import LocalStore
from isomanager.storage.opening import OPENERS
from isomanager.storage.smb import SmbStore, open_smb
from isomanager.storage.smb_session import SmbAccess
from media.discs import disc
from store_servers import SmbServer

PINNED = disc(volume="NOTHING TELLING")
PRODUCT = f"""
id = "made"
name = "Made"
family = "custom"
[known."made-1.2.iso"]
sha256 = "{hashlib.sha256(PINNED).hexdigest()}"
version = "1.2"
[[identify]]
file = 'made-(?P<version>\\d)\\.iso'
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """An empty library whose catalogue has one more product, with a pinned file."""
    folder = tmp_path / "products"
    folder.mkdir()
    (folder / "made.toml").write_text(PRODUCT)
    monkeypatch.setenv("ISOMANAGER_CATALOGUE_FOLDERS", f'["{folder.as_posix()}"]')
    with Library(load_settings()) as opened:
        yield opened


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf" / "deep"
    folder.mkdir(parents=True)
    (folder / "debian.iso").write_bytes(disc(volume="Debian 12.5.0 amd64 n"))
    (folder.parent / "renamed.iso").write_bytes(PINNED)
    (folder.parent / "notes.txt").write_text("none")
    return folder.parent


def open_shelf(url: str, *, create: bool) -> LocalStore:
    """A store with an address of its own, on a folder of this machine."""
    return LocalStore(Path(url.removeprefix("shelf://")), create=create)


def test_files_in_a_store_are_read_by_ranges_under_its_address(
    library: Library, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPENERS, "shelf", f"{__name__}:open_shelf")
    whole = list(identify_paths(library, [f"shelf://{shelf}"]))
    assert [one.path for one in whole] == [f"shelf://{shelf}/deep/debian.iso", f"shelf://{shelf}/renamed.iso"]
    (single,) = identify_paths(library, [f"shelf://{shelf}/deep/debian.iso"])
    assert single == whole[0]
    assert single.identification.product == "debian"


def only(found: Iterator[Identified]) -> Identified:
    (one,) = found
    return one


def test_bytes_that_the_catalogue_pins_are_what_they_are_whatever_the_file_is_called(
    library: Library, shelf: Path
) -> None:
    renamed = str(shelf / "renamed.iso")
    assert only(identify_paths(library, [renamed])).identification.product is None
    found = only(identify_paths(library, [renamed], by_digest=True)).identification
    assert (found.product, found.version) == ("made", "1.2")
    assert found.evidence == ("SHA-256 of made-1.2.iso, which the catalogue pins",)


def test_unknown_bytes_are_identified_by_their_content(library: Library, shelf: Path) -> None:
    found = only(identify_paths(library, [str(shelf / "deep")], by_digest=True)).identification
    assert (found.product, found.version) == ("debian", "12.5.0")


def test_answers_come_in_the_order_of_the_files(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(100):
        (folder / f"{number:03}.iso").write_bytes(
            disc(volume=f"Debian 12.{number}.0 amd64 n") if number % 9 == 0 else b"x"
        )
    found = list(identify_paths(library, [str(folder)]))
    assert [Path(one.path).name for one in found] == [f"{number:03}.iso" for number in range(100)]
    assert sum(one.error is None for one in found) == 12


def test_an_image_on_a_share_is_read_where_it_is(
    library: Library, smb: SmbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{smb.url}/identify/{uuid4().hex[:12]}"
    store = open_smb(url, create=True, access=SmbAccess(smb.user, smb.password))
    store.put_small("deep/debian.iso", disc({"filler": bytes(4 << 20)}, volume="Debian 12.5.0 amd64 n"))
    asked: list[int] = []
    read = SmbStore.read

    def counted(self: SmbStore, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        asked.append(length)
        return read(self, path, start, length, if_match=if_match)

    monkeypatch.setattr(SmbStore, "read", counted)
    monkeypatch.setenv("ISOMANAGER_SMB_USERNAME", smb.user)
    monkeypatch.setenv("ISOMANAGER_SMB_PASSWORD", smb.password)
    store.session.close()
    found = only(identify_paths(library, [url]))
    assert (found.path, found.identification.version) == (f"{url}/deep/debian.iso", "12.5.0")
    assert sum(asked) < 1 << 20


def test_links_that_lead_nowhere_and_folders_that_are_gone_are_told_among_the_answers(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "a.iso").symlink_to("nowhere.iso")
    (tmp_path / "b.iso").symlink_to("b.iso")
    (tmp_path / "c.iso").write_bytes(disc(volume="Debian 12.5.0 amd64 n"))
    named = list(identify_paths(library, [str(tmp_path / one) for one in ("a.iso", "b.iso", "c.iso")]))
    assert [one.error.code if one.error else one.identification.product for one in named] == [
        "unreadable",
        "unreadable",
        "debian",
    ]
    refused: list[MediaError] = []
    assert list(images_below(tmp_path / "gone", refused.append)) == []
    assert [one.code for one in refused] == ["unreadable"]
