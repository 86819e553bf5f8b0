"""Check a file: any file on disk held against a digest, without a library."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isomanager.catalogue.checksums import DIGEST_LENGTHS
from isomanager.errors import UsageError
from isomanager.model import ALGORITHMS
from isomanager.transfer.digesting import digests_of
from isomanager.transfer.progress import Progress, silent

_PIECE = 4 << 20


def check_file(
    file: Path, expected: str, algorithm: str, *, quick: bool = False, progress: Progress = silent
) -> dict[str, Any]:
    """A file's digest, and whether it is the expected one: path, size, algorithm, digest, expected, valid, result.

    `quick` reads nothing and asks only whether the file has bytes at all; it never claims that a digest agrees. `expected` may be
    in any case. UsageError for an algorithm or a digest that is none, and for a file that cannot be read.
    """
    name = _known_algorithm(algorithm)
    wanted = _digest_of_kind(expected, name)
    try:
        size = file.stat().st_size
        found = "" if quick or not size else digests_of(_pieces(file, size, progress), [name])[name]
    except OSError as wrong:
        raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
    valid = size > 0 and (quick or not wanted or found == wanted)
    return {
        "path": str(file),
        "size": size,
        "algorithm": name,
        "digest": found,
        "expected": wanted,
        "valid": valid,
        "result": _result(size, found, wanted, quick),
    }


def _known_algorithm(text: str) -> str:
    name = text.lower().replace("-", "")
    if name not in ALGORITHMS:
        raise UsageError(f"'{text}' is no digest algorithm here.", hint=f"There are {', '.join(ALGORITHMS)}.")
    return name


def _digest_of_kind(expected: str, algorithm: str) -> str:
    """The digest in lower case. Its length must be the algorithm's: another kind of digest is no sign of a damaged file."""
    wanted = expected.strip().lower()
    length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
    if wanted and (len(wanted) != length or not set(wanted) <= set("0123456789abcdef")):
        meant = DIGEST_LENGTHS.get(len(wanted))
        raise UsageError(
            f"'{expected}' is no {algorithm} digest: that has {length} hexadecimal digits.",
            hint=f"It could be {meant}: name it with --algorithm {meant}." if meant else "",
        )
    return wanted


def _result(size: int, found: str, wanted: str, quick: bool) -> str:
    if not size:
        return "empty"
    if quick:
        return "there; its bytes were not read"
    if not wanted:
        return "read"
    return "as expected" if found == wanted else f"wrong: {wanted} was expected"


def _pieces(file: Path, size: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            done += len(piece)
            progress(done, size)
            yield piece
