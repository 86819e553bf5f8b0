"""The headers of real images, on small real ISO files that carry them: at least 995 of 1,000 must be right.

They stand outside the project, in the folder that ISOMANAGER_ISODATA names (`.ci/run` sets it where they are at hand).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isomanager.catalogue.loader import load_catalogue
from isomanager.media.guesses import Identification
from isomanager.media.identification import identify
from isomanager.media.rules import RuleBook
from media.discs import HEADER_OFFSETS, disc, metadata_of, with_header

FOLDER = os.environ.get("ISOMANAGER_ISODATA", "")
LABELS = (
    (r"unknown()", None),
    (r"win2k()", ("windows", "windows-server")),
    (r"win2k(\d+(?:r2)?)", ("windows-server",)),
    (r"win(.+)", ("windows",)),
    (r"(?:altlinux|alt)[.]?(.+)", ("altlinux",)),
    (r"alpinelinux(.+)", ("alpine",)),
    (r"almalinux-kitten(\d+)", ("almalinux",)),
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
    return [piece.lstrip("0") or "0" for piece in re.findall(r"\d+|[a-z]+", text.lower().replace("sp", ".sp."))]


def is_right(label: str, found: Identification) -> bool:
    products, version = truth(label)
    if products is None:
        return found.product is None
    return found.product in products and parts(found.version or "")[: len(version)] == version


def headers() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(FOLDER) / "dev.jsonl").read_text().splitlines()]


def identified(anonymous: bool) -> Iterator[tuple[dict[str, Any], Identification]]:
    """Every header on a real image, named as it was or by a number only, and what it is said to be."""
    rules = RuleBook(load_catalogue())
    plain = disc()
    for number, header in enumerate(headers()):
        image = with_header(plain, **{field: header[f"{field}_id"] for field in HEADER_OFFSETS})
        name = f"image-{number}.iso" if anonymous else header["filename"].rsplit("/", 1)[-1]
        yield header, identify(metadata_of(image, name).said(name), rules)


@pytest.mark.skipif(not FOLDER, reason="the real headers are not at hand; ISOMANAGER_ISODATA names their folder")
@pytest.mark.parametrize(("anonymous", "enough"), [(False, 0.995), (True, 0.97)], ids=["with names", "anonymous"])
def test_real_headers_are_understood(anonymous: bool, enough: float) -> None:
    answers = list(identified(anonymous))
    wrong = [f"{header['os']}: {header['filename']} -> {found.product} {found.version}" for header, found in answers if not is_right(header["os"], found)]  # fmt: skip
    assert len(answers) > 1900
    assert 1 - len(wrong) / len(answers) >= enough, "\n".join(wrong)
    guessed = [header["filename"] for header, found in answers if header["os"] == "unknown" and found.product]
    assert guessed == []
