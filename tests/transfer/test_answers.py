"""The head of an answer is read strictly: what contradicts itself says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomanager.transfer.answers import ContentRange, content_range, looks_like_html, whole_size


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("bytes 0-9/10", ContentRange(0, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("bytes 5-9/9", None),
        ("bytes 9-5/10", None),
        ("bytes */10", None),
        ("items 0-9/10", None),
        ("bytes 0-9", None),
        ("bytes ²-9/10", None),
        (f"bytes 0-9/{'9' * 5000}", None),
        ("", None),
    ],
)
def test_a_range_that_contradicts_itself_says_nothing(text: str, read: ContentRange | None) -> None:
    assert content_range(text) == read


@given(st.text(max_size=30))
def test_whatever_stands_there_is_read_or_left(text: str) -> None:
    assert content_range(text) is None or text.strip().startswith("bytes")


@pytest.mark.parametrize(
    ("status", "headers", "size"),
    [
        (200, {"content-length": "10"}, 10),
        (200, {"content-length": "10, 10"}, None),
        (200, {"content-length": "-1"}, None),
        (200, {}, None),
        (206, {"content-length": "5", "content-range": "bytes 5-9/10"}, 10),
        (206, {"content-length": "5"}, None),
        (416, {"content-length": "5"}, None),
    ],
)
def test_the_size_of_the_whole_is_told_by_whole_and_part(
    status: int, headers: dict[str, str], size: int | None
) -> None:
    assert whole_size(status, headers) == size


@pytest.mark.parametrize("beginning", [b"", b"\0" * 512, b"\x33\xed\x90", b"ER\x08\x00", b"BZh9", b"<img"])
def test_an_image_is_not_taken_for_a_web_page(beginning: bytes) -> None:
    assert not looks_like_html(beginning)
