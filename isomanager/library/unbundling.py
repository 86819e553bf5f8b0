"""Take in a bundle: prove everything in it again, with no network, and bring into a repository what it lacks.

Nothing is believed for being in a bundle: who signed the manifest must be trusted here, keys count only where the catalogue pins
their fingerprint, receipts are judged again, and every byte is hashed as it passes.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from isomanager.errors import IsoManagerError
from isomanager.inventory.exchange.bundle_form import BundledFile, BundledImage, Manifest, bad_bundle, read_manifest
from isomanager.library.filing import name_kept
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import pinned_by
from isomanager.library.proving_again import judged_receipt
from isomanager.library.rebuilding import expected_of
from isomanager.library.site_keys import signer_of, trusted_sites
from isomanager.library.sync_planning import plan_destination
from isomanager.library.sync_sources import carried_notes
from isomanager.library.syncing import settled, sync_image
from isomanager.model import Assurance, Outcome, OutcomeKind, Receipt
from isomanager.planning.syncing import Shared, SyncKind, SyncMode, SyncStep
from isomanager.storage.sources import StoredFile
from isomanager.transfer.bundle_reading import BundleReader, open_bundle
from isomanager.transfer.progress import Progress, silent
from isomanager.trust.receipt import MAX_RECEIPT_BYTES

_log = logging.getLogger(__name__)


class BundleSource:
    """Honours Origin for an opened bundle. Images are asked for in the manifest's order."""

    is_ours = False

    def __init__(self, library: Library, reader: BundleReader, manifest: Manifest, name: str, signer: str) -> None:
        self._library, self._reader, self._manifest = library, reader, manifest
        self.signer = signer
        self.name = f"the bundle {name}" + (f", signed by the site {signer}" if signer else ", which nobody signed")
        self._receipts: dict[str, list[Receipt]] = defaultdict(list)
        for file in manifest.small:
            self._take(file, _proved(reader, file))

    def _take(self, file: BundledFile, data: bytes) -> None:
        if file.name.startswith("keys/"):
            _accept(self._library, file.name, data)
            return
        try:
            receipt = Receipt.model_validate_json(data)
        except ValidationError as wrong:
            raise bad_bundle(f"{file.name} is no receipt") from wrong
        if not file.name.startswith(f"receipts/{receipt.sha256}"):
            raise bad_bundle(f"{file.name} speaks of another image")
        self._receipts[receipt.sha256].append(receipt)

    def shared(self) -> tuple[Shared, ...]:
        """Every image of the bundle, in its order, with the assurance that its receipt shows here and now."""
        images = {one.name: one for one in self._manifest.images}
        return tuple(self._shared(images[one.name]) for one in self._manifest.files if one.name in images)

    def _shared(self, image: BundledImage) -> Shared:
        proofs = [one for one in self._receipts[image.sha256] if one.title == image.title and one.size == image.size]
        assurance = judged_receipt(self._library, proofs[-1]).assurance if proofs else Assurance.NONE
        unpacked = any(one.packed for one in proofs)
        return Shared(
            kept_as=name_kept(image.filename, "" if unpacked else image.filename),
            title=image.title, path=image.name, sha256=image.sha256, size=image.size, digests=image.digests,
            filename=image.filename, metadata=carried_notes(image.metadata), assurance=assurance,
        )  # fmt: skip

    def is_signed(self, shared: Shared) -> bool:
        """Whether a receipt has a signature over the image itself, which is checked when its bytes come."""
        return any(
            expected_of(self._library, one) for one in self._receipts[shared.sha256] if one.title == shared.title
        )

    def file(self, shared: Shared) -> StoredFile:
        """The image's bytes in the bundle."""
        return self._reader.file(BundledFile(name=shared.path, size=shared.size, sha256=shared.sha256))

    def receipts(self, shared: Shared) -> tuple[Receipt, ...]:
        """Its receipts as the other site kept them."""
        return tuple(self._receipts[shared.sha256])


@contextmanager
def bundle_source(
    library: Library, place: Path, *, keys: Iterable[str] = (), unsigned: bool = False
) -> Iterator[BundleSource]:
    """The bundle at `place`, its manifest, keys and receipts read and proved.

    Refused: `unsigned`, `foreign-signed`, `bad-signature`, `bad-bundle`. `unsigned` takes in what no trusted site signed.
    """
    with open_bundle(place) as reader:
        data, signature = reader.manifest()
        signer = signer_of(data, signature, trusted_sites(library, keys), unsigned=unsigned)
        yield BundleSource(library, reader, read_manifest(data), place.name, signer)


def plan_import(library: Library, source: BundleSource, repository: str) -> tuple[SyncStep, ...]:
    """What becomes of each image, in the bundle's order: what the repository lacks is copied, nothing is replaced or removed."""
    return plan_destination(library, source.shared(), repository, SyncMode.MERGE)


def take_in_bundled(
    library: Library, source: BundleSource, step: SyncStep, progress: Progress = silent
) -> tuple[Outcome, ...]:
    """What became of one image. One that was taken in half goes on where it was.

    Where no trusted site vouches for its digest, an image whose receipts prove nothing is refused, unless the settings let it.
    """
    if step.kind is not SyncKind.COPY:
        return (settled(step),)
    unproved = step.shared is not None and step.shared.assurance is Assurance.NONE and not source.is_signed(step.shared)
    if library.settings.always_verify and unproved and not source.signer:
        told = "no trusted site signed the bundle, and its receipts prove nothing here (always_verify)"
        return (settled(step).model_copy(update={"outcome": OutcomeKind.FAILED, "reason": told, "code": "unproved"}),)
    return sync_image(library, source, (step,), verify=True, progress=progress)


def _proved(reader: BundleReader, file: BundledFile) -> bytes:
    if file.size > MAX_RECEIPT_BYTES:
        raise bad_bundle(f"{file.name} is larger than {MAX_RECEIPT_BYTES >> 20} MiB")
    found = reader.file(file)
    data = found.read(0, file.size) if file.size else b""
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise bad_bundle(f"{file.name} is not what its manifest says")
    return data


def _accept(library: Library, name: str, material: bytes) -> None:
    """Keep a key if a product of the catalogue pins it. What else it is, or whether it can be read, is nobody's concern."""
    fingerprint = name.removeprefix("keys/").partition(".")[0]
    if fingerprint not in pinned_by(library.catalogue.products):
        _log.info("%s: no product of the catalogue pins this key; it is left", name)
        return
    try:
        library.keyring.accept(fingerprint, material)
    except IsoManagerError as wrong:
        _log.warning("%s: the key is left: %s", name, wrong.message)
