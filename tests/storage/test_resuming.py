"""What is remembered of unfinished files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.storage.contract import Validators
from isomanager.storage.resuming import PartialNote, may_continue

TEXTS = st.text(max_size=20)
VALIDATORS = st.builds(
    Validators,
    etag=TEXTS,
    last_modified=TEXTS,
    size=st.none() | st.integers(0),
    digests=st.lists(st.tuples(st.sampled_from(["sha256", "md5"]), TEXTS), max_size=2).map(tuple),
)


@settings(deadline=None)  # the machine may be busy
@given(
    st.builds(PartialNote, TEXTS, st.none() | st.integers(0), VALIDATORS, front=st.integers(0), placed=TEXTS),
)
def test_a_note_comes_back_as_it_was(note: PartialNote) -> None:
    assert PartialNote.from_bytes(note.as_bytes()) == note


@settings(deadline=None)  # the machine may be busy
@given(
    st.binary(max_size=40)
    | st.sampled_from([b"{}", b"[]", b"null", b'{"validators": {}}', b'{"validators": 1}', b"1e999"])
)
def test_anything_else_is_no_note(data: bytes) -> None:
    with pytest.raises(ValueError):
        PartialNote.from_bytes(data)


@settings(deadline=None)  # the machine may be busy
@given(VALIDATORS, VALIDATORS)
def test_nothing_that_differs_is_ever_continued(kept: Validators, wanted: Validators) -> None:
    if kept.etag and wanted.etag and kept.etag != wanted.etag:
        assert not may_continue(kept, wanted)
    if kept.size is not None and wanted.size is not None and kept.size != wanted.size:
        assert not may_continue(kept, wanted)


def test_a_weak_etag_proves_nothing_and_can_still_differ() -> None:
    weak, size = Validators(etag='W/"1"'), Validators(etag='W/"1"', size=5)
    assert not may_continue(weak, weak)
    assert may_continue(size, size)
    assert not may_continue(size, Validators(etag='W/"2"', size=5))
