"""Copies announced, recorded and moved on together: all of them or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from isomanager.errors import InventoryError, LeaseLost
from isomanager.inventory.groups import Step
from isomanager.inventory.inventory import Inventory
from isomanager.inventory.leases import Lease
from isomanager.model import Copy, CopyState, Receipt

MakeCopy = Callable[..., Copy]
MakeReceipt = Callable[..., Receipt]
MANY = 3


def announced(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> list[tuple[Copy, Receipt, Lease]]:
    """Copies that are being published, of an image each, with their receipts and leases."""
    receipts = [make_receipt(sha256=f"{number:064x}", size=1000 + number) for number in range(MANY)]
    copies = [
        make_copy(f"Linux/{one.size}.iso", state="publishing", sha256=one.sha256, size=one.size) for one in receipts
    ]
    leases = inventory.acquire_all([f"copy:{one.id}" for one in copies], "tester")
    inventory.announce_all(copies, leases)
    return list(zip(copies, receipts, leases, strict=True))


def test_a_group_is_held_with_its_receipts(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    going = announced(inventory, make_copy, make_receipt)
    held = inventory.record_all([(copy.id, receipt, lease) for copy, receipt, lease in going])
    assert [one.id for one in held] == [copy.id for copy, _, _ in going]
    assert inventory.copies(states={CopyState.HELD}) == held
    asked = [receipt.sha256 for _, receipt, _ in going]
    assert inventory.receipts_of([*asked, "f" * 64]) == {
        **{receipt.sha256: (receipt,) for _, receipt, _ in going},
        "f" * 64: (),
    }
    again = inventory.record_all([(copy.id, receipt, lease) for copy, receipt, lease in going])
    assert [one.state for one in again] == [CopyState.HELD] * MANY
    assert all(len(inventory.receipts(one)) == 1 for one in asked), "a receipt is recorded once"


def test_a_group_of_which_one_is_not_proved_is_not_held(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    going = [(copy.id, receipt, lease) for copy, receipt, lease in announced(inventory, make_copy, make_receipt)]
    copy_id, receipt, lease = going[-1]
    with pytest.raises(InventoryError) as wrong:
        inventory.record_all([*going[:-1], (copy_id, receipt.model_copy(update={"size": 1}), lease)])
    assert wrong.value.code == "image-differs"
    assert inventory.copies(states={CopyState.HELD}) == ()
    assert not any(inventory.receipts(receipt.sha256) for _, receipt, _ in going)


def test_a_group_of_which_one_lease_is_lost_stays_as_it_was(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    going = announced(inventory, make_copy, make_receipt)
    inventory.release(going[1][2])
    with pytest.raises(LeaseLost):
        inventory.record_all([(copy.id, receipt, lease) for copy, receipt, lease in going])
    assert inventory.copies(states={CopyState.HELD}) == ()


def test_a_group_goes_on_together_or_not_at_all(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    going = announced(inventory, make_copy, make_receipt)
    inventory.record_all([(copy.id, receipt, lease) for copy, receipt, lease in going])
    steps = [
        Step(copy.id, CopyState.RETIRING, CopyState.HELD, lease, trash_path=f"trash/{copy.id}", reason="a test")
        for copy, _, lease in going
    ]
    with pytest.raises(InventoryError) as wrong:
        inventory.transition_all([*steps[:-1], Step(steps[-1].copy_id, CopyState.HELD, CopyState.GONE, going[-1][2])])
    assert wrong.value.code == "state-changed"
    assert {one.state for one in inventory.copies()} == {CopyState.HELD}
    moved = inventory.transition_all(steps)
    assert [(one.state, one.trash_path) for one in moved] == [
        (CopyState.RETIRING, f"trash/{copy.id}") for copy, _, _ in going
    ]
    assert inventory.transition_all([]) == ()
    assert inventory.record_all([]) == ()


def test_a_path_that_another_copy_claims_stops_a_step_alone(
    inventory: Inventory, make_copy: MakeCopy, make_receipt: MakeReceipt
) -> None:
    going = announced(inventory, make_copy, make_receipt)
    copy, _, lease = going[0]
    with pytest.raises(InventoryError) as wrong:
        inventory.transition(
            copy.id, CopyState.RECEIVED, expected=CopyState.PUBLISHING, lease=lease, path=going[1][0].path.upper()
        )
    assert wrong.value.code == "name-taken"
