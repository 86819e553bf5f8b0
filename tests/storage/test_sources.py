"""Files in stores, named by their addresses and read by ranges."""

from __future__ import annotations

from pathlib import Path

import pytest

from isomanager.errors import ConfigurationError, StoreError
from isomanager.storage.local import LocalStore
from isomanager.storage.sources import is_stored, look_up, split_address


@pytest.mark.parametrize(
    ("url", "above", "name"),
    [
        ("s3://isos/lab/x%20y?.iso", "s3://isos/lab", "x%20y?.iso"),
        ("s3://isos/x.iso", "s3://isos", "x.iso"),
        ("smb://nas:4450/isos/a%20b/x%20y.iso", "smb://nas:4450/isos/a%20b", "x y.iso"),
        ("nfs://nas/srv/x.iso?mode=direct&uid=0", "nfs://nas/srv?mode=direct&uid=0", "x.iso"),
    ],
)
def test_an_address_is_a_folder_and_a_name(url: str, above: str, name: str) -> None:
    assert split_address(url) == (above, name)
    assert is_stored(url)


@pytest.mark.parametrize("url", ["s3://isos", "smb://nas", "nfs://nas/", "smb://nas?mode=x"])
def test_an_address_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        split_address(url)


def test_a_path_and_a_web_address_are_no_stores_elsewhere() -> None:
    assert not any(map(is_stored, ["/srv/x.iso", "C:\\x.iso", "https://host/x.iso", "file:///srv/x.iso"]))


def test_a_file_is_read_by_ranges_and_only_as_it_was(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace_small("x.txt", b"0123456789")
    file = look_up(store, "x.txt")
    assert (file.size, file.read(3, 4), file.told) == (10, b"3456", f"{tmp_path}/x.txt")
    store.replace_small("x.txt", b"others")
    with pytest.raises(StoreError) as changed:
        file.read(0, 3)
    assert changed.value.code == "changed"
    with pytest.raises(StoreError) as missing:
        look_up(store, "y.txt")
    assert missing.value.code == "missing"
