"""The checksum documents and APIs that vendors publish, as text. All are pure: published releases in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from isomanager.sample.releases import Published


def gnu(published: Iterable[Published], *, binary: bool = False) -> bytes:
    """`hash  name` as sha256sum prints it, or `hash *name` as it does with `--binary`."""
    mark = "*" if binary else " "
    return _lines(f"{one.sha256} {mark}{one.release.name}" for one in published)


def bsd(published: Iterable[Published]) -> bytes:
    """`SHA256 (name) = hash`, as sha256 prints it on the BSDs."""
    return _lines(f"SHA256 ({one.release.name}) = {one.sha256}" for one in published)


def bsd_with_sizes(published: Iterable[Published]) -> bytes:
    """`# name: N bytes` above each BSD line, as Fedora, AlmaLinux and Rocky write them."""
    return _lines(
        f"# {one.release.name}: {one.size} bytes\nSHA256 ({one.release.name}) = {one.sha256}" for one in published
    )


def bare(one: Published) -> bytes:
    """Nothing but the digest."""
    return f"{one.sha256}\n".encode()


def releases_json(published: Iterable[Published], base_url: str) -> bytes:
    """A flat list in the manner of Fedora's releases.json: every value is a string, sizes too."""
    return json.dumps([_entry(one, base_url) for one in published], indent=1).encode() + b"\n"


def _entry(one: Published, base_url: str) -> dict[str, Any]:
    return {
        "version": one.release.version,
        "arch": one.release.architecture,
        "link": f"{base_url}/{one.release.path}",
        "variant": one.release.flavor,
        "subvariant": one.release.flavor,
        "sha256": one.sha256,
        "size": str(one.size),
    }


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
