"""What minisign and signify themselves sign is good here; what they refuse is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from isomanager.trust.key_material import read_key_material
from isomanager.trust.minisign import verify_minisign
from isomanager.trust.signify import verify_signify

MESSAGE = b"SHA256 (sample.iso) = 55\n" * 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("signers")
    (place / "message").write_bytes(MESSAGE)

    def run(*words: str) -> None:
        subprocess.run(words, cwd=place, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    run("minisign", "-G", "-W", "-p", "mini.pub", "-s", "mini.key")
    run("minisign", "-S", "-s", "mini.key", "-m", "message", "-x", "hashed.minisig", "-t", "a comment")
    run("minisign", "-S", "-l", "-s", "mini.key", "-m", "message", "-x", "plain.minisig")
    run("signify-openbsd", "-G", "-n", "-p", "sig.pub", "-s", "sig.sec")
    run("signify-openbsd", "-S", "-s", "sig.sec", "-m", "message", "-x", "message.sig")
    run("signify-openbsd", "-S", "-e", "-s", "sig.sec", "-m", "message", "-x", "embedded.sig")
    return place


def pin(file: Path) -> tuple[str, ...]:
    return read_key_material(file.read_bytes()).pins


@pytest.mark.parametrize("name", ["hashed.minisig", "plain.minisig"])
def test_minisign_s_signatures_hold_for_bytes_and_file(folder: Path, name: str) -> None:
    signature, pinned = (folder / name).read_bytes(), pin(folder / "mini.pub")
    assert verify_minisign(MESSAGE, signature, pinned).valid
    assert verify_minisign(folder / "message", signature, pinned).valid
    assert verify_minisign(MESSAGE + b"x", signature, pinned).reason == "bad-signature"
    assert verify_minisign(MESSAGE, signature, pin(folder / "sig.pub")).reason == "unknown-key"


def test_signify_s_signatures_hold_detached_and_embedded(folder: Path) -> None:
    pinned = pin(folder / "sig.pub")
    detached, embedded = (folder / "message.sig").read_bytes(), (folder / "embedded.sig").read_bytes()
    assert verify_signify(detached, pinned, folder / "message").valid
    assert verify_signify(embedded, pinned).payload == MESSAGE
    assert verify_signify(embedded + b"x", pinned).reason == "bad-signature"
    assert verify_signify(detached, pin(folder / "mini.pub"), MESSAGE).reason == "unknown-key"
