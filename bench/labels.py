"""What the labels of recorded headers mean (fedora31, win2k12r2, opensuse15.5): an OS name with its version."""

from __future__ import annotations

import re

LABELS = (
    (r"unknown()", None),
    (r"win2k()", ("windows", "windows-server")),
    (r"win2k(\d+(?:r2)?)", ("windows-server",)),
    (r"win(.+)", ("windows",)),
    (r"(?:altlinux|alt)[.]?(.+)", ("altlinux",)),
    (r"alpinelinux(.+)", ("alpine",)),
    (r"almalinux-kitten(\d+)", ("almalinux-kitten",)),
    (r"eos(.+)", ("endless",)),
    (r"silverblue(.+)", ("fedora",)),
    (r"slem(.*)", ("sle-micro",)),
    (r"sl(?:e|es|ed)(\d.*)", ("sles", "sled")),
    (r"ol(\d.*)", ("oraclelinux",)),
    (r"rhel-atomic-(.+)", ("rhel",)),
    (r"guix-system-(.+)", ("guix",)),
    (r"opensuse(?:microos|tumbleweed)()", ("opensuse",)),
    (r"voidlinux()", ("void",)),
    (r"gnome(.+)", ("gnome-os",)),
    (r"(debian|fedora|nixos|haiku)-?(testing|rawhide|eln|unstable|nightly|r\d.*)", ()),
    (r"([a-z]+(?:-x86|-stream)?)-?(.*)", ()),
)
"""Products by the form of the label; those without any are the ones whose label begins with the product's own id."""
MOVING = {"testing", "rawhide", "eln", "unstable", "sisyphus", "nightly"}


def truth(label: str) -> tuple[tuple[str, ...] | None, list[str]]:
    """The products that would be right, and the beginning of the version; None where there is no right product."""
    for pattern, products in LABELS:
        if found := re.fullmatch(pattern, label):
            name, version = (found[1], found[2]) if products == () else ("", found[1])
            if label.startswith("win2k") and version:
                year, _, second = version.partition("r")
                version = {"3": "2003", "8": "2008"}.get(year, f"20{year}") + (" r2" if second else "")
            return (name,) if products == () else products, parts("" if version in MOVING else version)
    raise AssertionError(label)


def parts(text: str) -> list[str]:
    """Numbers and words of a version, so that 15sp4, 15-SP4 and 15 SP4 are one."""
    return [piece.lstrip("0") or "0" for piece in re.findall(r"\d+|[a-z]+", text.lower().replace("sp", ".sp."))]


def is_right(label: str, product: str | None, version: str | None) -> bool:
    """Whether product and version are those of the label; for `unknown`, whether there is no product."""
    products, beginning = truth(label)
    if products is None:
        return product is None
    return product in products and parts(version or "")[: len(beginning)] == beginning
