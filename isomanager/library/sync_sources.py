"""Where a sync takes images from: a repository of this library, a place that describes itself, or a bundle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

from isomanager.errors import StoreUnavailable, UsageError
from isomanager.library.opening import Library
from isomanager.library.proving_again import judged_receipt
from isomanager.library.rebuilding import Evidence, gather_evidence
from isomanager.model import CopyState, Receipt
from isomanager.planning.syncing import Shared
from isomanager.storage.contract import INTERNAL, Store
from isomanager.storage.index import INVENTORY
from isomanager.storage.opening import open_store, scheme_of
from isomanager.storage.sources import StoredFile, look_up

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Origin(Protocol):
    """What an image is copied from. `is_ours`: its receipts are this library's own; others were judged again."""

    @property
    def name(self) -> str:
        """What it is called in reasons."""
        ...

    @property
    def is_ours(self) -> bool:
        """Whether it is a repository of this library."""
        ...

    def file(self, shared: Shared) -> StoredFile:
        """The image's bytes, hashed as they pass. StoreError(code="missing") when they are gone."""
        ...

    def receipts(self, shared: Shared) -> tuple[Receipt, ...]:
        """Its receipts, as they were kept."""
        ...


class SyncSource:
    """Honours Origin for a repository of this library, or the address of a place that describes itself.

    What the place says is not believed: its receipts are judged again, and every byte is hashed as it passes.
    """

    def __init__(self, library: Library, name: str) -> None:
        self._library = library
        self.name = name
        self.is_ours = any(one.name == name for one in library.inventory.repositories())
        self.store: Store = library.store(name) if self.is_ours else open_store(name)

    @cached_property
    def listed(self) -> tuple[Shared, ...]:
        """What `shared` told when it was first needed: one listing a sync."""
        return self.shared()

    def require(self) -> None:
        """StoreUnavailable when the place does not answer, UsageError when it does not describe itself."""
        try:
            self.store.stat(INTERNAL)
            described = self.is_ours or self.store.stat(INVENTORY) is not None
        except StoreUnavailable as wrong:
            if self.is_ours or scheme_of(self.name):
                raise
            known = ", ".join(one.name for one in self._library.inventory.repositories())
            told = f"'{self.name}' is neither a repository nor a place that can be reached. {wrong.message}"
            raise UsageError(told, hint=f"The repositories are: {known}.") from wrong
        if not described:
            told = f"{self.name} does not describe itself: it has no {INVENTORY}."
            raise UsageError(
                told, hint="A bundle is taken in by `isomanager import --bundle`, other files by `isomanager scan`."
            )

    def shared(self) -> tuple[Shared, ...]:
        """Every proved image there. Raises StoreUnavailable when the place does not answer."""
        return tuple(self._ours() if self.is_ours else self._theirs())

    def _ours(self) -> Iterator[Shared]:
        sizes = {entry.path: entry.size for entry in self.store.list()}
        for copy in self._library.inventory.copies(self.name, states={CopyState.HELD}):
            if copy.sha256 and sizes.get(copy.path) == copy.size:
                yield Shared(
                    title=copy.title, path=copy.path, sha256=copy.sha256, size=copy.size or 0, assurance=copy.assurance,
                    digests=copy.digests, filename=copy.filename, copy_id=copy.id, metadata=copy.metadata,
                )  # fmt: skip

    @cached_property
    def _evidence(self) -> Evidence:
        return gather_evidence(self.store)

    def _theirs(self) -> Iterator[Shared]:
        sizes = {entry.path: entry.size for entry in self.store.list()}
        for path, item in self._evidence.items.items():
            sha256 = item.digests.get("sha256", "")
            receipts = self._evidence.receipts.get(sha256, ())
            if path in sizes and receipts and _SHA256.fullmatch(sha256):
                receipt = receipts[-1]
                yield Shared(
                    title=receipt.title, path=path, sha256=sha256, size=sizes[path], digests=receipt.digests,
                    assurance=judged_receipt(self._library, receipt).assurance, filename=receipt.filename,
                )  # fmt: skip

    def file(self, shared: Shared) -> StoredFile:
        """The image's bytes in the store."""
        return look_up(self.store, shared.path)

    def whole(self, shared: Shared) -> bytes:
        """The bytes of a small image by one read; what they are their digest says. StoreError when they are gone."""
        return self.store.read(shared.path, 0, shared.size + 1)

    def receipts(self, shared: Shared) -> tuple[Receipt, ...]:
        """Those of the inventory, or those that lie beside a foreign one."""
        if self.is_ours:
            return self._library.inventory.receipts(shared.sha256)
        return self._evidence.receipts.get(shared.sha256, ())
