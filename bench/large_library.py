"""A generated library of many images, and plans for it: what `bench.inventory` measures, each in a process of its own.

    python -m bench.large_library generate 100000
    python -m bench.large_library plan debian 2
    python -m bench.large_library do index

The settings say where it lies. Copies are spread over the products of the catalogue, their versions, architectures and four
repositories.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import process_time

from isomanager.inventory.searching import CopySearch
from isomanager.library.mounting import take_folder
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
from isomanager.settings import Settings, load_settings
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
            take_folder(library.store(name))
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


def make_plan(only: str, keep: int) -> None:
    """Plan as if upstream had answered every subscription (or those of one product) with the newest that is held; print the
    processor's seconds of planning alone."""
    from isomanager.library.planning_updates import plan_wants

    with Library(load_settings()) as library:
        policy = {"keep": Keep(last=keep)}
        subscriptions = [one.model_copy(update=policy) for one in library.inventory.subscriptions()]
        wants = [answered(library, one, only) for one in subscriptions]
        started = process_time()
        made = plan_wants(library, wants)
        print(f"{process_time() - started:.2f} {len(made.actions)}")


def do(verb: str, again: str = "") -> None:
    """One thing that is done with a repository of the library, or with all of it; print the processor's seconds of that alone."""
    from isomanager.library import bundling, deduping, relocating
    from isomanager.library.indexing import refresh_index

    with Library(load_settings()) as library:
        if verb == "index" and not again:
            for path in ("SHA256SUMS", "inventory.json", "index.html"):
                library.store("nas").delete(path)
        verbs: dict[str, Callable[[], Sequence[object]]] = {
            "index": lambda: refresh_index(library, "nas"),
            "dedupe": lambda: deduping.plan_duplicates(library),
            "layout": lambda: relocating.plan_layout(library, "nas", "by-version"),
            "bundle": lambda: bundling.plan_bundle(library, (), "nas", frozenset()).going,
        }
        started = process_time()
        made = verbs[verb]()
        print(f"{process_time() - started:.2f} {len(made)}")


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


def main() -> None:
    """Generate; or plan, for one product or for `all`, with so many versions to keep; or do one thing."""
    what, *words = sys.argv[1:]
    if what == "generate":
        generate(load_settings(), int(words[0]))
    elif what == "do":
        do(*words)
    else:
        make_plan("" if words[0] == "all" else words[0], int(words[1]))


if __name__ == "__main__":
    main()
