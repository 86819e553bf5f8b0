"""What guards a resume: a strong ETag, or a date beside a size; anything that differs forbids it."""

from __future__ import annotations

from isomanager.storage.contract import PartialRef, Validators
from isomanager.transfer.resuming import resume_headers, same_file, validators_of

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
ETAG = '"a-strong-tag"'


def partial(front: int = 5, **validators: object) -> PartialRef:
    return PartialRef("a-copy", "image.iso", None, Validators(**validators), front)  # type: ignore[arg-type]


def test_a_strong_tag_is_asked_for_before_a_date() -> None:
    assert resume_headers(partial(etag=ETAG, last_modified=DATE, size=9)) == {"Range": "bytes=5-", "If-Range": ETAG}


def test_a_date_guards_only_beside_a_size() -> None:
    assert resume_headers(partial(last_modified=DATE, size=9)) == {"Range": "bytes=5-", "If-Range": DATE}
    assert resume_headers(partial(last_modified=DATE)) == {}


def test_two_answers_speak_of_one_file_only_if_a_strong_validator_agrees_and_none_differs() -> None:
    both = Validators(ETAG, DATE, 9)
    assert same_file(both, both)
    assert same_file(both, Validators(ETAG))
    assert same_file(both, Validators("", DATE, 9))
    assert not same_file(both, Validators("", DATE))
    assert not same_file(Validators("", DATE), Validators("", DATE))
    assert not same_file(both, Validators("", "", 9))
    assert not same_file(both, Validators(ETAG, DATE, 8))
    assert not same_file(Validators(f"W/{ETAG}"), Validators(f"W/{ETAG}"))
    assert not same_file(Validators(), Validators())


def test_what_is_expected_belongs_to_the_validators() -> None:
    told = validators_of({"etag": ETAG}, 9, {"sha256": "b", "md5": "a"})
    assert told == Validators(ETAG, "", 9, (("md5", "a"), ("sha256", "b")))
