from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from isomanager.errors import InventoryError, LeaseLost
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.leases import Lease
from isomanager.inventory.life import FOLLOWS
from isomanager.model import Assurance, Copy, CopyState, Receipt, RepositoryRecord, Title

MakeCopy = Callable[..., Copy]
MakeReceipt = Callable[..., Receipt]


def code_of(wrong: pytest.ExceptionInfo[InventoryError]) -> str:
    return wrong.value.code


def publishing(inventory: Inventory, copy: Copy, receipt: Receipt) -> tuple[Copy, Lease]:
    """A copy on the brink of being held, and the lease under which it is worked on."""
    lease = inventory.acquire(f"copy:{copy.id}", "tester")
    assert lease is not None
    inventory.reserve(copy, lease)
    received = {"sha256": receipt.sha256, "size": receipt.size, "digests": receipt.digests}
    inventory.transition(copy.id, CopyState.RECEIVED, expected=CopyState.RESERVED, lease=lease, **received)
    return inventory.transition(copy.id, CopyState.PUBLISHING, expected=CopyState.RECEIVED, lease=lease), lease


def held(inventory: Inventory, copy: Copy, receipt: Receipt) -> Copy:
    _, lease = publishing(inventory, copy, receipt)
    done = inventory.record_published(copy.id, receipt, lease)
    inventory.release(lease)
    return done


def test_a_copy_comes_back_as_it_was_given(inventory: Inventory, make_copy: MakeCopy) -> None:
    copy = make_copy(
        state="reserved",
        fingerprint="sha256:00",
        digests={"md5": "aa"},
        source="https://releases.ubuntu.com/x.iso",
        partial="p1",
        path="Linux/Ünï — Server/ü.iso",
    )
    assert inventory.reserve(copy) == copy
    assert inventory.copy(copy.id) == copy
    assert inventory.copies() == (copy,)


def test_a_path_is_reserved_once_whatever_its_case(inventory: Inventory, make_copy: MakeCopy) -> None:
    inventory.reserve(make_copy("Linux/Straße é.iso"))
    for spelling in ("Linux/Straße é.iso", "linux/STRASSE É.ISO", "Linux/Straße e\u0301.iso"):
        with pytest.raises(InventoryError, match=r"is taken by ubuntu/server@24\.04\.3") as wrong:
            inventory.reserve(make_copy(spelling))
        assert code_of(wrong) == "name-taken"
        assert inventory.copy_at("main", spelling) is not None


def test_two_repositories_may_have_the_same_path(inventory: Inventory, make_copy: MakeCopy) -> None:
    inventory.add_repository(RepositoryRecord(name="other", url="/o", created_at=make_copy().created_at))
    inventory.reserve(make_copy())
    inventory.reserve(make_copy(repository="other"))
    assert len(inventory.copies()) == 2
    assert len(inventory.copies("other")) == 1


def test_a_reservation_says_what_is_wrong(inventory: Inventory, make_copy: MakeCopy) -> None:
    copy = inventory.reserve(make_copy())
    with pytest.raises(InventoryError) as wrong:
        inventory.reserve(make_copy(repository="nowhere"))
    assert code_of(wrong) == "unknown-repository"
    with pytest.raises(InventoryError) as wrong:
        inventory.reserve(make_copy("other.iso", id=copy.id))
    assert code_of(wrong) == "copy-exists"
    with pytest.raises(InventoryError, match="begins as reserved"):
        inventory.reserve(make_copy("third.iso", state="held"))


def test_a_copy_lives_its_whole_life(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt, clock: Any
) -> None:
    copy = held(inventory, make_copy(), make_receipt())
    assert copy.state == CopyState.HELD
    assert copy.assurance == Assurance.SIGNED
    assert copy.proved_at == make_receipt().proved_at
    assert inventory.receipts(copy.sha256 or "") == (make_receipt(),)
    way = [CopyState.SUSPECT, CopyState.HELD, CopyState.RETIRING, CopyState.TRASHED, CopyState.RESTORING]
    for before, after in itertools.pairwise([CopyState.HELD, *way, CopyState.HELD]):
        clock.pass_(seconds=1)
        copy = inventory.transition(copy.id, after, expected=before)
        assert inventory.copy(copy.id) == copy
        assert copy.changed_at == clock.now
    gone = inventory.transition(copy.id, CopyState.GONE, expected=CopyState.HELD, reason="Removed by hand.")
    assert gone.reason == "Removed by hand."
    assert inventory.copy_at("main", copy.path) is None


def test_every_step_that_a_life_does_not_have_is_refused(inventory: Inventory, make_copy: MakeCopy, clock: Any) -> None:
    copies = [
        make_copy(f"{state}-{to}.iso", state=state, sha256="ab" * 32, size=1)
        for state, to in itertools.product(CopyState, CopyState)
    ]
    inventory.import_copies(copies)
    for copy, (state, to) in zip(copies, itertools.product(CopyState, CopyState), strict=True):
        unproved = (state, to) == (CopyState.PUBLISHING, CopyState.HELD)
        if (to in FOLLOWS[state] or (to == state and state != CopyState.GONE)) and not unproved:
            assert inventory.transition(copy.id, to, expected=state, reason="test").state == to
        else:
            with pytest.raises(InventoryError) as wrong:
                inventory.transition(copy.id, to, expected=state, reason="test")
            assert code_of(wrong) == "illegal-transition"
            assert inventory.copy(copy.id) == copy


def test_a_step_decided_from_another_state_is_refused(inventory: Inventory, make_copy: MakeCopy) -> None:
    copy = inventory.reserve(make_copy())
    with pytest.raises(InventoryError, match="is reserved now, no longer held or suspect") as wrong:
        inventory.transition(copy.id, CopyState.RETIRING, expected={CopyState.HELD, CopyState.SUSPECT})
    assert code_of(wrong) == "state-changed"
    with pytest.raises(InventoryError) as wrong:
        inventory.transition("nobody", CopyState.GONE, expected=CopyState.HELD)
    assert code_of(wrong) == "unknown-copy"


def test_a_step_by_way_of_another_is_one_transaction_and_nothing_is_skipped(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    copy, receipt = inventory.reserve(make_copy()), make_receipt()
    states = {CopyState.RESERVED, CopyState.RECEIVED}
    with pytest.raises(InventoryError, match="without a SHA-256"):
        inventory.transition(copy.id, CopyState.PUBLISHING, expected=states, through=CopyState.RECEIVED)
    assert inventory.copy(copy.id).state is CopyState.RESERVED
    with pytest.raises(InventoryError) as wrong:
        inventory.transition(
            copy.id, CopyState.HELD, expected=states, through=CopyState.RECEIVED, sha256=receipt.sha256, size=1
        )
    assert code_of(wrong) == "illegal-transition"
    assert inventory.copy(copy.id).state is CopyState.RESERVED
    after = inventory.transition(
        copy.id, CopyState.PUBLISHING, expected=states, through=CopyState.RECEIVED, sha256=receipt.sha256, size=1
    )
    assert after.state is CopyState.PUBLISHING


def test_the_bytes_under_a_path_never_change(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    copy = held(inventory, make_copy(), make_receipt())
    with pytest.raises(InventoryError, match="other bytes"):
        inventory.transition(copy.id, CopyState.HELD, expected=CopyState.HELD, sha256="cd" * 32)
    with pytest.raises(InventoryError, match="cannot change its path"):
        inventory.transition(copy.id, CopyState.HELD, expected=CopyState.HELD, path="elsewhere.iso")
    assert inventory.copy(copy.id) == copy


def test_nothing_goes_without_a_reason(inventory: Inventory, make_copy: MakeCopy) -> None:
    copy = inventory.reserve(make_copy())
    with pytest.raises(InventoryError, match="without a reason"):
        inventory.transition(copy.id, CopyState.GONE, expected=CopyState.RESERVED)


def test_an_unfinished_copy_may_still_change_its_name(inventory: Inventory, make_copy: MakeCopy) -> None:
    first, second = inventory.reserve(make_copy("a.iso")), inventory.reserve(make_copy("b.iso"))
    with pytest.raises(InventoryError) as wrong:
        inventory.transition(second.id, CopyState.RESERVED, expected=CopyState.RESERVED, path="A.iso")
    assert code_of(wrong) == "name-taken"
    inventory.transition(second.id, CopyState.RESERVED, expected=CopyState.RESERVED, path="a-2.iso")
    inventory.transition(first.id, CopyState.GONE, expected=CopyState.RESERVED, reason="test")
    inventory.reserve(make_copy("A.iso"))
    inventory.reserve(make_copy("b.iso"))


def test_a_trashed_copy_returns_only_to_a_free_place(inventory: Inventory, make_copy: MakeCopy) -> None:
    trashed = make_copy(state="trashed", sha256="ab" * 32, size=1)
    inventory.import_copies([trashed])
    newer = inventory.reserve(make_copy())
    with pytest.raises(InventoryError) as wrong:
        inventory.transition(trashed.id, CopyState.RESTORING, expected=CopyState.TRASHED)
    assert code_of(wrong) == "name-taken"
    inventory.transition(newer.id, CopyState.GONE, expected=CopyState.RESERVED, reason="test")
    inventory.transition(trashed.id, CopyState.RESTORING, expected=CopyState.TRASHED)


def test_a_receipt_for_other_bytes_publishes_nothing(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    copy, lease = publishing(inventory, make_copy(), make_receipt())
    other = make_receipt(sha256="cd" * 32, digests={"sha256": "cd" * 32})
    with pytest.raises(InventoryError) as wrong:
        inventory.record_published(copy.id, other, lease)
    assert code_of(wrong) == "image-differs"
    assert inventory.copy(copy.id) == copy
    assert inventory.receipts(other.sha256) == ()


def test_publishing_is_recorded_once_however_often_it_is_repeated(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    copy, lease = publishing(inventory, make_copy(), make_receipt())
    first = inventory.record_published(copy.id, make_receipt(), lease)
    assert inventory.record_published(copy.id, make_receipt(), lease) == first
    assert len(inventory.receipts(make_receipt().sha256)) == 1


def test_a_writer_that_lost_its_lease_writes_nothing(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt, clock: Any
) -> None:
    copy, lease = publishing(inventory, make_copy(), make_receipt())
    clock.pass_(seconds=lease.ttl.total_seconds())
    taken = inventory.acquire(lease.key, "other")
    assert taken is not None
    with pytest.raises(LeaseLost):
        inventory.record_published(copy.id, make_receipt(), lease)
    with pytest.raises(LeaseLost):
        inventory.transition(copy.id, CopyState.GONE, expected=CopyState.PUBLISHING, lease=lease, reason="test")
    with pytest.raises(LeaseLost):
        inventory.reserve(make_copy("b.iso"), lease)
    assert inventory.copy(copy.id) == copy
    assert inventory.receipts(make_receipt().sha256) == ()
    assert inventory.record_published(copy.id, make_receipt(), taken).state == CopyState.HELD


def test_nobody_interferes_with_a_copy_that_a_live_lease_works_on(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt, clock: Any
) -> None:
    copy, lease = publishing(inventory, make_copy(), make_receipt())
    with pytest.raises(LeaseLost, match="worked on by tester"):
        inventory.transition(copy.id, CopyState.GONE, expected=CopyState.PUBLISHING, reason="test")
    clock.pass_(seconds=lease.ttl.total_seconds() + 1)
    inventory.transition(copy.id, CopyState.GONE, expected=CopyState.PUBLISHING, reason="Its writer died.")


def test_a_held_copy_is_nobodys(inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt) -> None:
    copy, lease = publishing(inventory, make_copy(), make_receipt())
    inventory.record_published(copy.id, make_receipt(), lease)
    assert inventory.has_lease(lease.key), "its writer still has its lease, which no longer speaks of the copy"
    assert inventory.transition(copy.id, CopyState.RETIRING, expected=CopyState.HELD).state is CopyState.RETIRING


def test_copies_are_found_by_what_they_are(
    inventory: Inventory, make_copy: MakeCopy, make_title: Callable[..., Title]
) -> None:
    proved = {"state": "held", "sha256": "ab" * 32, "size": 1}
    server = make_copy("a.iso", title=make_title("4.10"), **proved)
    desktop = make_copy("b.iso", title=make_title("4.10", flavor="desktop"), **proved)
    older = make_copy("c.iso", title=make_title("4.9"), **proved)
    inventory.import_copies([older, desktop, server])
    inventory.reserve(make_copy("d.iso", title=make_title("4.10")))
    assert inventory.held(make_title("04.10")) == (server,)
    assert inventory.copies(product="ubuntu", flavor="desktop") == (desktop,)
    assert inventory.copies(sha256="ab" * 32, states={CopyState.HELD}) == (server, desktop, older)
    assert inventory.copies(family="windows") == ()


def test_an_import_leaves_out_what_is_there_and_says_so(inventory: Inventory, make_copy: MakeCopy) -> None:
    first = make_copy("a.iso")
    inventory.reserve(first)
    result = inventory.import_copies([first, make_copy("A.ISO"), make_copy("b.iso"), make_copy("B.iso")])
    assert result.added == 1
    assert [(copy.path, reason) for copy, reason in result.skipped] == [
        ("a.iso", "a copy of that id is there already"),
        ("A.ISO", "its path is taken by another copy"),
        ("B.iso", "its path is taken by another copy"),
    ]
