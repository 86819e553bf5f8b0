"""One prefix of one bucket, spoken to through s3fs: its session, credentials and event loop, one call a method, no caches.

s3fs keeps one instance for equal arguments and remembers listings; both are off, so that no other repository's credentials are
ever used and no listing is older than the question.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import fsspec.asyn
import s3fs
from aiobotocore.session import AioSession
from botocore.loaders import create_loader
from botocore.utils import parse_timestamp

from isomanager.storage.contract import Entry
from isomanager.storage.s3_body import Body
from isomanager.storage.s3_errors import code_of

NOTHING_THERE = {"NoSuchKey", "404"}
_UNTOLD = {"400", "403"}
"""An answer to HEAD has no room for the reason: a key that may not, or a token that has expired."""
_NO_SUCH_RANGE = {"InvalidRange", "416"}

Headers = dict[str, Any]


@dataclass(frozen=True)
class S3Access:
    """How a bucket is reached. Whatever is empty comes from the environment, ~/.aws/config and ~/.aws/credentials.

    `endpoint` is the URL of a server other than Amazon's. Times in seconds.
    """

    endpoint: str = ""
    region: str = ""
    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    profile: str = ""
    anonymous: bool = False
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retries: int = 3


@dataclass(frozen=True)
class NewObject:
    """An object to be written whole: its path, bytes, their SHA-256 in base64, and its metadata."""

    path: str
    data: bytes
    sha256: str
    metadata: dict[str, str]


def _open(access: S3Access) -> Any:
    named = {"endpoint_url": access.endpoint, "key": access.key, "secret": access.secret, "token": access.token}
    filesystem = s3fs.S3FileSystem(
        anon=access.anonymous,
        skip_instance_cache=True,
        use_listings_cache=False,
        client_kwargs={"region_name": access.region} if access.region else {},
        config_kwargs={
            "connect_timeout": access.connect_timeout,
            "read_timeout": access.read_timeout,
            "max_pool_connections": 32,
            "retries": {"max_attempts": 2, "mode": "standard"},
            # newer defaults send checksums that servers other than Amazon's refuse
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            # bytes go with their SHA-256 in a header that is signed itself: one digest less, and no less sure
            "s3": {"payload_signing_enabled": False},
            # the usual one is put together anew for each request, a fourteenth of what a small one costs
            "user_agent": f"isomanager/{version('isomanager')}",
        },
        session=_session(access.profile),
        **{name: value for name, value in named.items() if value},
    )
    filesystem.retries = access.retries
    return filesystem


@cache
def _models(folders: str | None) -> Any:
    return create_loader(folders)


def _session(profile: str) -> Any:
    """A session of its own, with credentials of its own. What it shares are the descriptions of Amazon's services, which take a
    third of a second to read."""
    session = AioSession(profile=profile or None)
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
    return session


def _time(told: Any) -> datetime:
    """A time in an answer. botocore's own way tries every form there is, which was a third of what a listing costs."""
    if isinstance(told, str) and len(told) >= len("2026-01-31T00:00:00Z") and told.endswith("Z"):
        try:
            return datetime.fromisoformat(told)
        except ValueError:
            pass
    return parse_timestamp(told)  # type: ignore[no-any-return]


class S3Bucket:
    """Calls about keys below `prefix`; names given and returned are relative to it. Errors are s3fs's and botocore's."""

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        self.name, self.prefix = bucket, f"{prefix}/" if prefix else ""
        self._files = _open(access)

    @property
    def service(self) -> str:
        """The address of the server, as its client has it from the access, the environment or the usual files."""
        return str(self._files.s3.meta.endpoint_url)

    def call(self, method: str, path: str | None = None, **arguments: Any) -> Headers:
        """One request; `path` becomes its Key."""
        answer: Headers = fsspec.asyn.sync(self._files.loop, self._asked, method, path, **arguments)
        return answer

    async def _asked(self, method: str, path: str | None = None, **arguments: Any) -> Headers:
        if path is not None:
            arguments["Key"] = self.prefix + path
        if arguments.get("Body"):
            arguments["Body"] = Body(arguments["Body"])
        answer: Headers = await self._files._call_s3(method, Bucket=self.name, **arguments)  # call_s3's own coroutine
        return answer

    def put_each(self, objects: Sequence[NewObject], at_once: int) -> list[Exception | None]:
        """Write objects whole, create-only, at most `at_once` of them at a time; what went wrong with each. A third of the
        processor's time is saved where no thread waits for each of them."""

        async def put_all() -> list[Exception | None]:
            room = asyncio.Semaphore(at_once)
            return await asyncio.gather(*(self._put_new(one, room) for one in objects))

        outcomes: list[Exception | None] = fsspec.asyn.sync(self._files.loop, put_all)
        return outcomes

    async def _put_new(self, one: NewObject, room: asyncio.Semaphore) -> Exception | None:
        asked = {"Body": one.data, "ChecksumSHA256": one.sha256, "Metadata": one.metadata, "IfNoneMatch": "*"}
        async with room:
            try:
                await self._asked("put_object", one.path, **asked)
            except Exception as wrong:  # noqa: BLE001 - raised again where the object is told of
                return wrong
        return None

    def head(self, path: str, *, checksums: bool = False) -> Headers | None:
        """What the server says of an object, None when there is none."""
        try:
            return self.call("head_object", path, **({"ChecksumMode": "ENABLED"} if checksums else {}))
        except OSError as error:
            if code_of(error) in NOTHING_THERE:
                return None
            if code_of(error) in _UNTOLD:
                self.get(path, 0, 1)  # this one says it
            raise

    def get(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Up to `length` bytes from `start`; fewer only at the end of the object."""
        asked: Headers = {"Range": f"bytes={start}-{start + length - 1}"}
        if if_match:
            asked["IfMatch"] = if_match
        try:
            return bytes(fsspec.asyn.sync(self._files.loop, self._body, path, **asked))
        except OSError as error:
            if code_of(error) in _NO_SUCH_RANGE:
                return b""
            raise

    async def _body(self, path: str, **arguments: Any) -> bytes:
        answer = await self._asked("get_object", path, **arguments)
        async with answer["Body"] as body:
            return bytes(await body.read())

    def put(self, path: str, data: bytes, **conditions: Any) -> str:
        """Write an object whole; its etag. Conditions: IfNoneMatch, IfMatch, Metadata."""
        return tag(self.call("put_object", path, Body=data, ChecksumSHA256=sha256_of(data), **conditions)["ETag"])

    def objects(self, prefix: str = "", *, start_after: str = "") -> Iterator[Headers]:
        """Every object whose name begins with `prefix`; `Key` is relative, `Name` added to what the server says."""
        for page in self.pages(prefix, start_after=start_after):
            for one in page:
                yield {**one, "Name": self.relative(one["Key"])}

    def pages(self, prefix: str = "", *, start_after: str = "", most: int = 0) -> Iterator[Sequence[Headers]]:
        """The same by answers of the server, each of `most` objects at most, as they came. Another one is asked for when it is
        wanted."""
        asked: Headers = {"Prefix": self.prefix + prefix}
        if start_after:
            asked["StartAfter"] = self.prefix + start_after
        if most:
            asked["MaxKeys"] = most
        for page in self._pages("list_objects_v2", "ContinuationToken", "NextContinuationToken", asked):
            yield page.get("Contents", ())

    def relative(self, key: str) -> str:
        """The name of the object `key`."""
        return key[len(self.prefix) :]

    def objects_but(self, folder: str) -> Iterator[Headers]:
        """Every object that is not in `folder`, which may hold more than all the rest: the listing goes on behind it."""
        for one in self.objects():
            if one["Name"].startswith(folder):
                yield from self.objects(start_after=f"{folder}~")
                return
            yield one

    def names_in(self, folder: str) -> Iterator[str]:
        """Names directly in `folder` ("" or ending in a slash), those of folders ending in a slash."""
        asked: Headers = {"Prefix": self.prefix + folder, "Delimiter": "/"}
        start = len(self.prefix + folder)
        for page in self._pages("list_objects_v2", "ContinuationToken", "NextContinuationToken", asked):
            yield from (one["Prefix"][start:] for one in page.get("CommonPrefixes", ()))
            yield from (one["Key"][start:] for one in page.get("Contents", ()) if one["Key"][start:])

    def _pages(self, method: str, marker: str, following: str, asked: Headers) -> Iterator[Headers]:
        while True:
            page = self.call(method, **asked)
            yield page
            if not page.get("IsTruncated") or not page.get(following):
                return
            asked = {**asked, marker: page[following]}

    def parts(self, path: str, upload: str) -> dict[int, Headers] | None:
        """The parts of an unfinished upload by number, None when there is no such upload."""
        found: dict[int, Headers] = {}
        try:
            asked = {"Key": self.prefix + path, "UploadId": upload}
            for page in self._pages("list_parts", "PartNumberMarker", "NextPartNumberMarker", asked):
                found |= {int(one["PartNumber"]): one for one in page.get("Parts", ())}
        except OSError as error:
            if code_of(error) in {"NoSuchUpload", *NOTHING_THERE}:
                return None
            raise
        return found

    def uploads(self) -> Iterator[Headers]:
        """Every unfinished upload below the prefix; `Name` is relative."""
        asked: Headers = {"Prefix": self.prefix}
        while True:
            page = self.call("list_multipart_uploads", **asked)
            for one in page.get("Uploads", ()):
                yield {**one, "Name": one["Key"][len(self.prefix) :]}
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            asked |= {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}

    def abort(self, path: str, upload: str) -> None:
        """End an unfinished upload; one that is gone is no error."""
        try:
            self.call("abort_multipart_upload", path, UploadId=upload)
        except OSError as error:
            if code_of(error) not in {"NoSuchUpload", *NOTHING_THERE}:
                raise


def sha256_of(data: bytes | memoryview) -> str:
    """The SHA-256 as S3 writes it: in base64."""
    return b64encode(hashlib.sha256(data).digest()).decode()


def entry_of(path: str, said: Headers, size: int) -> Entry:
    """The object at `path`, by what the server says of it."""
    return Entry(path, size, said["LastModified"], tag(str(said["ETag"])))


def tag(etag: str) -> str:
    """An etag as it is compared: in quotes, which some servers leave out in some answers."""
    return f'"{etag.strip(chr(34))}"'
