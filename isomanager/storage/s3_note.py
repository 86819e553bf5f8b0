"""What is written down of an unfinished upload: its id, and each part as the server confirmed it and as it was hashed here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from isomanager.storage.resuming import PartialNote


@dataclass(frozen=True)
class Part:
    """A part that the server has confirmed: its etag, size in bytes, and SHA-256 in base64 as S3 writes it. `summed`: the server
    knows that SHA-256 too; it may not of what it copied itself."""

    etag: str
    size: int
    sha256: str
    summed: bool = True


@dataclass(frozen=True)
class UploadNote:
    """What is known of an unfinished file. `identity` is in the metadata of the upload, and of the object it becomes.

    `earlier`: parts that an earlier try sent. They count for nothing until the same bytes have passed here again.
    """

    told: PartialNote
    granule: int
    identity: str
    upload: str = ""
    parts: dict[int, Part] = field(default_factory=dict)
    earlier: dict[int, Part] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        """The note as JSON."""
        about: dict[str, Any] = {name: getattr(self, name) for name in ("granule", "identity", "upload")}
        for kind in ("parts", "earlier"):
            about[kind] = {str(number): asdict(part) for number, part in sorted(getattr(self, kind).items())}
        return json.dumps({**json.loads(self.told.as_bytes()), **about}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> UploadNote:
        """The note in `data`; ValueError when that is no note."""
        told = PartialNote.from_bytes(data)
        try:
            about: dict[str, Any] = json.loads(data)
            parts, earlier = _parts(about["parts"]), _parts(about.get("earlier", {}))
            return cls(told, int(about["granule"]), str(about["identity"]), str(about["upload"]), parts, earlier)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a note of an unfinished upload: {error!r}") from error

    def contiguous(self) -> int:
        """How many bytes from the start the parts cover: whole granules, and then one shorter part at most."""
        reached, number = 0, 1
        while (part := self.parts.get(number)) is not None:
            reached, number = reached + part.size, number + 1
            if part.size < self.granule:
                break
        return reached

    def within(self, front: int) -> UploadNote:
        """The note of the first `front` bytes only."""
        kept = {number: part for number, part in self.parts.items() if (number - 1) * self.granule < front}
        return replace(self, parts=kept, told=replace(self.told, front=front))


def _parts(told: dict[str, Any]) -> dict[int, Part]:
    return {
        int(key): Part(str(one["etag"]), int(one["size"]), str(one["sha256"]), bool(one.get("summed", True)))
        for key, one in told.items()
    }
