"""The sample upstream as one thing to start and stop: the site, the server in front of it, and product files that lead to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from isomanager.sample.faults import Fault, FaultKind
from isomanager.sample.folder import ServedFolder
from isomanager.sample.forgery import forger
from isomanager.sample.products import write_products
from isomanager.sample.releases import Release
from isomanager.sample.server import SampleServer, Seen
from isomanager.sample.site import Site, open_site
from isomanager.sample.vendors import VENDORS


class SampleUpstream:
    """Builds or reuses the site in `folder` and serves it on loopback.

    `port` 0 takes a free one; `scale` multiplies the images' padding of 1 to 3 MiB when the site is first built; `rate` limits
    every image to so many bytes a second, so that progress can be watched. Use it as a context manager.
    """

    def __init__(self, folder: Path, *, port: int = 0, scale: float = 1.0, rate: int | None = None) -> None:
        self.site: Site = open_site(folder, scale=scale)
        served = ServedFolder(self.site.www, _dialect, lambda: self.site.state.aliases())
        self.server = SampleServer(served, port=port, forge=forger(self.site.www))
        self.catalogue_folder = folder / "catalogue"
        self._rate = rate

    def start(self) -> SampleUpstream:
        """Serve, and write the product files for the address this is served at."""
        try:
            self.site.serve_at(self.url)
            write_products(self.catalogue_folder, self.url, self.site.key.fingerprint)
        except BaseException:
            self.server.server_close()
            raise
        self.clear_faults()
        self.server.start()
        return self

    def stop(self) -> None:
        """End every connection and close the port. The site stays on disk."""
        self.server.stop()

    def __enter__(self) -> SampleUpstream:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return self.server.url

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, oldest first."""
        return self.server.requests

    @property
    def key_fingerprint(self) -> str:
        """The primary fingerprint that the product files pin."""
        return self.site.key.fingerprint

    def fault(self, kind: FaultKind | str, pattern: str = "*", **numbers: Any) -> Fault:
        """Put a fault in force; `numbers` are the fields of Fault. Gives it back, to release it or to wait until it strikes."""
        return self.server.faults.add(Fault(FaultKind(kind), pattern, **numbers))

    def clear_faults(self) -> None:
        """All is well again, at the rate this was made with."""
        self.server.faults.clear()
        if self._rate is not None:
            self.fault(FaultKind.SLOW, "*.iso", rate=self._rate)

    def publish(self, vendor: str) -> tuple[Release, ...]:
        """The vendor releases its next version."""
        return self.site.publish_point_release(vendor)

    def respin(self, path: str) -> Release:
        """The image at `path` (relative to the site) gets new bytes under its old name."""
        return self.site.respin(path)

    def image(self, path: str) -> bytes:
        """The bytes that stand at `path` (relative to the site)."""
        return (self.site.www / path).read_bytes()


def _dialect(path: str) -> str:
    vendor = VENDORS.get(path.split("/")[1])
    return vendor.dialect if vendor else "apache"


OnReady = Callable[[SampleUpstream], None]
"""Called once the sample upstream answers."""
