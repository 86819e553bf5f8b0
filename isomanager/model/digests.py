"""Digests and their algorithms."""

from __future__ import annotations

ALGORITHMS = ("sha512", "blake2b", "sha384", "sha256", "sha224", "sha1", "md5")
"""Digest algorithms, strongest first, under hashlib's names."""

WEAK_ALGORITHMS = frozenset({"sha1", "md5"})
"""Never raise assurance above `mirror`."""

Digests = dict[str, str]
"""Lower-case hexadecimal digests by algorithm."""


def strongest(digests: Digests) -> str | None:
    """The strongest algorithm among `digests`, or None when there is none."""
    return next((algorithm for algorithm in ALGORITHMS if algorithm in digests), None)
