"""Objects that fit into one request each, put into a bucket together: folders are listed once, and the answer says enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from isomanager.errors import IsoManagerError
from isomanager.storage.paths import is_internal, safe_path
from isomanager.storage.s3_bucket import NewObject, S3Bucket, sha256_of
from isomanager.storage.s3_errors import PRECONDITION, code_of, s3_errors
from isomanager.storage.spelling import Remembered, spellings, taken

WRITTEN_AS = "isomanager-sha256"
"""The metadata entry with the SHA-256 in base64 of the bytes as they were hashed here, to hold the server's own against."""


class S3Batch:
    """One call of `put_all`. Names are taken by conditional requests; only another spelling is looked for before."""

    def __init__(self, bucket: S3Bucket, names: Remembered, at_once: int) -> None:
        self._bucket, self._names, self._at_once = bucket, names, at_once

    def put(self, files: Mapping[str, bytes]) -> dict[str, IsoManagerError]:
        """Put each object; what failed and why, by path."""
        failed = _failures(map, self._refuse_other_spelling, files)
        going = [_new(path, data) for path, data in files.items() if path not in failed]
        outcomes = zip(going, self._bucket.put_each(going, self._at_once), strict=True)
        wrong = {one.path: outcome for one, outcome in outcomes if outcome is not None}

        def judge(path: str) -> None:
            self._judge(path, files[path], wrong[path])

        with ThreadPoolExecutor(max(1, min(self._at_once, len(wrong))), thread_name_prefix="small-objects") as pool:
            return failed | _failures(pool.map, judge, wrong)

    def _judge(self, path: str, data: bytes, error: Exception) -> None:
        """A name that is taken is no failure where it has the same bytes."""
        if code_of(error) not in PRECONDITION:
            raise error
        if self._bucket.get(path, 0, len(data) + 1) != data:
            raise taken(path, path) from error

    def _refuse_other_spelling(self, path: str) -> None:
        if not is_internal(safe_path(path)):
            holder = next((one for one in spellings(self._names.like, path) if one != path), None)
            if holder is not None:
                raise taken(path, holder)


_Each = Callable[[Callable[[str], IsoManagerError | None], Iterable[str]], Iterable[IsoManagerError | None]]


def _failures(each: _Each, act: Callable[[str], None], paths: Iterable[str]) -> dict[str, IsoManagerError]:
    def told(path: str) -> IsoManagerError | None:
        try:
            with s3_errors(f"Writing '{path}'"):
                act(path)
        except IsoManagerError as wrong:
            return wrong
        return None

    return {path: wrong for path, wrong in zip(paths, each(told, paths), strict=True) if wrong is not None}


def _new(path: str, data: bytes) -> NewObject:
    digest = sha256_of(data)
    return NewObject(path, data, digest, {WRITTEN_AS: digest})
