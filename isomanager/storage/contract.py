"""The small contract every store honours, so that one engine and one test suite serve local disk, S3, SMB and NFS.

Paths are relative to the repository, with forward slashes. Whatever is unfinished or internal lives under `.isomanager/`
(or in an uncompleted multipart upload) and never appears under a final name.

A transfer moves a bounded window of consecutive granules: writes may arrive from several threads and out of order inside the
window, `front()` is the durable, contiguous beginning, and resuming needs that one integer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from isomanager.errors import IsoManagerError

RefusedFolder = Callable[[str], None]
"""Told the path of a folder that this account may not look into."""

INTERNAL = ".isomanager"


@dataclass(frozen=True)
class Validators:
    """What guards a resume: the file upstream is still the same only if these agree (RFC 9110, section 13)."""

    etag: str = ""
    last_modified: str = ""
    size: int | None = None
    digests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class StoreTraits:
    """What a store can do. `granule` in bytes: writes are aligned to it but for the tail. `read_size`: bytes that are worth one
    `read`, which may cost several round trips. `at_once`: small files that are worth being under way at the same time."""

    granule: int = 1 << 20
    read_size: int = 4 << 20
    at_once: int = 4
    readable_partial: bool = True
    symbolic_links: bool = False


@dataclass(frozen=True)
class Entry:
    """A file in the store. `etag` changes when the bytes may have (local: inode, size, mtime in ns)."""

    path: str
    size: int
    modified_at: datetime
    etag: str


@dataclass(frozen=True)
class PartialRef:
    """Names an unfinished file, so that another task or process can reopen it. `key` is safe in a file name.

    `changed_at` is when it last grew, None when the store cannot say; it tells nothing of which file it is.
    """

    key: str
    final: str
    size: int | None
    validators: Validators
    front: int = 0
    changed_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Space:
    """Bytes, None where the store cannot say."""

    total: int | None
    free: int | None


@dataclass(frozen=True)
class Vouch:
    """What a store's server says by itself of the bytes it keeps, and how it knows."""

    agrees: bool
    told: str


@runtime_checkable
class Vouches(Protocol):
    """A store whose server keeps digests of its own."""

    def vouch(self, path: str) -> Vouch | None:
        """Whether the server's digest is that of the bytes that were published; None when it keeps none that can be compared."""
        ...


@runtime_checkable
class Links(Protocol):
    """A store that can give a file a second name which is no file: a symbolic link, never listed."""

    def point(self, alias: str, target: str) -> None:
        """Let `alias` lead to the file `target`, in one step, whatever it led to before.

        StoreError: `name-taken` when a file has that name, `no-links` when the place has no links after all.
        """
        ...

    def points_to(self, alias: str) -> str | None:
        """The path that `alias` leads to; None when there is no such link."""
        ...

    def unpoint(self, alias: str) -> None:
        """Remove the link; a missing one is no error, and a file of that name stays."""
        ...


@runtime_checkable
class Partial(Protocol):
    """Unfinished bytes of one file."""

    @property
    def ref(self) -> PartialRef:
        """The name by which it is reopened; `front` as of now."""
        ...

    def front(self) -> int:
        """How many bytes from the start are contiguous and durable."""
        ...

    def write(self, offset: int, buffer: bytes | bytearray | memoryview) -> None:
        """Put bytes at `offset`. Thread-safe; aligned to the granule but for the tail."""
        ...

    def checkpoint(self, validators: Validators | None = None) -> int:
        """Make durable what is contiguous, remember the validators, and return the new front."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Bytes already written; only where the store's traits say `readable_partial`."""
        ...

    def close(self) -> PartialRef:
        """Flush to durable storage and let go of handles; the ref reopens it."""
        ...

    def discard(self) -> None:
        """Remove it for good. A repeat does nothing."""
        ...

    def publish(self, size: int) -> Entry:
        """Give it its final name in one atomic, create-only, durable step.

        `size` is the expected whole size. A repeat after a crash finds its own bytes under the final name and succeeds.
        Raises StoreError(code="name-taken") when other bytes hold the name.
        """
        ...


@runtime_checkable
class CopiesByServer(Protocol):
    """An unfinished file whose server can take bytes from a file that it has already, so that they need not be sent to it."""

    def copy_from(self, store: Readable, path: str, etag: str) -> None:
        """What is written from now on is what the file `path` of `store`, whose etag is given, has at the same offsets. The server
        is asked to copy it, and believed only as far as it proves that it copied what was written."""
        ...

    @property
    def way(self) -> str:
        """How the bytes came, where the server was asked; "" where they were sent as always."""
        ...


@runtime_checkable
class Readable(Protocol):
    """What is needed to read one file by ranges: every store is one."""

    @property
    def url(self) -> str:
        """Where it is, without secrets."""
        ...

    @property
    def traits(self) -> StoreTraits:
        """What it can do."""
        ...

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Up to `length` bytes from `start`; StoreError(code="changed") if the etag is no longer `if_match`."""
        ...


@runtime_checkable
class Store(Protocol):
    """A place that holds files. Errors are StoreError (permanent) or StoreUnavailable (transient)."""

    @property
    def url(self) -> str:
        """Where it is, without secrets."""
        ...

    @property
    def traits(self) -> StoreTraits:
        """What it can do."""
        ...

    def begin(
        self, final: str, size: int | None, validators: Validators, *, key: str, resume: PartialRef | None = None
    ) -> Partial:
        """A partial for the final path `final`, named `key` by the caller.

        With `resume` the existing partial is reopened if it is there and its validators agree with `validators`; otherwise it
        is started again from byte 0. Without `resume` an existing partial of that key is replaced.
        """
        ...

    def reopen(self, ref: PartialRef) -> Partial:
        """The closed partial `ref`, as it is; StoreError(code="missing") when it is gone."""
        ...

    def partials(self) -> Iterator[PartialRef]:
        """Every unfinished file."""
        ...

    def partial(self, key: str) -> PartialRef | None:
        """The unfinished file named `key`, None when there is none; as many requests however many others there are."""
        ...

    def stat(self, path: str) -> Entry | None:
        """The file, or None when there is none."""
        ...

    def list(self, prefix: str = "", *, refused: RefusedFolder | None = None) -> Iterator[Entry]:
        """Every final file under `prefix`, recursively, in path order; nothing under `.isomanager/`.

        A folder that this account may not look into is an error, or told to `refused` and passed over.
        """
        ...

    def sizes(self, paths: Collection[str]) -> Mapping[str, int]:
        """The sizes of those of the files that are there, in as few round trips as the store knows how."""
        ...

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Up to `length` bytes from `start`; StoreError(code="changed") if the etag is no longer `if_match`."""
        ...

    def space(self) -> Space:
        """How much room there is."""
        ...

    def delete(self, path: str, *, expect: Entry | None = None) -> None:
        """Remove a file; StoreError(code="changed") when it is not what `expect` says. A missing file is no error."""
        ...

    def move(self, source: str, destination: str) -> Entry:
        """Rename, create-only; re-runnable: if only the destination is there, it succeeds."""
        ...

    def spellings(self, path: str) -> Sequence[str]:
        """Everything whose path differs from `path` by no more than case; a folder too, and a file that stands where `path` needs a
        folder. Found by looking into the folders on the way alone."""
        ...

    def put_all(self, files: Mapping[str, bytes]) -> Mapping[str, IsoManagerError]:
        """Write files that fit into memory, by path: each appears whole or not at all, create-only, and when this returns all are
        durable, but for those that are given back with what went wrong. A repeat with the same bytes succeeds."""
        ...

    def put_small(self, path: str, data: bytes) -> Entry:
        """Write a small file atomically, create-only; a repeat with the same bytes succeeds, other bytes raise name-taken."""
        ...

    def replace_small(self, path: str, data: bytes, *, if_match: str = "") -> Entry:
        """Write a small index file atomically, replacing what is there. Indexes only: images are never replaced."""
        ...
