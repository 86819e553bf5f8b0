"""The recorded headers as those of other releases: every version in them is exchanged for another one of the same shape.

So a rule that knew a single release, rather than how the vendor names its media, would be found out. The headers stand outside the
project, in the folder that ISOMANAGER_ISODATA names.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.labels import is_right
from isomanager.catalogue.loader import load_catalogue
from isomanager.media.guesses import Said
from isomanager.media.identification import identify
from isomanager.media.rules import RuleBook
from media.discs import HEADER_OFFSETS

FOLDER = os.environ.get("ISOMANAGER_ISODATA", "")
FAMILIES = (
    "fedora|silverblue|rhel|centos-stream|almalinux|rocky|ol|opensuse|alpinelinux|freebsd|mageia|ucs|alt|eos|circle|eurolinux|"
    "trisquel|dragonflybsd|elementary"
)
"""Those whose labels and names spell the version in one way, with points, dashes or underscores between its parts."""


def in_other_releases(header: dict[str, Any]) -> tuple[str, dict[str, str]] | None:
    """The label, and what name and identifiers say, of a release with other numbers; None for a label without a number."""
    found = re.fullmatch(rf"({FAMILIES})(\d+(?:\.\d+)*)", header["os"])
    if found is None:
        return None
    old = found[2].split(".")
    chance = random.Random(header["filename"])
    new = [str(int(old[0]) + chance.randint(1, 3)), *(str(int(part) + chance.randint(0, 2)) for part in old[1:])]

    def moved(text: str) -> str:
        for between in (".", "-", "_", "-U"):
            text = re.sub(rf"(?<![\d.]){re.escape(between.join(old))}(?!\d)", between.join(new), text)
        return text

    texts = {field: moved(header[f"{field}_id"]).rstrip() for field in HEADER_OFFSETS}
    texts["volume"] = texts["volume"][:32].rstrip()
    name = moved(header["filename"].rsplit("/", 1)[-1])
    unchanged = texts["volume"] == header["volume_id"].rstrip() or name == header["filename"]
    return None if unchanged else (found[1] + ".".join(new), texts | {"name": name})


def answers() -> Iterator[tuple[bool, str]]:
    """Whether each is understood, and what it was."""
    rules = RuleBook(load_catalogue())
    for line in (Path(FOLDER) / "dev.jsonl").read_text().splitlines():
        moved = in_other_releases(json.loads(line))
        if moved is not None:
            label, texts = moved
            found = identify(Said(texts.pop("name"), texts), rules)
            yield is_right(label, found.product, found.version), f"{label}: {texts['volume']} -> {found}"


@pytest.mark.skipif(not FOLDER, reason="the real headers are not at hand; ISOMANAGER_ISODATA names their folder")
def test_no_rule_knows_a_single_release() -> None:
    told = list(answers())
    wrong = [text for right, text in told if not right]
    assert len(told) > 700
    assert len(wrong) / len(told) < 0.01, "\n".join(wrong)
