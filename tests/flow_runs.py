"""What tests of flows share: a library that is given, and how to read what a run reported."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from flows.reporting import RunFailed
from isomanager.library.opening import library_in_use
from isomanager.library.outcomes import RunReport
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Copy, CopyState, Selector, Subscription
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import INTERNAL

Found = TypeVar("Found")

INDEXES = {"SHA256SUMS", "inventory.json", "index.html", "aliases.json"}
PATIENCE = 120.0


class Given:
    """A library in this test's folder, and what a user or the world does to it between runs."""

    def __init__(self, folder: Path, upstream: SampleUpstream | None = None) -> None:
        self.repository = folder / "library"
        self._upstream = upstream

    def subscription(self, *selectors: str, **options: Any) -> tuple[Subscription, ...]:
        """Subscribe to each, to whatever can be proved: the sample comes over plain HTTP."""
        options.setdefault("floor", Assurance.MIRROR)
        with library_in_use() as library:
            return tuple(subscribe(library, Selector.parse(text), **options) for text in selectors)

    def copies(self, *states: CopyState, product: str | None = None) -> tuple[Copy, ...]:
        """The copies in these states; held ones when none is named."""
        with library_in_use() as library:
            return library.inventory.copies(states=set(states) or {CopyState.HELD}, product=product)

    def versions(self, product: str, *states: CopyState) -> list[str]:
        """The versions of a product, as text, sorted."""
        return sorted(copy.title.version.text for copy in self.copies(*states, product=product))

    def images(self) -> dict[str, str]:
        """SHA-256 by path of every file under a final name but the indexes; aliases are links, and no files."""
        return {
            file.relative_to(self.repository).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(self.repository.rglob("*"))
            if file.is_file()
            and not file.is_symlink()
            and file.name not in INDEXES
            and INTERNAL not in file.relative_to(self.repository).parts
        }

    def fetches(self, part: str = ".iso") -> int:
        """How often a body whose path contains `part`, and that is an image, was asked for."""
        assert self._upstream is not None
        return sum(
            one.method == "GET" and one.path.endswith(".iso") and part in one.path for one in self._upstream.requests
        )


def report_of(flow: Callable[..., RunReport], **parameters: Any) -> RunReport:
    """What the run reports, red or green."""
    try:
        return flow(**parameters)
    except RunFailed as failed:
        return failed.report


def outcomes_of(report: RunReport) -> dict[str, str]:
    """Outcome by product, of all but retirements."""
    return {one.title.product: one.outcome.value for one in report.outcomes if one.title and one.outcome != "retired"}


def eventually(ask: Callable[[], Found]) -> Found:
    """The first answer that is not empty: Prefect records runs and events a moment after they happened."""
    until = monotonic() + PATIENCE
    while not (answer := ask()):
        assert monotonic() < until, "it never came"
        sleep(0.1)
    return answer
