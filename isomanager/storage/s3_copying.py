"""Copies inside a bucket, made by the server: in parts, so that an object of any size gets its name in one create-only step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from isomanager.storage.s3_bucket import Headers, S3Bucket, tag

PART = 512 << 20
"""Bytes of a copied part: 5 GiB is the most there may be."""
_PARTS_AT_ONCE = 8
_LARGE = 64 << 20
"""Bytes from which on a server may take a while to copy an object."""
COPIED_FROM = "isomanager-copied-from"
"""The metadata entry that tells which object a copy was made from: its etag, so that a repeat knows its own copy."""


class Copier:
    """Copies objects of one bucket. Errors are the bucket's."""

    def __init__(self, bucket: S3Bucket) -> None:
        self._bucket = bucket

    def is_copied(self, source: str, head: Headers, destination: str) -> bool:
        """Whether `destination` is a copy of `source` already, made by a process that died before it removed the source."""
        there = self._bucket.head(destination)
        return there is not None and _origin(there) == _named(source, head) and _size(there) == _size(head)

    @staticmethod
    def takes_long(head: Headers) -> bool:
        """Whether copying the object takes longer than asking for what is there already."""
        return _size(head) > _LARGE

    @staticmethod
    def is_copy(head: Headers) -> bool:
        """Whether the object was copied from another one."""
        return bool(_origin(head))

    def copy(self, source: str, head: Headers, destination: str) -> None:
        """Copy the object that `head` describes; the condition fails when the destination is there."""
        metadata = {**head.get("Metadata", {}), COPIED_FROM: _named(source, head)}
        if not _size(head):
            self._bucket.put(destination, b"", IfNoneMatch="*", Metadata=metadata)
            return
        begun = self._bucket.call("create_multipart_upload", destination, ChecksumAlgorithm="SHA256", Metadata=metadata)
        upload = str(begun["UploadId"])
        try:
            parts = self._copied_parts(source, head, destination, upload)
            self._bucket.call(
                "complete_multipart_upload",
                destination,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except BaseException:
            self._bucket.abort(destination, upload)
            raise

    def _copied_parts(self, source: str, head: Headers, destination: str, upload: str) -> list[dict[str, Any]]:
        size = _size(head)
        starts = range(0, size, PART)

        def copy_part(start: int) -> dict[str, Any]:
            number = start // PART + 1
            answer = self._bucket.call(
                "upload_part_copy",
                destination,
                UploadId=upload,
                PartNumber=number,
                CopySource={"Bucket": self._bucket.name, "Key": self._bucket.prefix + source},
                CopySourceRange=f"bytes={start}-{min(start + PART, size) - 1}",
                CopySourceIfMatch=head["ETag"],
            )
            copied = answer["CopyPartResult"]
            checksum = {"ChecksumSHA256": copied["ChecksumSHA256"]} if copied.get("ChecksumSHA256") else {}
            return {"PartNumber": number, "ETag": tag(copied["ETag"]), **checksum}

        with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
            return list(pool.map(copy_part, starts))


def _size(head: Headers) -> int:
    return int(head["ContentLength"])


def _named(source: str, head: Headers) -> str:
    # metadata is sent as ASCII; the etag alone would call any equal object a copy of this one
    return f"{head['ETag'].strip(chr(34))} {source.encode().hex()[-200:]}"


def _origin(head: Headers) -> str:
    return next((str(value) for name, value in head.get("Metadata", {}).items() if name.lower() == COPIED_FROM), "")
