"""How long asking a library of many images takes: a page of a list, all of it as JSON, a search, statistics, a plan.

    .venv/bin/python -m bench.inventory [--copies 100000] [--rounds 5]

The library is generated: copies spread over the products of the catalogue, their versions, architectures and four repositories.
Each question is a process of its own where a person would run a command, and a call where a flow would make it; medians are
printed, with the memory that the process took at its highest.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from isomanager.inventory.searching import CopySearch
from isomanager.library.opening import Library
from isomanager.model import (
    Assurance,
    Copy,
    CopyState,
    Expectation,
    Keep,
    Offer,
    RepositoryRecord,
    Selector,
    Subscription,
    Title,
)
from isomanager.planning.wanting import Resolution, Want
from isomanager.settings import Settings
from isomanager.version import Version

REPOSITORIES = ("default", "nas", "bucket", "lab")
START = datetime(2024, 1, 1, tzinfo=UTC)


def copies(library: Library, count: int) -> Iterator[Copy]:
    """As many held copies: every product has as many versions as it takes."""
    products = library.catalogue.products
    for number in range(count):
        product = products[number % len(products)]
        place = number // len(products)
        title = Title(
            family=product.family,
            product=product.id,
            flavor=list(product.flavors)[place % len(product.flavors)],
            version=Version(f"{20 + place // 40}.{place // 4 % 10}.{place}"),
            architecture=product.architectures[place % len(product.architectures)],
        )
        repository = REPOSITORIES[place % len(REPOSITORIES)]
        when = START + timedelta(minutes=number)
        digest = f"{number:064x}"
        yield Copy(
            id=f"{number:032x}", repository=repository, path=f"{product.family}/{product.id}/{number}.iso", title=title,
            state=CopyState.HELD, sha256=digest, size=(1 << 20) + number, assurance=Assurance.SIGNED,
            digests={"sha256": digest}, fingerprint=f"sha256:{digest}", filename=f"{product.id}-{number}.iso",
            source=f"subscription:{product.id}", created_at=when, proved_at=when, changed_at=when,
        )  # fmt: skip


def generate(settings: Settings, count: int) -> None:
    """Make the library: repositories, copies, and one subscription for each product and its default flavor."""
    with Library(settings) as library:
        for name in REPOSITORIES[1:]:
            place = settings.data_folder / name
            place.mkdir(parents=True)
            library.inventory.add_repository(RepositoryRecord(name=name, url=str(place), created_at=START))
        for name in REPOSITORIES:
            # a repository that lists nothing loses nothing
            library.store(name).put_small("something.iso", b"something")
        library.inventory.import_copies(copies(library, count))
        for product in library.catalogue.products:
            for flavor in list(product.flavors)[:2]:
                library.inventory.add_subscription(
                    Subscription(
                        id=f"{product.id}-{flavor}",
                        selector=Selector(product=product.id, flavor=flavor),
                        repositories=REPOSITORIES,
                        keep=Keep(last=2),
                        created_at=START,
                    )
                )


def command(*arguments: str) -> Callable[[], None]:
    """The installed command, as a process of its own."""

    def run() -> None:
        program = [str(Path(sys.executable).with_name("isomanager")), *arguments]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL)

    return run


def plan(settings: Settings, only: str = "") -> Callable[[], None]:
    """Planning alone, as if upstream had answered every subscription (or those of one product) with the newest that is held."""

    def run() -> None:
        from isomanager.library.planning_updates import plan_wants

        with Library(settings) as library:
            plan_wants(library, [answered(library, one, only) for one in library.inventory.subscriptions()])

    return run


def answered(library: Library, subscription: Subscription, only: str) -> Want:
    """The subscription with the newest copy held of it as upstream's answer."""
    selector = subscription.selector
    if only not in ("", selector.product):
        return Want(subscription, ())
    wanted = CopySearch(
        products=(selector.product,), flavors=(selector.flavor or "",), order="version", descending=True
    )
    copy = next(library.inventory.search(wanted.model_copy(update={"limit": 1})), None)
    if copy is None:
        return Want(subscription, ())
    offer = Offer(
        title=copy.title, filename=copy.filename, urls=("https://vendor.example/x.iso",), digests=copy.digests
    )
    expected = Expectation(offer=offer, digests=copy.digests, size=copy.size, assurance=copy.assurance)
    return Want(subscription, (Resolution(expectation=expected),))


def measured(name: str, ask: Callable[[], None], rounds: int) -> None:
    """Print the median of the seconds that `ask` takes, and the highest memory of any process it started."""
    seconds = []
    for _ in range(rounds):
        started = perf_counter()
        ask()
        seconds.append(perf_counter() - started)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{name:34} {statistics.median(seconds):7.2f} s   {memory:6.0f} MiB")


def main() -> None:
    """Generate, ask, print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--copies", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place: dict[str, Any] = {"data_folder": Path(folder), "default_repository": str(Path(folder) / "library")}
        os.environ |= {f"ISOMANAGER_{name.upper()}": str(value) for name, value in place.items()}
        settings = Settings(**place)
        generate(settings, given.copies)
        print(f"{given.copies} copies, medians of {given.rounds}, memory is the highest so far")
        measured("isomanager --version", command("--version"), given.rounds)
        measured("list, one page", command("list", "--limit", "50"), given.rounds)
        measured(
            "list, by version, newest first",
            command("list", "--sort", "version", "--reverse", "--limit", "50"),
            given.rounds,
        )
        measured("list of a product", command("list", "debian", "--limit", "50"), given.rounds)
        measured("search by text", command("list", "--text", "debian 4242", "--limit", "50"), given.rounds)
        measured("list --stats", command("list", "--stats"), given.rounds)
        measured("list --json, all of it", command("list", "--json"), given.rounds)
        measured("plan, one product asked about", plan(settings, "debian"), given.rounds)
        measured("plan, every product asked about", plan(settings), given.rounds)


if __name__ == "__main__":
    main()
