"""The inventory as a plan's shelf: it finds in its tables what is found among all copies, and so plans are the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from isomanager.inventory.inventory import Inventory
from isomanager.model import (
    Assurance,
    Copy,
    CopyState,
    Expectation,
    Family,
    Keep,
    Offer,
    Packing,
    RepositoryRecord,
    Selector,
    Subscription,
    Title,
)
from isomanager.planning.deciding import Rules
from isomanager.planning.shelf import CopiesOnHand
from isomanager.planning.update import plan_from
from isomanager.planning.wanting import ByHand, Guards, Resolution, Want, same_bytes, scope
from isomanager.version import Version

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = START + timedelta(days=100)
PRODUCTS = ("ubuntu", "debian")
REPOSITORIES = ("main", "nas")
ARCHITECTURES = ("x86_64", "aarch64")
VERSIONS = ("22.04", "24.04", "24.4", "24.04.1", "24.04.2", "24.10-beta", "24.10", "26.04")
"""Of which two are one version, spelled in two ways."""
GUARDS = Guards(max_deletes=3, max_delete_share=1.0, listed=frozenset(REPOSITORIES))


def a_title(version: str, product: str, architecture: str = "x86_64", edition: str = "") -> Title:
    words = {"flavor": "server", "architecture": architecture, "edition": edition}
    return Title(family=Family.LINUX, product=product, version=Version(version), **words)  # type: ignore[arg-type]


def a_copy(number: int, title: Title, spin: int = 0, **changes: object) -> Copy:
    digests = digests_of(title, spin)
    when = START + timedelta(hours=number)
    told = {
        "id": f"c{number:03}", "repository": "main", "path": f"{title.product}/{number * 7 % 100:02}-{number}.iso", "title": title,
        "state": CopyState.HELD, "sha256": digests["sha256"], "size": 100 + number, "assurance": Assurance.SIGNED, "digests": digests,
        "fingerprint": f"sha256:{digests['sha256']}", "filename": f"{number}.iso", "source": "subscription:a", "created_at": when,
        "proved_at": when, "changed_at": when,
    }  # fmt: skip
    return Copy.model_validate({**told, **changes})


def digests_of(title: Title, spin: int) -> dict[str, str]:
    word = f"{title.product}{title.version}{title.architecture}{spin}".encode().hex()
    return {"sha256": word.ljust(64, "0")[-64:], "sha512": word.ljust(128, "1")[-128:]}


def copies(luck: random.Random) -> Iterator[Copy]:
    for number in range(250):
        title = a_title(
            luck.choice(VERSIONS), product=luck.choice(PRODUCTS), architecture=luck.choice(ARCHITECTURES), edition=luck.choice(("", "", "pro"))
        )  # fmt: skip
        if luck.random() < 0.1:
            title = title.model_copy(update={"version": Version(title.version.text, -1)})
        states = [CopyState.HELD] * 8 + [CopyState.SUSPECT, CopyState.TRASHED]
        yield a_copy(
            number, title, luck.choice((0, 0, 0, 1)), repository=luck.choice(REPOSITORIES), state=luck.choice(states),
            source=luck.choice(("subscription:a", "subscription:b", "import")),
        )  # fmt: skip


def expectation(title: Title, spin: int = 0, algorithms: Sequence[str] = ("sha256",), **offer: object) -> Expectation:
    digests = {name: digest for name, digest in digests_of(title, spin).items() if name in algorithms}
    told = {"title": title, "filename": "x.iso", "urls": ("https://vendor.example/x.iso",), "digests": digests, **offer}
    return Expectation(offer=Offer.model_validate(told), digests=digests, size=100, assurance=Assurance.SIGNED)


def wants(luck: random.Random) -> list[Want]:
    found = []
    for place, product in enumerate(luck.choices(PRODUCTS, k=luck.randint(1, 3))):
        resolutions = []
        for architecture in ARCHITECTURES:
            title = a_title(luck.choice((*VERSIONS[3:], "26.04.1")), product=product, architecture=architecture)
            algorithms = luck.choice((("sha256",), ("sha512",), ("sha256", "sha512"), ()))
            resolutions.append(
                luck.choice(
                    [
                        Resolution(expectation=expectation(title, luck.choice((0, 1, 2)), algorithms)),
                        Resolution(expectation=expectation(title, 0, algorithms)),
                        Resolution(by_hand=ByHand("sign in", luck.choice((None, Version("25.04"))))),
                    ]
                )
            )
        subscription = Subscription(
            id=f"s{place}",
            selector=Selector(product=product),
            repositories=REPOSITORIES,
            keep=Keep(last=luck.randint(1, 4), days=luck.choice((0, 0, 95))),
            old=luck.choice(("trash", "trash", "keep")),
            created_at=START,
        )
        found.append(Want(subscription, tuple(resolutions)))
    return found


def selects(subscription: Subscription, title: Title) -> bool:
    return subscription.selector.product == title.product and not title.version.is_pre_release


@pytest.fixture
def filled(inventory: Inventory) -> Inventory:
    inventory.add_repository(RepositoryRecord(name="nas", url="file:///srv/nas", created_at=START))
    inventory.import_copies(copies(random.Random(7)))
    return inventory


def test_plans_are_those_that_are_made_of_all_copies(filled: Inventory) -> None:
    luck, on_hand = random.Random(8), CopiesOnHand(filled.copies())
    kinds = set()
    for _ in range(40):
        asked, rules = wants(luck), Rules(selects, GUARDS, force=luck.random() < 0.1)
        made = plan_from(asked, filled, rules, now=NOW)
        assert made == plan_from(asked, on_hand, rules, now=NOW)
        kinds |= {one.kind.value for one in made.actions}
    assert {"download", "keep", "retire", "refuse"} <= kinds


def test_groups_are_counted_as_copies_are(filled: Inventory) -> None:
    on_hand = CopiesOnHand(filled.copies())
    for products, repositories, more_than in (
        (PRODUCTS, REPOSITORIES, 0),
        (PRODUCTS, ("nas",), 4),
        (("debian",), REPOSITORIES, 2),
    ):
        found = {(one.repository, one.scope): one for one in filled.groups(products, repositories, more_than)}
        expected = {(one.repository, one.scope): one for one in on_hand.groups(products, repositories, more_than)}
        assert found.keys() == expected.keys()
        for here, one in found.items():
            assert one.count == expected[here].count
            oldest = expected[here].oldest
            assert (one.oldest is None) == (oldest is None)
            assert one.oldest is None or oldest is None or one.oldest <= oldest, (
                "what was brought in is no older than that"
            )
    assert filled.held_counts() == on_hand.held_counts()


def test_the_newest_come_first_and_one_version_in_the_order_of_paths(filled: Inventory) -> None:
    on_hand = CopiesOnHand(filled.copies())
    for repository in REPOSITORIES:
        for product in PRODUCTS:
            assert list(filled.newest_first(repository, product)) == list(on_hand.newest_first(repository, product))


@pytest.mark.parametrize(
    ("algorithms", "offer"),
    [
        (("sha256",), {}),
        (("sha512",), {}),
        (("sha256", "sha512"), {}),
        ((), {"etag": "a", "size": 5}),
        (("sha256",), {"packing": Packing(kind="xz", max_bytes=1000)}),
    ],
)
def test_twins_are_found_by_whatever_tells_of_bytes(
    filled: Inventory, algorithms: tuple[str, ...], offer: dict[str, object]
) -> None:
    expected = expectation(a_title("24.04.1", product="debian"), 0, algorithms, **offer)
    twin = a_copy(
        900, expected.offer.title, fingerprint=expected.fingerprint, filename="x.iso", path="twin.iso", repository="nas"
    )
    filled.import_copies([twin])
    found = filled.twins([expected])
    assert twin in found
    assert {
        one.id for one in filled.copies(product="debian", states={CopyState.HELD}) if same_bytes(one, expected)
    } <= {one.id for one in found}


def test_only_the_copies_of_a_scope_that_matter_are_rivals(filled: Inventory) -> None:
    title = a_title("24.04.2", product="debian")
    found = filled.rivals(title)
    everyone = CopiesOnHand(filled.copies()).rivals(title)
    no_older = [one.id for one in everyone if one.title.version >= title.version]
    assert no_older
    assert set(no_older) <= {one.id for one in found} < {one.id for one in everyone}
    assert {scope(one.title) for one in found} == {scope(title)}
