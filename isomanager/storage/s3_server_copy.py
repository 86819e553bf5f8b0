"""Parts of an upload that the server copies from an object it has, each proved by what was read of it here.

The bytes are read and hashed as always; what is saved is sending them. A copy is bound to the etag of the object that is read,
and a part counts only if the server's digest of it is that of the bytes that passed here: its SHA-256 where the server tells one,
else the part's etag, which is its MD5 (not where the server encrypts with keys of its own). Otherwise the part is sent.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from isomanager.storage.contract import Readable
from isomanager.storage.s3_bucket import S3Bucket, tag
from isomanager.storage.s3_errors import code_of


@runtime_checkable
class InBucket(Protocol):
    """A store whose files are objects."""

    @property
    def bucket(self) -> S3Bucket:
        """Where they are."""
        ...


@dataclass(frozen=True)
class Decision:
    """Whether the server may be asked to copy, and why."""

    asks: bool
    reason: str


def decide_copying(source: str | None, destination: str, etag: str) -> Decision:
    """Pure. `source` and `destination` are the addresses of the services, `source` None for what is in no bucket; `etag` is that of
    the object, without which nothing would bind the copy to the bytes that are read."""
    if source is None:
        return Decision(False, "the source is in no bucket")
    if not etag.strip('"'):
        return Decision(False, "the source's server tells no etag")
    if _service(source) != _service(destination):
        return Decision(False, f"the buckets are on two services, {source} and {destination}")
    return Decision(True, f"both buckets are on {destination}")


def _service(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def judge_copied(answer: dict[str, Any], data: bytes | memoryview, sha256: str) -> str:
    """Pure. Why what the server says of a part that it copied does not prove it to be `data`, whose SHA-256 in base64 is given; ""
    where it does."""
    told = str(answer.get("ChecksumSHA256") or "")
    if told:
        return "" if told == sha256 else "its SHA-256 of the copy is another one"
    digest = str(answer.get("ETag", "")).strip('"')
    if digest == hashlib.md5(data, usedforsecurity=False).hexdigest():
        return ""
    return "what it tells of the copy is not the digest of what was read"


class ServerCopy:
    """Copies parts of one object, as long as the server does so; `told` says how far that went. For several threads."""

    def __init__(self, source: Readable, path: str, etag: str, destination: S3Bucket) -> None:
        self._source = source.bucket if isinstance(source, InBucket) else None
        self._path, self._etag, self._destination = path, etag, destination
        self._lock = threading.Lock()
        self._copied = self._sent = 0
        self._refused = ""
        service = self._source.service if self._source is not None else None
        self._decision = decide_copying(service, destination.service, etag)
        self._asks = self._decision.asks

    @property
    def told(self) -> str:
        """How the bytes came from one bucket to another; "" for what was in none."""
        if self._source is None or not self._decision.asks:
            return f"sent: {self._decision.reason}" if self._source is not None else ""
        with self._lock:
            if self._copied:
                which = f"{self._copied} of {self._copied + self._sent} parts" if self._sent else "its parts"
                return f"{which} copied by the server, each proved by its digest of what was read"
            return f"sent: the server does not copy it, {self._refused}" if self._refused else ""

    def part(
        self, final: str, upload: str, number: int, start: int, data: bytes | memoryview, sha256: str
    ) -> tuple[str, bool] | None:
        """The etag of part `number` of `upload`, and whether the server keeps its SHA-256; None when it must be sent: the server
        did not copy it, or does not prove what it copied. Raises what is no answer of a server."""
        answer = self._asked(final, upload, number, start, len(data)) if self._asks else None
        wrong = judge_copied(answer, data, sha256) if answer is not None else ""
        with self._lock:
            if answer is None or wrong:
                self._sent += 1
                self._asks, self._refused = False, self._refused or wrong
                return None
            self._copied += 1
        return tag(str(answer["ETag"])), bool(answer.get("ChecksumSHA256"))

    def _asked(self, final: str, upload: str, number: int, start: int, length: int) -> dict[str, Any] | None:
        assert self._source is not None  # noqa: S101 - decided before
        try:
            answer = self._destination.call(
                "upload_part_copy",
                final,
                UploadId=upload,
                PartNumber=number,
                CopySource={"Bucket": self._source.name, "Key": self._source.prefix + self._path},
                CopySourceRange=f"bytes={start}-{start + length - 1}",
                CopySourceIfMatch=self._etag,
            )
        except OSError as error:
            code = code_of(error)
            if not code:
                raise
            with self._lock:
                self._refused = self._refused or f"it answers {code}"
            return None
        copied: dict[str, Any] = answer.get("CopyPartResult") or {}
        return copied
