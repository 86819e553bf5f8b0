"""What a large library costs, in statements and rows: neither grows with what nobody asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from isomanager.inventory import copies as copy_records
from isomanager.inventory import searching, shelf
from isomanager.inventory.searching import CopySearch
from isomanager.library.answering_why import why
from isomanager.library.checking import held_copies
from isomanager.library.opening import Library
from isomanager.library.planning_updates import plan_wants
from isomanager.library.pruning import prune_repository
from isomanager.model import (
    Action,
    ActionKind,
    Assurance,
    Copy,
    CopyState,
    Expectation,
    Keep,
    Offer,
    OutcomeKind,
    Selector,
    Subscription,
    Title,
)  # fmt: skip
from isomanager.planning.wanting import Resolution, Want
from isomanager.version import Version

START = datetime(2024, 1, 1, tzinfo=UTC)
PRODUCTS = ("debian", "fedora", "alpine")
EACH = 200


def filled(library: Library, each: int = EACH) -> None:
    """As many versions of every product, all brought by its subscription."""
    products = [library.catalogue.product(name) for name in PRODUCTS]
    copies = []
    for place, product in enumerate(products):
        for number in range(each):
            digest, when = f"{place}{number:063x}", START + timedelta(hours=number)
            title = Title(
                family=product.family, product=product.id, flavor=product.default_flavor, version=Version(f"{number + 1}.0"),
                architecture="x86_64",
            )  # fmt: skip
            copies.append(
                Copy(
                    id=f"{place}-{number}",
                    repository="default",
                    path=f"{product.id}/{number}.iso",
                    title=title,
                    state=CopyState.HELD,
                    sha256=digest,
                    size=1000 + number,
                    assurance=Assurance.SIGNED,
                    digests={"sha256": digest},
                    fingerprint=f"sha256:{digest}",
                    source=f"subscription:{product.id}",
                    created_at=when,
                    proved_at=when,
                    changed_at=when,
                )
            )
    library.inventory.import_copies(copies)


def old_copy(library: Library, name: str, number: int) -> Copy:
    """An older version of a product than `filled` has any."""
    first = next(library.inventory.search(CopySearch(products=(name,), order="version")))
    title = first.title.model_copy(update={"version": Version(f"0.{number}")})
    sha256 = f"e{number:063x}"
    return first.model_copy(
        update={"id": f"old-{number}", "path": f"{name}/old-{number}.iso", "title": title, "sha256": sha256}
    )


def lists_something(library: Library) -> None:
    """A repository that lists nothing loses nothing."""
    library.store("default").put_small("debian/0.iso", b"something")


def asked(library: Library, name: str, newest: int, *, answered: bool = True, keep: int = 1) -> Want:
    """A subscription to a product, and upstream's answer: the version `newest`, which is held."""
    product = library.catalogue.product(name)
    selector = library.canonical(Selector(product=product.id))
    subscription = Subscription(
        id=product.id, selector=selector, repositories=("default",), keep=Keep(last=keep), created_at=START
    )
    if not answered:
        return Want(subscription, ())
    (copy,) = library.inventory.search(CopySearch(products=(product.id,), version=f"{newest}.0"))
    offer = Offer(title=copy.title, filename="x.iso", urls=("https://vendor.example/x.iso",), digests=copy.digests)
    expected = Expectation(offer=offer, digests=copy.digests, size=copy.size, assurance=Assurance.SIGNED)
    return Want(subscription, (Resolution(expectation=expected),))


@dataclass
class Cost:
    """What was asked of the database: statements, and copies made of rows."""

    statements: int = 0
    copies: int = 0


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    """Counts while the real thing runs."""
    cost, made = Cost(), copy_records.copy_of

    def statement(*_: object) -> None:
        cost.statements += 1

    def counting(row: object) -> Copy:
        cost.copies += 1
        return made(row)  # type: ignore[arg-type]

    event.listen(Engine, "before_cursor_execute", statement)
    for reading in (copy_records, shelf):
        monkeypatch.setattr(reading, "copy_of", counting)
    try:
        yield cost
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        monkeypatch.undo()


def planned(library: Library, wants: list[Want], monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[Action, ...], Cost]:
    with counted(monkeypatch) as cost:
        made = plan_wants(library, wants)
    return made.actions, cost


def test_a_plan_reads_nothing_of_products_that_upstream_was_not_asked_about(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(library)
    lists_something(library)
    others = [asked(library, name, EACH, answered=False) for name in PRODUCTS]
    _, cost = planned(library, others, monkeypatch)
    assert cost.copies == 0
    _, cost = planned(library, [asked(library, "debian", EACH), *others[1:]], monkeypatch)
    assert cost.copies == EACH + 1, "those of its versions that may go, and once more the one that is wanted"


def test_a_plan_over_everything_reads_what_is_wanted_and_asks_no_more_for_more_products(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(library)
    lists_something(library)
    few = [asked(library, name, EACH, keep=EACH) for name in PRODUCTS[:1]]
    many = [asked(library, name, EACH, keep=EACH) for name in PRODUCTS]
    _, one = planned(library, few, monkeypatch)
    actions, three = planned(library, many, monkeypatch)
    assert [action.kind for action in actions] == [ActionKind.KEEP] * len(PRODUCTS)
    assert three.copies == len(PRODUCTS), "everything else stays, and need not be read for that"
    assert three.statements == one.statements


def test_a_plan_reads_no_product_whose_turn_does_not_come(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(library)
    lists_something(library)
    wants = [asked(library, "debian", EACH), asked(library, "fedora", EACH)]
    library.inventory.import_copies(
        [old_copy(library, "fedora", number) for number in range(library.settings.max_deletes)]
    )
    actions, cost = planned(library, wants, monkeypatch)
    gone = [action for action in actions if action.kind is ActionKind.RETIRE]
    assert {action.title.product for action in gone if action.title} == {"fedora"}
    assert len(gone) == library.settings.max_deletes
    assert cost.copies == 2 + EACH + library.settings.max_deletes, "nothing of debian but what is wanted of it"


def test_why_an_image_is_here_is_asked_of_its_own_kind_alone(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is called; its path begins as its product's images do, and a family's name is no product's."""
    filled(library)
    moved = old_copy(library, "debian", 1).model_copy(update={"path": "linux/debian/old.iso"})
    library.inventory.import_copies([moved])
    for name in (moved.path, moved.id, str(moved.title)):
        with counted(monkeypatch) as cost:
            (answer,) = why(library, name)
        assert (answer.path, answer.fate) == (moved.path, "stays")
        assert cost.copies == EACH + 2, "the versions that compete with it, and itself once more as a re-spin of itself"


def test_what_a_plan_lets_go_is_judged_again_without_reading_other_products(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(library)
    lists_something(library)
    wants = [asked(library, "debian", EACH), asked(library, "fedora", EACH)]
    going = plan_wants(library, wants).of_kind(ActionKind.RETIRE)
    with counted(monkeypatch) as cost:
        outcomes = prune_repository(library, "default", going[:1], wants)
    assert [(one.outcome, one.path) for one in outcomes] == [(OutcomeKind.RETIRED, going[0].path)]
    assert cost.copies < 2 * EACH + 50, "what competes with it, and of debian and fedora whose turn comes before"


def test_the_limits_of_a_run_count_all_that_is_held_not_only_what_was_read(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(library, 8)
    lists_something(library)
    monkeypatch.setenv("ISOMANAGER_MAX_DELETE_SHARE", "0.2")
    from isomanager.settings import load_settings

    with Library(load_settings()) as limited:
        actions = plan_wants(limited, [asked(limited, "debian", 8)]).actions
    assert sum(one.kind is ActionKind.RETIRE for one in actions) == 4, "a fifth of the 24 that the repository holds"


def test_a_page_of_a_list_makes_no_more_copies_than_it_shows(library: Library) -> None:
    filled(library)
    for wanted in (
        CopySearch(limit=20),
        CopySearch(limit=20, offset=300, order="version"),
        CopySearch(limit=20, text="iso"),
    ):
        assert len(list(library.inventory.search(wanted))) == 20
    all_of_them = [one.id for one in library.inventory.search(CopySearch(order="size"))]
    paged = [
        one.id
        for start in range(0, len(all_of_them), 70)
        for one in library.inventory.search(CopySearch(order="size", limit=70, offset=start))
    ]
    assert paged == all_of_them


def test_a_name_is_looked_for_without_reading_other_products(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(library)
    first = next(library.inventory.search(CopySearch(products=("debian",))))
    seen: list[str] = []
    made = searching.copy_of

    def counting(row: Sequence[object]) -> Copy:
        copy = made(row)
        seen.append(copy.title.product)
        return copy

    monkeypatch.setattr(searching, "copy_of", counting)
    for name in ("debian", f"debian/{first.title.flavor}@{first.title.version}", str(first.title), "Debian@3"):
        assert held_copies(library, [name])
    for name in (first.path, first.path.upper()):
        assert [one.id for one in held_copies(library, [name])] == [first.id]
    assert set(seen) == {"debian"}
    seen.clear()
    assert [one.id for one in held_copies(library, [first.id])] == [first.id]
    assert len(seen) == 1
