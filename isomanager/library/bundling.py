"""Bundle: what another site lacks, with its proof, in a folder or an archive that can be carried there."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

from isomanager.errors import LeaseLost, StoreError, UsageError
from isomanager.inventory.exchange.bundle_form import MANIFEST, SIGNATURE, BundledFile, Manifest, image_of
from isomanager.inventory.searching import CopySearch
from isomanager.library.checking import copies_called
from isomanager.library.leasing import leased, leased_all, reader_key
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import keys_for
from isomanager.library.site_keys import site_key
from isomanager.model import Copy, CopyState, Outcome, OutcomeKind
from isomanager.storage.sources import look_up
from isomanager.transfer.bundle_archive import earlier_manifest, tar_writer, unfinished
from isomanager.transfer.bundle_writing import BundleWriter, Compress, Member, folder_writer, proved_pieces, shrinks
from isomanager.transfer.progress import Progress, silent
from isomanager.transfer.stopping import cancelled

_ARCHIVES = (".tar", ".tar.zst")


@dataclass(frozen=True)
class BundlePlan:
    """What goes into a bundle, and what the other side has already."""

    going: tuple[Copy, ...]
    known: tuple[Copy, ...] = ()

    @property
    def cost(self) -> int:
        """Bytes of the images that go."""
        return sum(one.size or 0 for one in self.going)


def plan_bundle(library: Library, what: Sequence[str], repository: str, known: frozenset[str]) -> BundlePlan:
    """The held images of `repository` that `what` means (families, products, selectors; none: all), each once, and not `known`.

    UsageError when nothing that is held is called so.
    """
    library.inventory.repository(repository)
    held = CopySearch(repositories=(repository,), states=(CopyState.HELD,))
    chosen = copies_called(library, what, held) if what else library.inventory.search(held)
    found = {one.sha256: one for one in chosen if one.sha256 and one.size}
    if what and not found:
        told = f"Nothing that {repository} holds is called {' or '.join(what)}."
        raise UsageError(told, hint="See: isomanager list")
    return BundlePlan(
        tuple(one for key, one in found.items() if key not in known),
        tuple(one for key, one in found.items() if key in known),
    )


def planned_outcomes(plan: BundlePlan) -> tuple[Outcome, ...]:
    """What a dry run tells."""
    return (*(_told(one, OutcomeKind.SKIPPED, "would go into the bundle") for one in plan.going), *_known(plan))


def write_bundle(
    library: Library, plan: BundlePlan, place: Path, *, compress: Compress = "auto", progress: Progress = silent
) -> tuple[Outcome, ...]:
    """Write the bundle to `place`: a folder, or an archive where its name ends in .tar or .tar.zst. Signed with the site's key.

    Every byte is hashed as it passes: an image that is not what its receipt says ends it, and no bundle is there. What an earlier
    run that was interrupted wrote of the same bundle is proved, and not written again. While it is written no prune takes an image
    of it away, and no other process writes there: LeaseLost.
    """
    key, lost = site_key(library), Event()
    with ExitStack() as stack:
        stack.enter_context(leased(library, f"bundle:{place.absolute()}", lost=lost))
        stack.enter_context(leased_all(library, [reader_key(library, one.id) for one in plan.going], lost=lost))
        _require_room(plan, place)
        small = {**_keys(library, plan.going), **_receipts(library, plan.going)}
        told = _begun_before(_manifest(library, plan.going, small, key.public), place)
        manifest = told.written()
        writer = stack.enter_context(_writer(place))
        writer.manifest(MANIFEST, manifest)
        writer.manifest(SIGNATURE, key.sign(manifest, comment=f"isomanager bundle {told.made_at:%Y-%m-%dT%H:%M:%SZ}"))
        for name, data in small.items():
            writer.small(name, data)
        watch = partial(_watched, library, progress, lost)
        done = tuple(_written(library, writer, copy, compress, watch) for copy in plan.going)
    return (*done, *_known(plan))


def _require_room(plan: BundlePlan, place: Path) -> None:
    """StoreError(code="no-space") where it is known beforehand that there is none. What a .zst will take shows as it is written."""
    if place.name.lower().endswith(".zst"):
        return
    there = (
        [place / "images" / (one.sha256 or "") for one in plan.going] if not is_archive(place) else [unfinished(place)]
    )
    needed = plan.cost - sum(one.stat().st_size for one in there if one.is_file())
    folder = next(one for one in (place, *place.absolute().parents) if one.is_dir())
    free = shutil.disk_usage(folder).free
    if needed > free:
        told = f"The bundle needs {needed} more bytes, and where {place} is to be there are {free} free."
        raise StoreError(told, code="no-space", hint="Free some, choose another place, or name what is to go.")


def _begun_before(manifest: Manifest, place: Path) -> Manifest:
    """The manifest of an unfinished archive there that is of the very same bundle: that one is gone on with. Else `manifest`."""
    earlier = earlier_manifest(place) if is_archive(place) else None
    same = earlier is not None and earlier == manifest.model_copy(update={"made_at": earlier.made_at})
    return earlier if earlier is not None and same else manifest


def is_archive(place: Path) -> bool:
    """Whether a bundle of this name is an archive."""
    return place.name.lower().endswith(_ARCHIVES)


def _writer(place: Path) -> AbstractContextManager[BundleWriter]:
    if is_archive(place):
        if place.is_dir():
            raise UsageError(
                f"{place} is a folder.", hint="A name that ends in .tar or .tar.zst is that of an archive."
            )
        return tar_writer(place, packed=place.name.lower().endswith(".zst"))
    if place.exists() and not place.is_dir():
        raise UsageError(f"{place} is a file.", hint="Name a folder, or an archive: NAME.tar or NAME.tar.zst.")
    return folder_writer(place)


def _manifest(library: Library, copies: Sequence[Copy], small: dict[str, bytes], key: str) -> Manifest:
    files = [
        BundledFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest()) for name, data in small.items()
    ]
    images = tuple(image_of(one) for one in copies)
    files += [BundledFile(name=one.name, size=one.size, sha256=one.sha256) for one in images]
    repository = copies[0].repository if copies else ""
    return Manifest(made_at=library.now(), repository=repository, key=key, images=images, files=tuple(files))


def _receipts(library: Library, copies: Iterable[Copy]) -> dict[str, bytes]:
    return {
        f"receipts/{copy.sha256}-{number}.json": receipt.model_dump_json(indent=1).encode()
        for copy in copies
        for number, receipt in enumerate(library.inventory.receipts(copy.sha256 or ""))
    }


def _keys(library: Library, copies: Iterable[Copy]) -> dict[str, bytes]:
    """Every key that the catalogue pins for these titles and that is here. Keys of signify and minisign are pinned whole."""
    wanted: set[str] = set()
    for copy in copies:
        product = library.product_of(copy.title)
        wanted |= keys_for(product, copy.title) if product else set()
    found: dict[str, bytes] = {}
    for fingerprint in sorted(one for one in wanted if one.isalnum()):
        certificate, public = library.keyring.certificate(fingerprint), library.keyring.public_key(fingerprint)
        if certificate is not None:
            found[f"keys/{certificate.fingerprint}.asc"] = certificate.armored.encode("ascii")
        elif public is not None:
            found[f"keys/{public.fingerprint}.pem"] = public.pem
    return found


_Watched = Callable[[str, int, Iterator[bytes]], Iterator[bytes]]


def _written(library: Library, writer: BundleWriter, copy: Copy, compress: Compress, watched: _Watched) -> Outcome:
    image = Member(f"images/{copy.sha256}", copy.size or 0, copy.sha256 or "")
    if writer.has(image, partial(watched, copy.path, image.size)):
        return _told(copy, OutcomeKind.PUBLISHED, "an earlier run wrote it")
    file = look_up(library.store(copy.repository), copy.path)
    if file.size != image.size:
        told = f"{file.told} has {file.size} bytes, and its receipt says {image.size}."
        raise StoreError(told, code="wrong-size", hint="`isomanager verify` says more. No bundle was written.")
    before = writer.written
    worth = compress == "always" or (compress == "auto" and shrinks(file))
    writer.image(image, watched(file.told, image.size, proved_pieces(file, image.sha256)), shrinks=worth)
    return _told(copy, OutcomeKind.PUBLISHED, _how(writer.written - before, image.size), writer.written - before)


def _how(written: int, size: int) -> str:
    return "as it is" if written >= size else f"compressed to {100 * written / size:.0f} %"


def _watched(
    library: Library, progress: Progress, lost: Event, told: str, size: int, pieces: Iterator[bytes]
) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        if library.stop.is_set():
            raise cancelled(told)
        if lost.is_set():
            raise LeaseLost(
                f"The lease on the bundle ran out while {told} was written.", hint="Start again; what is whole is kept."
            )
        done += len(piece)
        progress(done, size)
        yield piece


def _known(plan: BundlePlan) -> Iterator[Outcome]:
    return (_told(one, OutcomeKind.CURRENT, "the other side has it") for one in plan.known)


def _told(copy: Copy, kind: OutcomeKind, reason: str, written: int = 0) -> Outcome:
    return Outcome(
        outcome=kind, title=copy.title, repository=copy.repository, path=copy.path, reason=reason, bytes=written,
        assurance=copy.assurance,
    )  # fmt: skip
