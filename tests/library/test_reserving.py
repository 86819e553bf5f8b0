from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from domain_update import bring_in, update
from isomanager.errors import InventoryError, LeaseLost
from isomanager.library.checking import check_copy
from isomanager.library.opening import Library
from isomanager.library.owning import Owner
from isomanager.library.reserving import reserved
from isomanager.model import CopyState, OutcomeKind
from library.conftest import SERVER, PlanFor, held, only_download

NAME = "Linux/Orchard - Server/sample-orchard.server-26.04.1.iso"


def test_a_row_and_a_lease_are_there_before_the_first_byte(library: Library, plan_for: PlanFor) -> None:
    with reserved(library, only_download(plan_for(SERVER))) as reservation:
        assert library.inventory.copy(reservation.copy.id).state is CopyState.RESERVED
        assert reservation.copy.path == NAME
        assert library.inventory.holder(f"copy:{reservation.copy.id}") == library.owner.name
        assert list(library.store("default").partials()) == []
    assert library.inventory.holder(f"copy:{reservation.copy.id}") is None


def test_what_was_not_finished_is_taken_up_again(library: Library, plan_for: PlanFor) -> None:
    action = only_download(plan_for(SERVER))
    with pytest.raises(ZeroDivisionError), reserved(library, action) as first:
        raise ZeroDivisionError
    with reserved(library, action) as second:
        assert second.copy.id == first.copy.id


def test_two_processes_never_fetch_the_same(library: Library, another: Library, plan_for: PlanFor) -> None:
    action = only_download(plan_for(SERVER))
    with reserved(library, action), pytest.raises(LeaseLost, match="worked on by"), reserved(another, action):
        pytest.fail("two writers")
    assert len(library.inventory.copies()) == 1


def test_the_lease_of_a_process_that_is_dead_is_taken_over_at_once(library: Library, plan_for: PlanFor) -> None:
    action = only_download(plan_for(SERVER))
    with pytest.raises(ZeroDivisionError), reserved(library, action) as first:
        raise ZeroDivisionError
    program = (
        "import os; from pathlib import Path; from isomanager.library.owning import Owner; "
        f"print(Owner(Path({str(library.settings.data_folder / 'owners')!r})).name, flush=True); os.kill(os.getpid(), 9)"
    )
    dead = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip()
    assert library.inventory.acquire(f"copy:{first.copy.id}", dead) is not None
    with reserved(library, action) as second:
        assert second.copy.id == first.copy.id


def test_the_lease_of_a_process_that_lives_or_is_unknown_is_not(tmp_path: Path) -> None:
    ours, other = Owner(tmp_path), Owner(tmp_path)
    assert not ours.is_dead(other.name)
    assert not ours.is_dead(ours.name)
    assert not ours.is_dead("elsewhere:12:0123456789abcdef"), "another machine"
    assert not ours.is_dead(ours.name.rpartition(":")[0] + ":0000000000000000"), "nobody left a lock"
    assert not ours.is_dead("no name of ours/..")
    other.close()
    ours.close()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_by_a_file_nobody_knows_is_extended(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    action = only_download(plan_for(SERVER))
    (repository / NAME).parent.mkdir(parents=True)
    (repository / NAME.upper()).parent.mkdir(parents=True, exist_ok=True)
    (repository / NAME).write_bytes(b"somebody's own")
    with reserved(library, action) as reservation:
        assert reservation.copy.path != NAME
        assert reservation.copy.path.startswith(NAME.removesuffix(".iso"))
    assert (repository / NAME).read_bytes() == b"somebody's own"


def test_a_suspect_copy_whose_file_is_gone_gives_its_name_back(
    library: Library, plan_for: PlanFor, repository: Path
) -> None:
    plan_for(SERVER)
    update(library)
    (copy,) = held(library)
    (repository / copy.path).unlink()
    assert check_copy(library, copy, quick=True).outcome is OutcomeKind.FAILED
    with reserved(library, only_download(plan_for())) as reservation:
        assert reservation.copy.path == copy.path
    assert library.inventory.copy(copy.id).state is CopyState.GONE


def test_what_another_run_brought_in_since_the_plan_is_not_fetched_twice(
    library: Library, another: Library, plan_for: PlanFor
) -> None:
    plan = plan_for(SERVER)
    assert bring_in(another, only_download(plan), plan).outcome is OutcomeKind.PUBLISHED
    outcome = bring_in(library, only_download(plan), plan)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.CURRENT, "already-held")
    assert len(library.inventory.copies()) == 1


def test_a_download_without_an_expectation_is_none(library: Library, plan_for: PlanFor) -> None:
    action = only_download(plan_for(SERVER)).model_copy(update={"expectation": None})
    with pytest.raises(InventoryError, match="carries no expectation"), reserved(library, action):
        pytest.fail("reserved")
