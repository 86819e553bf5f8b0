"""Product files that lead the catalogue to a running sample upstream: its address and the fingerprint of its throw-away key."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from isomanager.sample.placement import place


def product_files(base_url: str, fingerprint: str) -> dict[str, str]:
    """The text of every sample product file by file name, in the catalogue's TOML form."""
    templates = (files("isomanager.sample") / "templates").iterdir()
    return {
        template.name: template.read_text(encoding="utf-8").replace("@BASE@", base_url).replace("@KEY@", fingerprint)
        for template in sorted(templates, key=lambda one: one.name)
        if template.name.endswith(".toml")
    }


def write_products(folder: Path, base_url: str, fingerprint: str) -> tuple[Path, ...]:
    """Write them into `folder`, which is a catalogue folder of the user's from then on. Gives the files."""
    written = []
    for name, text in product_files(base_url, fingerprint).items():
        place(folder / name, text.encode())
        written.append(folder / name)
    return tuple(written)
