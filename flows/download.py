"""Download: bring in one image that a person or a pipeline names, without subscribing to it."""

from __future__ import annotations

from time import monotonic
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.reporting import finish, show_plan
from flows.running import image_threads, named, running
from flows.update import bring_in_all, settled
from isomanager.library.indexing import refresh_indexes
from isomanager.library.outcomes import RunReport
from isomanager.library.recording import recorded
from isomanager.library.recovering import recover
from isomanager.library.requesting import Asked, parts_selector, plan_download

VersionPart = Annotated[str, Field(pattern=r"^(latest|[0-9A-Za-z][0-9A-Za-z~+_-]*)$")]


@flow(name="download", flow_run_name=named("download"), task_runner=image_threads(), persist_result=False)
def download(
    product: str = "",
    flavor: str = "",
    major: VersionPart = "latest",
    minor: VersionPart = "latest",
    patch: VersionPart = "latest",
    architectures: list[str] = [],  # noqa: B006 - never changed
    languages: list[str] = [],  # noqa: B006
    editions: list[str] = [],  # noqa: B006
    repository: str = "default",
    selector: str = "",
    url: str = "",
    name: str = "",
    sha256: str = "",
    force: bool = False,
    accept_unproved: bool = False,
    torrent: str = "",
    accept: bool = False,
) -> RunReport:
    """Download once: fetch, prove and publish one image. It stays until a person removes it.

    Args:
        product: What to fetch. Leave it empty to give a selector, an address or a torrent below.
        flavor: Its variant; empty for the usual one.
        major: First part of the version, such as 24, or latest.
        minor: Second part, such as 04, or latest. It can only be exact if the first part is.
        patch: Third part, such as 3, or latest. It can only be exact if the second part is.
        architectures: Such as x86_64 or aarch64; none means the product's default.
        languages: Where a product comes in several; none means its default.
        editions: Where a product comes in several.
        repository: The name of the repository to put it in.
        selector: Instead of all the above, in one: PRODUCT[/FLAVOR][@VERSION], such as ubuntu/server@24.04 or debian@lts.
        url: An address of your own instead of a product.
        name: What to call the image at that address.
        sha256: Its SHA-256, if you know it: the image is then proved by it.
        force: Fetch again what is already held.
        accept_unproved: Also accept an image for which there is no proof of any kind.
        torrent: Fetch it by this torrent: the address of a .torrent, a magnet link or an info hash. Alone, or with a selector.
        accept: Believe an answer that surprises (older, far newer, another size) although nobody else bears it out.
    """
    started = monotonic()
    with running() as library:
        found = recover(library)
        asked = Asked(
            selector=selector or parts_selector(product, flavor, major, minor, patch),
            architectures=tuple(architectures),
            languages=tuple(languages),
            editions=tuple(editions),
            repository=repository,
            url=url,
            name=name,
            sha256=sha256,
            force=force,
            accept_unproved=accept_unproved,
            torrent=torrent,
            accept=accept,
        )
        plan = plan_download(library, asked)
        show_plan(plan)
        with recorded(library, "download") as record:
            outcomes = record((*settled(plan), *bring_in_all(plan)))
        indexes = refresh_indexes(library)
        report = RunReport(
            plan=plan, outcomes=outcomes, recovered=found, indexes=indexes, seconds=monotonic() - started
        )
        return finish(library, report)
