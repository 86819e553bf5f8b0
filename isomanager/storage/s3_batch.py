"""Objects that fit into one request each, put into a bucket together: folders are listed once, and the answer says enough."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from isomanager.errors import IsoManagerError
from isomanager.storage.paths import is_internal, safe_path
from isomanager.storage.s3_bucket import S3Bucket, sha256_of
from isomanager.storage.s3_errors import PRECONDITION, code_of, s3_errors
from isomanager.storage.spelling import Remembered, spellings, taken

WRITTEN_AS = "isomanager-sha256"
"""The metadata entry with the SHA-256 in base64 of the bytes as they were hashed here, to hold the server's own against."""


class S3Batch:
    """One call of `put_all`. Names are taken by conditional requests; only another spelling is looked for before."""

    def __init__(self, bucket: S3Bucket, names: Remembered, at_once: int) -> None:
        self._bucket, self._names, self._at_once = bucket, names, at_once
        self._looking = threading.Lock()

    def put(self, files: Mapping[str, bytes]) -> dict[str, IsoManagerError]:
        """Put each object; what failed and why, by path."""
        failed: dict[str, IsoManagerError] = {}

        def put_one(path: str) -> None:
            try:
                with s3_errors(f"Writing '{path}'"):
                    self._put(safe_path(path), files[path])
            except IsoManagerError as wrong:
                failed[path] = wrong

        with ThreadPoolExecutor(max(1, min(self._at_once, len(files))), thread_name_prefix="small-objects") as pool:
            for _ in pool.map(put_one, files):
                pass
        return failed

    def _put(self, path: str, data: bytes) -> None:
        self._refuse_other_spelling(path)
        try:
            self._bucket.put(path, data, IfNoneMatch="*", Metadata={WRITTEN_AS: sha256_of(data)})
        except OSError as error:
            if code_of(error) not in PRECONDITION:
                raise
            if self._bucket.get(path, 0, len(data) + 1) != data:
                raise taken(path, path) from error

    def _refuse_other_spelling(self, path: str) -> None:
        if not is_internal(path):
            with self._looking:
                holder = next((one for one in spellings(self._names.like, path) if one != path), None)
            if holder is not None:
                raise taken(path, holder)
