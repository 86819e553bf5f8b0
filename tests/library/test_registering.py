from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain_update import bring_in, update
from isomanager.errors import Refused, StoreError
from isomanager.library.downloading import download_reserved
from isomanager.library.opening import Library
from isomanager.library.recovering import INTERRUPTED, recover
from isomanager.library.registering import register, verify_received
from isomanager.library.reserving import Reservation, reserved
from isomanager.model import Action, CopyState, OutcomeKind, Receipt, Received
from isomanager.sample.faults import FaultKind, flip_bit
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.receipts import receipts_of
from library.conftest import SERVER, PlanFor, held, only_download


@contextmanager
def verified(library: Library, action: Action) -> Iterator[tuple[Reservation, Received, Receipt]]:
    """Everything up to registering."""
    with reserved(library, action) as reservation:
        received = download_reserved(library, reservation)
        yield reservation, received, verify_received(library, reservation, received)


def test_the_receipt_is_in_the_repository_before_the_image_is(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    action = only_download(plan_for(SERVER))
    with verified(library, action) as (reservation, received, receipt):
        in_the_way = repository / reservation.copy.path
        in_the_way.parent.mkdir(parents=True)
        in_the_way.write_bytes(b"somebody else was quicker")
        with pytest.raises(StoreError) as wrong:
            register(library, reservation, received, receipt)
        assert wrong.value.code == "name-taken"
        assert receipts_of(library.store("default"), receipt.sha256) == (receipt,)
        assert in_the_way.read_bytes() == b"somebody else was quicker"
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    (copy,) = held(library)
    assert copy.path != in_the_way.relative_to(repository).as_posix()
    assert in_the_way.read_bytes() == b"somebody else was quicker"


def test_a_name_taken_by_other_bytes_of_the_same_size_is_given_up_too(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    action = only_download(plan_for(SERVER))
    with verified(library, action) as (reservation, received, receipt):
        in_the_way = repository / reservation.copy.path
        in_the_way.parent.mkdir(parents=True)
        in_the_way.write_bytes(b"x" * receipt.size)
        with pytest.raises(StoreError):
            register(library, reservation, received, receipt)
    assert [one.outcome for one in update(library)] == [OutcomeKind.PUBLISHED]
    assert set(in_the_way.read_bytes()) == {ord("x")}
    assert library.inventory.copies(states=INTERRUPTED) == ()


def test_registering_again_changes_nothing(library: Library, plan_for: PlanFor) -> None:
    with verified(library, only_download(plan_for(SERVER))) as (reservation, received, receipt):
        (partial,) = library.store("default").partials()
        library.store("default").reopen(partial).publish(receipt.size)  # and then the database did not answer
        library.inventory.transition(
            reservation.copy.id,
            CopyState.PUBLISHING,
            expected=CopyState.RECEIVED,
            lease=reservation.lease,
        )
        assert register(library, reservation, received, receipt).state is CopyState.HELD
    assert len(library.inventory.receipts(receipt.sha256)) == 1


def test_what_stands_under_the_name_is_believed_only_after_reading_it(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    with verified(library, only_download(plan_for(SERVER))) as (reservation, received, receipt):
        (partial,) = library.store("default").partials()
        opened = library.store("default").reopen(partial)
        opened.publish(receipt.size)
        opened.discard()
        file = repository / reservation.copy.path
        file.write_bytes(flip_bit(file.read_bytes(), 99))
        with pytest.raises(StoreError) as wrong:
            register(library, reservation, received, receipt)
        assert wrong.value.code == "missing"
    assert held(library) == ()


def test_wrong_bytes_are_gone_remembered_and_never_published(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor
) -> None:
    upstream.fault(FaultKind.FLIP_BIT, "*.iso", at=7)
    with reserved(library, only_download(plan_for(SERVER))) as reservation:
        received = download_reserved(library, reservation)
        with pytest.raises(Refused) as wrong:
            verify_received(library, reservation, received)
    assert wrong.value.code == "upstream-broken"
    assert list(library.store("default").list()) == list(library.store("default").partials()) == []
    assert library.inventory.copy(reservation.copy.id).state is CopyState.GONE
    (refused,) = library.inventory.quarantined()
    assert refused.code == "upstream-broken"


def test_the_bytes_that_are_held_already_are_not_published_twice(library: Library, plan_for: PlanFor) -> None:
    plan = plan_for(SERVER)
    first = bring_in(library, only_download(plan), plan)
    forced = plan.model_copy(update={"made_at": library.now()})
    with verified(library, only_download(forced)) as (reservation, received, receipt):
        copy = register(library, reservation, received, receipt)
    assert copy.path == first.path
    assert [one.path for one in library.store("default").list()] == [first.path]
    assert recover(library) == ()


def test_a_held_copy_that_is_damaged_does_not_stand_in_for_what_came(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    plan = plan_for(SERVER)
    first = bring_in(library, only_download(plan), plan)
    damaged = repository / first.path
    damaged.write_bytes(flip_bit(damaged.read_bytes(), 3))
    with verified(library, only_download(plan)) as (reservation, received, receipt):
        copy = register(library, reservation, received, receipt)
    assert copy.path != first.path
    assert [one.path for one in library.inventory.copies(states={CopyState.SUSPECT})] == [first.path]
