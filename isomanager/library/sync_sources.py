"""Where a sync takes images from: a repository of this library, a place that describes itself, or a bundle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from isomanager.errors import IsoManagerError, StoreError, StoreUnavailable, UsageError
from isomanager.inventory.exchange.items import Item
from isomanager.library.deduping import SHARES
from isomanager.library.filing import name_kept
from isomanager.library.importing import notes_of, titled
from isomanager.library.opening import Library
from isomanager.library.proving_again import judged_receipt
from isomanager.library.rebuilding import Evidence, expected_of, gather_evidence
from isomanager.model import Assurance, Copy, CopyState, Family, Receipt, Title
from isomanager.planning.syncing import Lacking, Shared
from isomanager.settings import absolute_address
from isomanager.storage.contract import INTERNAL, Store
from isomanager.storage.index import INVENTORY
from isomanager.storage.opening import open_store, scheme_of
from isomanager.storage.paths import fold
from isomanager.storage.sources import StoredFile, look_up
from isomanager.version import Version

_SHA256 = re.compile(r"[0-9a-f]{64}")
DOUBTED = {
    CopyState.SUSPECT: "it failed a proof there (`isomanager verify`)",
    CopyState.RESTORING: "it is just coming back from the trash there",
}
"""What is in the source and not served, and why: no reason to let go of it anywhere else."""


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
        self.name = name = source_name(library, name)
        self.is_ours = any(one.name == name for one in library.inventory.repositories())
        self.store: Store = library.store(name) if self.is_ours else open_store(name)

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

    @cached_property
    def offered(self) -> tuple[tuple[Shared, ...], tuple[Lacking, ...]]:
        """What it can give, and what it should have and cannot: one listing a sync.

        StoreUnavailable when it does not answer, StoreError(code="empty-source") when it has nothing to give at all: that is more
        likely a disk that is not mounted than a place to be copied.
        """
        looked = tuple(self._ours() if self.is_ours else self._theirs())
        judged = [_unproved(one) if isinstance(one, Shared) and self._is_unproved(one) else one for one in looked]
        good = tuple(one for one in judged if isinstance(one, Shared))
        bad = tuple(one for one in judged if isinstance(one, Lacking))
        if not good:
            told = f"{len(bad)} images should be there, and none can be had" if bad else "it holds no image"
            raise StoreError(
                f"Nothing can be copied from {self.name}: {told}.",
                code="empty-source",
                hint=f"Nothing was changed anywhere. {_why_none(bad)}",
                source=self.name,
            )
        return good, bad

    def _is_unproved(self, shared: Shared) -> bool:
        """Whether nothing that came with a foreign image proves it, and such are not to be let in."""
        if self.is_ours or shared.assurance is not Assurance.NONE or not self._library.settings.always_verify:
            return False
        mine = (one for one in self.receipts(shared) if one.title == shared.title)
        return not any(expected_of(self._library, one) for one in mine)

    def shared(self) -> tuple[Shared, ...]:
        """Every image there that has a receipt. Raises StoreUnavailable when the place does not answer."""
        looked = self._ours() if self.is_ours else self._theirs()
        return tuple(one for one in looked if isinstance(one, Shared))

    def _ours(self) -> Iterator[Shared | Lacking]:
        sizes = {fold(entry.path): entry.size for entry in self.store.list()}
        return _judged(self._library.inventory.copies(self.name, states={CopyState.HELD, *DOUBTED}), sizes)

    def some(self, copy_ids: Sequence[str]) -> tuple[tuple[Shared, ...], tuple[Lacking, ...]]:
        """As `offered`, of a few copies of a repository of this library: nothing is listed."""
        found = self._library.inventory.copies_of(copy_ids)
        copies = [
            one for one in found if one.state in (CopyState.HELD, *DOUBTED)
        ]  # what went since is no longer wanted
        sizes = self.store.sizes([one.path for one in copies])
        looked = tuple(_judged(copies, {fold(path): size for path, size in sizes.items()}))
        good = tuple(one for one in looked if isinstance(one, Shared))
        return good, tuple(one for one in looked if isinstance(one, Lacking))

    @cached_property
    def _evidence(self) -> Evidence:
        return gather_evidence(self.store)

    def _theirs(self) -> Iterator[Shared | Lacking]:
        sizes = {fold(entry.path): entry.size for entry in self.store.list()}
        for path, item in self._evidence.items.items():
            told = item.digests.get("sha256", "")
            sha256 = told if _SHA256.fullmatch(told) else ""
            receipts, size = self._evidence.receipts.get(sha256, ()), sizes.get(fold(path))
            if receipts and size is not None:
                receipt = receipts[-1]
                yield Shared(
                    title=receipt.title, path=path, sha256=sha256, size=size, digests=receipt.digests,
                    assurance=judged_receipt(self._library, receipt).assurance, filename=receipt.filename,
                    kept_as=name_kept(receipt.filename, path),
                    metadata=carried_notes(notes_of(item)),
                )  # fmt: skip
            else:
                title = receipts[-1].title if receipts else _title(self._library, item)
                reason = "its file is not there" if size is None else self._unreceipted
                yield Lacking(title=title, path=path, sha256=sha256, reason=reason)

    @property
    def _unreceipted(self) -> str:
        faults = self._evidence.faults
        return f"no receipt there speaks of it{f' ({len(faults)} cannot be read: {faults[0]})' if faults else ''}"

    def file(self, shared: Shared) -> StoredFile:
        """The image's bytes in the store."""
        return look_up(self.store, shared.path)

    def whole(self, shared: Shared) -> bytes:
        """The bytes of a small image by one read; what they are their digest says. StoreError when they are gone."""
        return self.store.read(shared.path, 0, shared.size + 1)

    def receipts(self, shared: Shared) -> tuple[Receipt, ...]:
        """Those of the inventory, or those that lie beside a foreign one."""
        return self.receipts_of((shared,))[shared.sha256]

    def receipts_of(self, images: Sequence[Shared]) -> dict[str, tuple[Receipt, ...]]:
        """As `receipts`, of several images, by their digests."""
        if self.is_ours:
            return self._library.inventory.receipts_of([one.sha256 for one in images])
        return {one.sha256: self._evidence.receipts.get(one.sha256, ()) for one in images}


def _judged(copies: Iterable[Copy], sizes: Mapping[str, int]) -> Iterator[Shared | Lacking]:
    for copy in copies:
        told = DOUBTED.get(copy.state) or _seen(sizes.get(fold(copy.path)), copy.size)
        if told or not copy.sha256:
            yield Lacking(title=copy.title, path=copy.path, sha256=copy.sha256 or "", reason=told)
        else:
            yield Shared(
                title=copy.title, path=copy.path, sha256=copy.sha256, size=copy.size or 0, assurance=copy.assurance,
                digests=copy.digests, filename=copy.filename, kept_as=name_kept(copy.filename, copy.path), copy_id=copy.id,
                metadata=carried_notes(copy.metadata),
            )  # fmt: skip


def source_name(library: Library, source: str) -> str:
    """What a source is called here: the address of a repository of this library means that repository."""
    known = library.inventory.repositories()
    if any(one.name == source for one in known):
        return source
    address = absolute_address(source).rstrip("/")
    return next((one.name for one in known if one.url.rstrip("/") == address), source)


def carried_notes(notes: Mapping[str, str]) -> dict[str, str]:
    """What people noted of an image, which goes with it; not what is true of one place only."""
    return {name: text for name, text in notes.items() if name != SHARES}


def _seen(size: int | None, wanted: int | None) -> str:
    if size is None:
        return "its file is not there"
    return "" if size == wanted else f"its file has {size} bytes there, and its receipt says {wanted}"


def _unproved(one: Shared) -> Lacking:
    told = "its receipt proves nothing here, and always_verify is on"
    return Lacking(title=one.title, path=one.path, sha256=one.sha256, reason=told)


def _why_none(lacking: Sequence[Lacking]) -> str:
    return f"The first of them: {lacking[0].title}: {lacking[0].reason}." if lacking else "Is its disk mounted?"


def _title(library: Library, item: Item) -> Title:
    """What a foreign inventory calls an image of which no receipt speaks."""
    try:
        return titled(library, item)
    except IsoManagerError:
        return Title(family=Family.CUSTOM, product="unknown", version=Version("0"))
