"""The headers of real images, on small real ISO files that carry them: at least 995 of 1,000 must be right.

They stand outside the project, in the folder that ISOMANAGER_ISODATA names (`.ci/run` sets it where they are at hand).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.labels import is_right
from isomanager.catalogue.loader import load_catalogue
from isomanager.media.guesses import Identification
from isomanager.media.identification import identify
from isomanager.media.rules import RuleBook
from media.discs import HEADER_OFFSETS, disc, metadata_of, with_header

FOLDER = os.environ.get("ISOMANAGER_ISODATA", "")


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
    wrong = [f"{header['os']}: {header['filename']} -> {found.product} {found.version}" for header, found in answers if not is_right(header["os"], found.product, found.version)]  # fmt: skip
    assert len(answers) > 1900
    assert 1 - len(wrong) / len(answers) >= enough, "\n".join(wrong)
    guessed = [header["filename"] for header, found in answers if header["os"] == "unknown" and found.product]
    assert guessed == []
