"""gpgv as a second engine for old packet forms, judged by its status lines alone.

gpgv exits 0 for signatures by revoked keys and over SHA-1, so its exit code decides nothing. The lines are those of GnuPG's
doc/DETAILS: `GOODSIG`, `EXPKEYSIG`, `REVKEYSIG`, `EXPSIG`, `BADSIG`, `ERRSIG`, `KEYEXPIRED`, `VALIDSIG`, `PLAINTEXT`.
It runs in an empty home of its own with one keyring that holds the pinned certificates, never the user's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

WEAK_HASH_NUMBERS = frozenset({1, 2, 3})
"""MD5, SHA-1 and RIPEMD-160 in the OpenPGP registry of hash algorithms."""

_VERDICTS = frozenset({"GOODSIG", "EXPKEYSIG", "REVKEYSIG", "EXPSIG", "BADSIG", "ERRSIG"})
_BASE_SECONDS = 60
_SLOWEST_BYTES_A_SECOND = 10 << 20


@dataclass(frozen=True)
class GpgvSignature:
    """What gpgv says of one signature. Fingerprints are empty unless it printed VALIDSIG."""

    verdict: str
    subkey: str = ""
    primary: str = ""
    signed_at: datetime | None = None
    hash_number: int = 0
    key_expired_at: datetime | None = None


@dataclass(frozen=True)
class GpgvReport:
    """What gpgv says of a document: its signatures, and for a clearsigned one the text they cover."""

    signatures: tuple[GpgvSignature, ...]
    payload: bytes | None = None


def gpgv_program() -> str | None:
    """The gpgv on PATH, or None: it is optional."""
    return shutil.which("gpgv")


def parse_status(status: str) -> tuple[tuple[GpgvSignature, ...], int]:
    """The signatures in gpgv's status lines, and how many texts it gave out. Text that is not a status line is passed over."""
    groups: list[list[list[str]]] = []
    texts = 0
    for line in status.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "[GNUPG:]":
            continue
        if words[1] == "PLAINTEXT":
            texts += 1
        elif words[1] == "NEWSIG":
            groups.append([])
        elif groups:
            groups[-1].append(words[1:])
    return tuple(_signature(group) for group in groups), texts


def _signature(lines: list[list[str]]) -> GpgvSignature:
    # two verdicts for one signature would be a contradiction: it counts as none
    verdicts = [words[0] for words in lines if words[0] in _VERDICTS]
    verdict = verdicts[0] if len(verdicts) == 1 else ""
    expired = next((words[1] for words in lines if words[0] == "KEYEXPIRED" and len(words) > 1), "")
    valid = next((words for words in lines if words[0] == "VALIDSIG" and len(words) >= 11), None)
    if valid is None:
        return GpgvSignature(verdict, key_expired_at=_moment(expired))
    return GpgvSignature(
        verdict,
        subkey=valid[1].upper(),
        primary=valid[10].upper(),
        signed_at=_moment(valid[3]),
        hash_number=int(valid[8]) if valid[8].isdigit() else 0,
        key_expired_at=_moment(expired),
    )


def _moment(text: str) -> datetime | None:
    """Seconds since 1970, or ISO 8601 basic form, which gpgv may also print."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def run_gpgv(
    program: str, certificates: Sequence[bytes], data: bytes | Path, signature: bytes | None = None
) -> GpgvReport:
    """Have gpgv check `data` (a clearsigned text, or what `signature` covers) against binary `certificates`."""
    with tempfile.TemporaryDirectory(prefix="isomanager-gpgv-") as folder:
        home = Path(folder)
        (home / "pinned.gpg").write_bytes(b"".join(certificates))
        signed = data if isinstance(data, Path) else _written(home / "data", data)
        command = [program, "--homedir", folder, "--keyring", str(home / "pinned.gpg"), "--status-fd", "1"]
        if signature is None:
            command += ["--output", str(home / "payload"), str(signed)]
        else:
            command += [str(_written(home / "signature", signature)), str(signed.resolve())]
        status = _status_lines(command, signed.stat().st_size)
        signatures, texts = parse_status(status)
        payload = home / "payload"
        return GpgvReport(signatures, payload.read_bytes() if texts == 1 and payload.is_file() else None)


def _status_lines(command: list[str], size: int) -> str:
    limit = _BASE_SECONDS + size / _SLOWEST_BYTES_A_SECOND
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, check=False, env=environment)
    except subprocess.TimeoutExpired:
        # a check that does not end has proved nothing: no status lines, no signatures
        return ""
    return done.stdout.decode("utf-8", "replace")


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
