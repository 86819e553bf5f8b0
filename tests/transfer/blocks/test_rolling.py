"""Rolling sums at many places at once are those of one place after the other."""

from __future__ import annotations

import random

import pytest

from isomanager.transfer.blocks.rolling import rolling_sums


def told(text: bytes, block: int, stride: int) -> list[int]:
    """By the definition."""
    found = []
    for start in range(0, len(text) - block + 1, stride):
        window = text[start : start + block]
        high = sum((block - place) * byte for place, byte in enumerate(window))
        found.append((sum(window) & 0xFFFF) << 16 | high & 0xFFFF)
    return found


@pytest.mark.parametrize(
    ("length", "block", "stride"),
    [
        (3000, 512, 1),
        (3000, 512, 512),
        (9000, 1024, 1024),
        (20_000, 4096, 2048),
        (5000, 2048, 64),
        (2048, 2048, 1),
        (131_072, 65_536, 2048),
        (200, 512, 1),
        (200, 512, 512),
    ],
)
@pytest.mark.parametrize("kind", ["random", "largest"])
def test_every_sum_is_as_the_definition_says(length: int, block: int, stride: int, kind: str) -> None:
    text = b"\xff" * length if kind == "largest" else random.Random(5).randbytes(length)
    assert rolling_sums(text, block, stride).tolist() == told(text, block, stride)
