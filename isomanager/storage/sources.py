"""Files in stores as sources: one file named by its address, `s3://bucket/x.iso`, `smb://...`, `nfs://...`, read by ranges."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from isomanager.errors import ConfigurationError, StoreError
from isomanager.storage.contract import Entry, Readable, Store
from isomanager.storage.opening import open_store, scheme_of

STORE_SCHEMES = frozenset({"s3", "smb", "nfs", "block"})


def is_stored(url: str) -> bool:
    """Whether `url` names something in a store on another machine."""
    return scheme_of(url) in STORE_SCHEMES


def split_address(url: str) -> tuple[str, str]:
    """The address of the folder a file is in, options included, and the file's name in it.

    Names are percent-encoded in addresses, but not in those of S3.
    """
    plain, question, options = url.partition("?") if scheme_of(url) != "s3" else (url, "", "")
    above, _, name = plain.rstrip("/").rpartition("/")
    if not name or above.endswith(("/", ":")):
        raise ConfigurationError(
            "This address names no file in a store.", hint="Write it like s3://bucket/folder/x.iso."
        )
    return f"{above}{question}{options}", name if scheme_of(url) == "s3" else unquote(name)


@dataclass(frozen=True)
class StoredFile:
    """One file in a store, as it was when it was looked at; it is an error if it changes while it is read."""

    store: Readable
    path: str
    entry: Entry

    @property
    def size(self) -> int:
        """Bytes."""
        return self.entry.size

    @property
    def told(self) -> str:
        """Its address, without secrets."""
        return f"{self.store.url.rstrip('/')}/{self.path}"

    def read(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`, which must lie in the file. StoreError(code="changed") when it became another."""
        pieces = [self.store.read(self.path, start, length, if_match=self.entry.etag)]
        got = len(pieces[0])
        while got < length:
            more = self.store.read(self.path, start + got, length - got, if_match=self.entry.etag)
            if not more:
                raise StoreError(f"'{self.told}' became shorter while it was read.", code="changed", path=self.path)
            pieces.append(more)
            got += len(more)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def look_up(store: Store, path: str) -> StoredFile:
    """The file `path` of `store`; StoreError(code="missing") when there is none."""
    entry = store.stat(path)
    if entry is None:
        raise StoreError(f"'{path}' is not in {store.url}.", code="missing", path=path)
    return StoredFile(store, path, entry)


def open_stored(url: str) -> StoredFile:
    """The file at `url`. ConfigurationError for what is no such address; raises as the store does that it is in."""
    above, name = split_address(url)
    return look_up(open_store(above), name)
