"""What must be true of a library after a crash, and once the next run is through."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from isomanager.library.opening import Library
from isomanager.library.recovering import INTERRUPTED
from isomanager.model import CopyState
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import INTERNAL
from isomanager.storage.receipts import receipts_of

INDEXES = {"SHA256SUMS", "inventory.json", "index.html", "aliases.json"}


def images(repository: Path) -> dict[str, str]:
    """SHA-256 by path of everything under a final name but the indexes; aliases are links, and no files."""
    return {
        file.relative_to(repository).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(repository.rglob("*"))
        if file.is_file()
        and not file.is_symlink()
        and file.name not in INDEXES
        and INTERNAL not in file.relative_to(repository).parts
    }


def published_digests(upstream: SampleUpstream) -> set[str]:
    """SHA-256 of every image upstream has."""
    return {one.sha256 for one in upstream.site.state.published}


def assert_no_lie_is_visible(repository: Path, upstream: SampleUpstream) -> None:
    """Every file under a final name is whole, and an upstream image."""
    published = published_digests(upstream)
    for path, digest in images(repository).items():
        assert digest in published, f"{path} is not what upstream published"
    for alias, target in aliases(repository).items():
        assert target.is_file(), f"{alias} leads nowhere"
        assert hashlib.sha256(target.read_bytes()).hexdigest() in published, f"{alias} leads to no image"


def aliases(repository: Path) -> dict[str, Path]:
    """Where every link among the images leads, by its path."""
    return {
        file.relative_to(repository).as_posix(): file.resolve()
        for file in sorted(repository.rglob("*"))
        if file.is_symlink() and INTERNAL not in file.relative_to(repository).parts
    }


def assert_at_rest(library: Library, repository: Path) -> None:
    """Nothing is unfinished; database, receipts, indexes and files agree."""
    held = library.inventory.copies(states={CopyState.HELD})
    assert {copy.path: copy.sha256 for copy in held} == images(repository)
    assert library.inventory.copies(states=INTERRUPTED | {CopyState.SUSPECT}) == ()
    store = library.store("default")
    assert list(store.partials()) == []
    for copy in held:
        assert any(receipt.title == copy.title for receipt in receipts_of(store, copy.sha256 or ""))
        assert library.inventory.receipts(copy.sha256 or "")
    for copy in library.inventory.copies(states={CopyState.TRASHED}):
        assert store.stat(copy.trash_path) is not None
    _assert_indexed(repository, {copy.path for copy in held})
    assert not list((repository / INTERNAL / "partials").glob("*.bin"))


def _assert_indexed(repository: Path, held: set[str]) -> None:
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=repository, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert {line.rpartition(": ")[0] for line in checked.stdout.splitlines()} == held
    told = json.loads((repository / "inventory.json").read_text())
    assert {one["filePath"] for one in told["isos"]} == held


def requests_for_images(upstream: SampleUpstream) -> int:
    """How many times a body of an image was asked for."""
    return sum(one.method == "GET" and one.path.endswith(".iso") for one in upstream.requests)


def has_sha256sum() -> bool:
    """Whether coreutils are here."""
    return shutil.which("sha256sum") is not None and os.name == "posix"
