"""The vendors' sites as a folder on disk: built once, reused, and changed only in steps that a reader cannot catch half done.

    FOLDER/www/…           what is served
    FOLDER/site.json       what has been released, and where aliases lead
    FOLDER/private/key.pgp the throw-away signing key
    FOLDER/catalogue/…     product files for the running server (see isomanager.sample.products)

Images appear before the documents that name them, checksums before signatures, and each by a rename, so that another process
may publish while one serves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from isomanager.errors import UsageError
from isomanager.sample.images import build_iso
from isomanager.sample.placement import place
from isomanager.sample.releases import Published, Release
from isomanager.sample.signing import SigningKey
from isomanager.sample.vendors import VENDORS, Documents, Vendor

_FORMAT = 1
_LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class SiteState:
    """What site.json says. `scale` multiplies the images' padding; `base_url` is where the site was last served."""

    base_url: str = ""
    scale: float = 1.0
    published: tuple[Published, ...] = ()

    def of(self, vendor: str) -> tuple[Published, ...]:
        """What one vendor has published."""
        return tuple(one for one in self.published if one.release.vendor == vendor)

    def aliases(self) -> dict[str, str]:
        """Where redirecting addresses lead; both sides relative to the site."""
        return {alias: path for one in VENDORS.values() for alias, path in one.aliases(self.of(one.name)).items()}

    def as_json(self) -> dict[str, Any]:
        """The form on disk."""
        published = [one.as_json() for one in self.published]
        return {"format": _FORMAT, "base_url": self.base_url, "scale": self.scale, "published": published}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> SiteState:
        """What `as_json` wrote."""
        return cls(told["base_url"], told["scale"], tuple(Published.from_json(one) for one in told["published"]))


class Site:
    """A folder laid out as the vendors do. Open it with `open_site`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.www = folder / "www"
        self.key = SigningKey.kept_in(folder / "private" / "key.pgp")
        self._state_file = folder / "site.json"
        self._lock = FileLock(folder / ".lock", timeout=_LOCK_SECONDS)

    @property
    def state(self) -> SiteState:
        """What has been released, as of now: another process may have published since."""
        return SiteState.from_json(json.loads(self._state_file.read_bytes()))

    def publish_point_release(self, vendor: str) -> tuple[Release, ...]:
        """Release the vendor's next version: images first, then the documents that name them. Gives what is new."""
        maker = self._vendor(vendor)
        with self._lock:
            state = self.state
            releases = tuple(_scaled(one, state.scale) for one in maker.successors(state.of(vendor)))
            self._apply(state, maker, releases)
        return releases

    def publish_release(self, release: Release) -> None:
        """The vendor releases just this, whatever its number."""
        with self._lock:
            state = self.state
            self._apply(state, self._vendor(release.vendor), (_scaled(release, state.scale),))

    def respin(self, path: str) -> Release:
        """Replace the file at `path` (relative to the site) by other bytes of the same version, and sign again."""
        with self._lock:
            state = self.state
            release = next((one.release for one in state.published if one.release.path == path), None)
            if release is None:
                raise UsageError(f"The sample site has no image at {path}.", hint="Give a path as its index shows it.")
            respun = release.respun()
            self._apply(state, self._vendor(respun.vendor), (respun,))
        return respun

    def serve_at(self, base_url: str) -> None:
        """Make the documents that carry whole addresses (granite's API) say `base_url`."""
        with self._lock:
            state = replace(self.state, base_url=base_url)
            documents = VENDORS["granite"].documents(state.of("granite"), base_url, self.key)
            self._place({path: content for path, content in documents.items() if path.endswith(".json")}, state)
            self._remember(state)

    def build(self, scale: float) -> None:
        """Everything the vendors released first."""
        with self._lock:
            if self._state_file.exists():
                return
            place(self.www / "keys" / f"{self.key.fingerprint}.asc", self.key.public)
            state = SiteState(scale=scale)
            for vendor in VENDORS.values():
                releases = tuple(_scaled(one, scale) for one in vendor.first)
                state = self._apply(state, vendor, releases, remember=False)
            self._remember(state)

    def _apply(
        self, state: SiteState, vendor: Vendor, releases: Iterable[Release], *, remember: bool = True
    ) -> SiteState:
        built = tuple(self._build(one) for one in releases)
        paths = {one.release.path for one in built}
        kept = tuple(one for one in state.published if one.release.path not in paths)
        after = replace(state, published=kept + built)
        folders = {one.release.folder for one in built}
        documents = vendor.documents(after.of(vendor.name), state.base_url, self.key)
        self._place({path: text for path, text in documents.items() if _concerns(path, folders)}, after)
        if remember:
            self._remember(after)
        return after

    def _build(self, release: Release) -> Published:
        return Published.of(release, build_iso(self.www / release.path, release.spec()))

    def _place(self, documents: Documents, state: SiteState) -> None:
        newest = max(one.release.modified_at for one in state.published)
        for path, content in documents.items():
            dates = [one.release.modified_at for one in state.published if _concerns(path, {one.release.folder})]
            if not _holds(self.www / path, content):  # an unchanged file keeps its ETag and date
                place(self.www / path, content, max(dates, default=newest))

    def _remember(self, state: SiteState) -> None:
        place(self._state_file, json.dumps(state.as_json(), indent=1).encode())

    @staticmethod
    def _vendor(name: str) -> Vendor:
        if name not in VENDORS:
            raise UsageError(f"The sample has no vendor '{name}'.", hint=f"It has {', '.join(VENDORS)}.", vendor=name)
        return VENDORS[name]


def open_site(folder: Path, *, scale: float = 1.0) -> Site:
    """The site in `folder`, built when there is none yet (or one of an older form, which is replaced).

    `scale` multiplies the images' padding of 1 to 3 MiB; it counts only when the site is built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear_other_forms(folder)
    site = Site(folder)
    site.build(scale)
    return site


def _clear_other_forms(folder: Path) -> None:
    state_file = folder / "site.json"
    if state_file.exists() and json.loads(state_file.read_bytes()).get("format") != _FORMAT:
        state_file.unlink()


def _concerns(path: str, folders: set[str]) -> bool:
    """Whether a document speaks of what stands in `folders`: it stands there too, or is an API above them."""
    parent = path.rpartition("/")[0]
    return parent in folders or (path.endswith(".json") and any(one.startswith(f"{parent}/") for one in folders))


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _scaled(release: Release, scale: float) -> Release:
    return replace(release, payload=max(1, int(release.payload * scale)))
