"""Get: where a proved copy of what a pipeline asks for is, fetched first if it is not held; one download however many ask."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypedDict

from filelock import FileLock, Timeout

from isomanager.errors import Cancelled
from isomanager.library.finding import location, newest_held
from isomanager.library.opening import DEFAULT, Library
from isomanager.library.requesting import Asked, plan_download
from isomanager.model import Copy, Plan, Selector
from isomanager.storage.durable import make_folders

_ASKS_EVERY = 1.0


class Got(TypedDict):
    """A proved copy, in plain values that any program can read.

    `location` is a path on the library's machine or an address in a store; `size` in bytes; `fetched` says that this very
    request brought it; `proved_at` in ISO 8601. `iso_url` and `iso_checksum` are what Packer and Terraform call the first two.
    """

    location: str
    sha256: str
    iso_url: str
    iso_checksum: str
    repository: str
    path: str
    family: str
    product: str
    flavor: str
    version: str
    architecture: str
    language: str
    edition: str
    size: int
    assurance: str
    proved_at: str
    fetched: bool


def got(library: Library, copy: Copy, *, fetched: bool) -> Got:
    """What is told of a held copy."""
    place, title, sha256 = location(library, copy), copy.title, copy.sha256 or ""
    return Got(
        location=place,
        sha256=sha256,
        iso_url=place,
        iso_checksum=f"sha256:{sha256}",
        repository=copy.repository,
        path=copy.path,
        family=title.family.value,
        product=title.product,
        flavor=title.flavor,
        version=title.version.text,
        architecture=title.architecture,
        language=title.language,
        edition=title.edition,
        size=copy.size or 0,
        assurance=copy.assurance.value,
        proved_at=copy.proved_at.isoformat() if copy.proved_at else "",
        fetched=fetched,
    )


def held_or_fetched(library: Library, asked: Asked, fetch: Callable[[Plan], None]) -> Got | None:
    """A proved copy that fits; if there is none, `fetch` carries out the plan that brings it. None when it did not bring one.

    An empty repository takes a copy wherever it is held, and fetches into the default one. Raises as `plan_download` does.
    """
    selector = library.canonical(
        Selector.parse(
            asked.selector, architectures=asked.architectures, languages=asked.languages, editions=asked.editions
        )
    )
    where = asked.repository or None
    if where is not None:
        library.inventory.repository(where)
    held = newest_held(library, selector, where)
    if held is not None:
        return got(library, held, fetched=False)
    with _one_at_a_time(library, selector, asked.repository):
        held = newest_held(library, selector, where)
        if held is not None:  # somebody else has brought it meanwhile
            return got(library, held, fetched=False)
        fetch(plan_download(library, replace(asked, repository=asked.repository or DEFAULT)))
        held = newest_held(library, selector, where)
        return got(library, held, fetched=True) if held is not None else None


@contextmanager
def _one_at_a_time(library: Library, selector: Selector, repository: str) -> Iterator[None]:
    """One request for a product's flavor at a time, over all threads and processes of this machine that use the data folder.

    Whatever their version rules: `ubuntu@lts` and `ubuntu@24.04` may mean the same image.
    """
    parts = (selector.product, selector.flavor, *selector.architectures, *selector.languages, repository)
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    folder = library.settings.data_folder / "getting"
    make_folders(folder)
    lock = FileLock(folder / f"{name}.lock")
    while True:
        try:
            lock.acquire(timeout=_ASKS_EVERY, poll_interval=0.1)
            break
        except Timeout:
            if library.stop.is_set():
                raise Cancelled("Stopped while waiting for another request for the same image.") from None
    try:
        yield
    finally:
        lock.release()
