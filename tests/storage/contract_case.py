"""What the parts of the stores' contract share: an image's name, bytes to write, and another process to write them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.errors import StoreError
from isomanager.storage import pipelining
from isomanager.storage.contract import Partial, Store, Validators

IMAGE = "Linux/Ubuntu - Server/ubuntu.server-20.04.2.iso"
NAMED = Validators(etag='"a1"', last_modified="Thu, 07 Jan 2021 10:00:00 GMT", size=None)
PROJECT = Path(__file__).parents[2]


def pattern(length: int, seed: int = 0) -> bytes:
    """Bytes that differ at every granule, so that a misplaced one is noticed."""
    block = b"".join((number * 2654435761 + seed).to_bytes(8, "big", signed=False) for number in range(512))
    return (block * (length // len(block) + 1))[:length]


def paths(store: Store, prefix: str = "") -> list[str]:
    return [entry.path for entry in store.list(prefix)]


def code_of(call: Callable[[], object]) -> str:
    """The code of the StoreError that `call` raises, "" when it succeeds."""
    try:
        call()
    except StoreError as error:
        return error.code
    return ""


def expect_full(store: Store) -> None:
    """A place of 8 MiB says that it is full before anything is written, and while; what was there stays."""
    mib = 1 << 20
    store.put_small("old.json", b"old")
    assert code_of(lambda: store.begin(IMAGE, 64 * mib, NAMED, key="k1")) == "no-space"
    partial = store.begin(IMAGE, None, NAMED, key="k1")

    def fill() -> None:
        for number in range(24):
            partial.write(number * mib, pattern(mib))
        partial.checkpoint()

    assert code_of(fill) == "no-space"
    assert code_of(partial.checkpoint) == "no-space"
    assert partial.front() == 0
    partial.discard()
    assert paths(store) == ["old.json"]
    assert store.read("old.json", 0, 9) == b"old"


def expect_early_flushes(store: Store, flusher: type, flush: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is written down by its server while more of it comes: by the method `flush` of `flusher`, once a stretch."""
    asked, begin, mib = [0], getattr(flusher, flush), 1 << 20

    def counted(*given: object) -> object:
        asked[0] += 1
        return begin(*given)

    monkeypatch.setattr(flusher, flush, counted)
    monkeypatch.setattr(pipelining, "_STRETCH", 2 * mib)
    data = pattern(7 * mib)
    partial = store.begin(IMAGE, len(data), NAMED, key="k1")
    asked[0] = 0
    partial.write(0, data)
    assert asked == [3], "one for each two megabytes"
    partial.publish(len(data))
    assert store.read(IMAGE, 0, len(data)) == data


class ContractCase:
    """Needs the fixture `store`, empty."""

    @pytest.fixture
    def granule(self, store: Store) -> int:
        return store.traits.granule

    def begun(self, store: Store, data: bytes, final: str = IMAGE, key: str = "k1") -> Partial:
        partial = store.begin(final, len(data), NAMED, key=key)
        partial.write(0, data)
        return partial

    def published(self, store: Store, data: bytes, final: str = IMAGE, key: str = "k1") -> None:
        self.begun(store, data, final, key).publish(len(data))

    def in_another_process(self, reopen_code: str, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `script` with `store`, `sys` and `contract` at hand; its `arguments` are in sys.argv[1:]."""
        whole = f"import sys\nfrom isomanager.storage import contract\n{reopen_code}\n{textwrap.dedent(script)}"
        return subprocess.run(
            [sys.executable, "-c", whole, *arguments],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            timeout=60,
            check=False,
        )
