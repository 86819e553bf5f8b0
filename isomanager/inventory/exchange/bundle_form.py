"""A bundle's manifest: which images, receipts and keys it has, each with its size and SHA-256; signed as a whole.

A bundle is a folder or a tar archive with `bundle.json`, `bundle.json.minisig`, then the files that the manifest lists, in its
order: keys, receipts, images. Every name in it is made of digests and fingerprints, so that none can lead anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from isomanager.errors import InventoryError, Refused, UsageError
from isomanager.inventory.exchange.items import MAX_BYTES
from isomanager.inventory.exchange.reading import parse_listing
from isomanager.model import Copy, Digests, Title, Value

MANIFEST, SIGNATURE = "bundle.json", "bundle.json.minisig"
FOLDERS = ("keys", "receipts", "images")
FORM: Literal["isomanager-bundle"] = "isomanager-bundle"
MAX_MANIFEST = 64 << 20
MAX_SIGNATURE = 4096
MAX_SMALL = 512 << 20
"""Bytes that all receipts and keys of a bundle may have together: they are read into memory."""
_MAX_FILES = 400_000

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_NAME = r"^(images/[0-9a-f]{64}|receipts/[0-9a-f]{64}-[0-9]{1,4}\.json|keys/[0-9A-F]{40,64}\.(asc|pem))$"


class BundledFile(Value):
    """A file of the bundle; `size` in bytes."""

    name: Annotated[str, Field(pattern=_NAME)]
    size: int = Field(ge=0, lt=1 << 53)
    sha256: Sha256


class BundledImage(Value):
    """What an image of the bundle is; its bytes are in `images/<sha256>`."""

    title: Title
    sha256: Sha256
    size: int = Field(gt=0, lt=1 << 53)
    digests: Digests = Field(default_factory=dict)
    filename: str = Field("", max_length=255)
    metadata: dict[str, str] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where its bytes are in the bundle."""
        return f"images/{self.sha256}"


class Manifest(Value):
    """Everything in a bundle, and since when. `repository` is where it came from; `key` the public key of the site that made it."""

    form: Literal["isomanager-bundle"] = FORM
    schema_version: Literal[1] = 1
    made_at: AwareDatetime
    repository: str = Field("", max_length=255)
    key: str = Field(max_length=128)
    images: tuple[BundledImage, ...] = Field(max_length=_MAX_FILES)
    files: tuple[BundledFile, ...] = Field(max_length=_MAX_FILES)

    @property
    def small(self) -> tuple[BundledFile, ...]:
        """Keys and receipts."""
        return tuple(one for one in self.files if not one.name.startswith("images/"))

    def written(self) -> bytes:
        """The document."""
        return self.model_dump_json(indent=1, exclude_defaults=False).encode() + b"\n"


def image_of(copy: Copy) -> BundledImage:
    """A held copy as it stands in a manifest."""
    return BundledImage(
        title=copy.title, sha256=copy.sha256 or "", size=copy.size or 0, digests=copy.digests, filename=copy.filename,
        metadata=copy.metadata,
    )  # fmt: skip


def read_manifest(data: bytes) -> Manifest:
    """The manifest in `data`. Refused(code="bad-bundle") for what is none, is too large, or contradicts itself."""
    if len(data) > MAX_MANIFEST:
        raise bad_bundle(f"its manifest is larger than {MAX_MANIFEST >> 20} MiB")
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "its beginning"
        newer = where == "schema_version" or first["type"] == "extra_forbidden"
        asked = "; a newer isomanager made it, it seems: bring this one up to date" if newer else ""
        raise bad_bundle(f"its manifest is none: {first['msg']} at {where}{asked}") from wrong
    _refuse_contradictions(manifest)
    return manifest


def _refuse_contradictions(manifest: Manifest) -> None:
    files = {one.name: one for one in manifest.files}
    if len(files) != len(manifest.files):
        raise bad_bundle("its manifest lists a file twice")
    if sum(one.size for one in manifest.small) > MAX_SMALL:
        raise bad_bundle(f"its keys and receipts are larger than {MAX_SMALL >> 20} MiB")
    lasts = [one.name.startswith("images/") for one in manifest.files]
    if lasts != sorted(lasts):
        raise bad_bundle("its images do not come last")
    images = {one.name: one for one in manifest.images}
    named = {name for name in files if name.startswith("images/")}
    if len(images) != len(manifest.images) or set(images) != named:
        raise bad_bundle("its manifest lists other images than files")
    for name, image in images.items():
        if (files[name].size, files[name].sha256) != (image.size, image.sha256):
            raise bad_bundle(f"its manifest contradicts itself about {name}")


def bad_bundle(why: str) -> Refused:
    """The error of a bundle that nobody should believe."""
    return Refused(
        f"The bundle is refused: {why}.", code="bad-bundle", hint="Only what was proved before that is taken in."
    )


def known_elsewhere(files: Iterable[Path]) -> frozenset[str]:
    """The SHA-256 of every image that the other side has, as its inventory.json or manifests of bundles it got tell.

    UsageError for a file that cannot be read, InventoryError for one that is neither.
    """
    found: set[str] = set()
    for file in files:
        try:
            with file.open("rb") as opened:
                data = opened.read(MAX_BYTES + 1)
        except OSError as wrong:
            raise UsageError(f"{file} cannot be read: {wrong.strerror}.") from wrong
        found |= _digests_in(data, file)
    return frozenset(found)


def _digests_in(data: bytes, file: Path) -> set[str]:
    if len(data) <= MAX_MANIFEST and _is_manifest(data):
        try:
            return {one.sha256 for one in read_manifest(data).images}
        except Refused as wrong:
            raise InventoryError(f"{file}: {wrong.message}", code="bad-inventory") from wrong
    listed = (one.digests.get("sha256", "") for one in parse_listing(data, str(file)).items)
    return {one for one in listed if one}


def _is_manifest(data: bytes) -> bool:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("form") == FORM
