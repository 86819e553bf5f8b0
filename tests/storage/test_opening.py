"""Addresses of repositories."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from isomanager.errors import ConfigurationError, StoreUnavailable
from isomanager.storage.local import LocalStore
from isomanager.storage.opening import folder_of, open_store, scheme_of


def test_opens_a_path_and_a_file_url(tmp_path: Path) -> None:
    for url in (str(tmp_path), tmp_path.as_uri(), f"file://localhost{tmp_path}"):
        store = open_store(url)
        assert isinstance(store, LocalStore)
        assert store.root == tmp_path


def test_a_file_url_may_hold_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "ISO images #1 ? é"
    assert folder_of(odd.as_uri()) == odd


def test_creates_a_folder_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        list(open_store(str(tmp_path / "new")).list())
    assert list(open_store(str(tmp_path / "new"), create=True).list()) == []


@pytest.mark.parametrize(
    "url", ["s3://user:secret@bucket/x", "smb://user:secret@host/x", "nfs://u:secret@h/x", "ftp://u:secret@h/x"]
)
def test_refuses_an_address_with_a_password_without_telling_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_store(url)
    assert "secret" not in str(refused.value)
    assert "password" in refused.value.message


def test_says_which_stores_are_not_there() -> None:
    with pytest.raises(ConfigurationError, match="ftp://"):
        open_store("ftp://host/x")


@pytest.mark.parametrize("url", ["", "  ", "file://server/share", "file:///a?b", "file://"])
def test_refuses_what_names_no_folder(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_store(url)


@pytest.mark.parametrize("url", ["C:\\ISOs", "c:/ISOs", "/srv/isos", "isos", "~/isos", "a:b"])
def test_takes_these_for_paths(url: str) -> None:
    assert scheme_of(url) == ""


def test_importing_it_imports_no_store() -> None:
    script = "import sys, isomanager.storage.opening as _; print([n for n in ('isomanager.storage.local', 'prefect', 'sqlmodel', 'httpx') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
