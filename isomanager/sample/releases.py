"""What the sample's vendors have released: plain values from which images, indexes and checksum documents are made."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from isomanager.sample.images import IsoSpec

MIB = 1 << 20


@dataclass(frozen=True)
class Release:
    """One file of one vendor. `path` is relative to the site; `payload` in bytes; `spin` counts re-spins under one name."""

    vendor: str
    version: str
    flavor: str
    path: str
    released_at: datetime
    payload: int
    architecture: str = "amd64"
    spin: int = 0

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder it stands in, relative to the site."""
        return self.path.rpartition("/")[0]

    @property
    def modified_at(self) -> datetime:
        """When the file last changed: a re-spin comes a day later than what it replaces."""
        return self.released_at + timedelta(days=self.spin)

    def respun(self) -> Release:
        """The same name with new bytes."""
        return replace(self, spin=self.spin + 1)

    def spec(self) -> IsoSpec:
        """What its image says of itself."""
        words = (self.vendor, *self.version.split("."), self.flavor)
        return IsoSpec(
            volume_id="_".join(words).upper().replace("-", "_").replace(" ", "_"),
            publisher=f"THE {self.vendor.upper()} PROJECT (SAMPLE)",
            product=self.vendor.capitalize(),
            version=self.version,
            flavor=self.flavor,
            architecture=self.architecture,
            made_at=self.modified_at,
            payload_bytes=self.payload,
            spin=self.spin,
        )


@dataclass(frozen=True)
class Published:
    """A release whose file stands on the site: its size in bytes and its SHA-256 and SHA-512 in hexadecimal."""

    release: Release
    size: int
    sha256: str
    sha512: str

    @classmethod
    def of(cls, release: Release, content: bytes) -> Published:
        """The release whose file has this content."""
        return cls(release, len(content), hashlib.sha256(content).hexdigest(), hashlib.sha512(content).hexdigest())

    def as_json(self) -> dict[str, Any]:
        """The form in which the site remembers it."""
        told = asdict(self)
        told["release"]["released_at"] = self.release.released_at.isoformat()
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Published:
        """What `as_json` wrote."""
        release = dict(told["release"])
        release["released_at"] = datetime.fromisoformat(release["released_at"])
        return cls(Release(**release), told["size"], told["sha256"], told["sha512"])


def day(text: str) -> datetime:
    """Noon UTC of a day written 2026-08-06."""
    return datetime.fromisoformat(text).replace(hour=12, tzinfo=UTC)


def next_patch(version: str) -> str:
    """The version whose last number is one higher: 26.04.1 gives 26.04.2, 9.2-1 gives 9.2-2, 44 gives 45."""
    digits = len(version) - len(version.rstrip("0123456789"))
    return f"{version[: len(version) - digits]}{int(version[len(version) - digits :]) + 1}"
