from __future__ import annotations

from pathlib import Path

import pytest

from domain_update import update
from isomanager.errors import UsageError
from isomanager.library.checking import check_copy, held_copies
from isomanager.library.leasing import leased_copy
from isomanager.library.opening import Library
from isomanager.library.setting_aside import aside
from isomanager.model import Copy, CopyState, OutcomeKind
from isomanager.sample.faults import flip_bit
from library.conftest import SERVER, Clock, PlanFor, held


@pytest.fixture
def copy(library: Library, plan_for: PlanFor) -> Copy:
    plan_for(SERVER)
    update(library)
    (only,) = held(library)
    return only


@pytest.fixture
def file(copy: Copy, repository: Path) -> Path:
    return repository / copy.path


def state(library: Library, copy: Copy) -> CopyState:
    return library.inventory.copy(copy.id).state


def test_good_bytes_are_proved_again_at_this_time(library: Library, copy: Copy, clock: Clock) -> None:
    clock.pass_(days=3)
    moments: list[int] = []
    assert check_copy(library, copy, progress=lambda done, _total: moments.append(done)).outcome is OutcomeKind.CURRENT
    assert moments[-1] == copy.size
    proved = library.inventory.copy(copy.id).proved_at
    assert proved is not None
    assert copy.proved_at is not None
    assert (proved - copy.proved_at).days == 3


def test_a_flipped_bit_makes_it_suspect_and_good_bytes_clear_it(
    library: Library, copy: Copy, file: Path, repository: Path
) -> None:
    good = file.read_bytes()
    file.write_bytes(flip_bit(good, -1))
    outcome = check_copy(library, copy)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "failed-proof")
    assert copy.path in outcome.reason
    assert state(library, copy) is CopyState.SUSPECT
    assert not file.exists(), "set aside: nobody is served it under its name"
    damaged = repository / aside(copy)
    damaged.write_bytes(good)
    assert check_copy(library, library.inventory.copy(copy.id)).outcome is OutcomeKind.CURRENT
    assert library.inventory.copy(copy.id).reason == "proved again"
    assert file.read_bytes() == good
    assert not damaged.exists()
    assert state(library, copy) is CopyState.HELD


def test_a_quick_look_sees_what_is_missing_or_cut_and_reads_nothing(
    library: Library, copy: Copy, file: Path, repository: Path
) -> None:
    good = file.read_bytes()
    file.write_bytes(flip_bit(good, 0))
    assert check_copy(library, copy, quick=True).outcome is OutcomeKind.CURRENT
    assert library.inventory.copy(copy.id).proved_at == copy.proved_at
    file.write_bytes(good[:-1])
    assert "bytes instead of" in check_copy(library, copy, quick=True).reason
    (repository / aside(copy)).unlink()
    assert "is missing" in check_copy(library, library.inventory.copy(copy.id), quick=True).reason
    assert state(library, copy) is CopyState.SUSPECT


def test_a_quick_look_clears_no_suspicion(library: Library, copy: Copy, file: Path) -> None:
    file.write_bytes(flip_bit(file.read_bytes(), 9))
    check_copy(library, copy)
    outcome = check_copy(library, library.inventory.copy(copy.id), quick=True)
    assert outcome.outcome is OutcomeKind.FAILED
    assert "only reading it" in outcome.reason


def test_a_store_that_is_away_proves_nothing_against_a_copy(
    library: Library, copy: Copy, repository: Path, tmp_path: Path
) -> None:
    repository.rename(tmp_path / "unmounted")
    outcome = check_copy(library, copy)
    assert (outcome.outcome, outcome.code) == (OutcomeKind.FAILED, "store-unavailable")
    assert state(library, copy) is CopyState.HELD


def test_what_somebody_is_working_on_is_not_judged(library: Library, another: Library, copy: Copy) -> None:
    with leased_copy(another, copy.id):
        assert check_copy(library, copy).code == "lease-lost"
    assert state(library, copy) is CopyState.HELD


@pytest.mark.parametrize("name", ["linux", "sample-orchard", "SAMPLE-ORCHARD/server", SERVER, "sample-orchard@26.04"])
def test_copies_are_called_by_family_product_and_selector(library: Library, copy: Copy, name: str) -> None:
    assert held_copies(library, [name]) == held_copies(library) == (copy,)
    assert held_copies(library, [copy.path]) == (copy,)


def test_a_name_that_fits_nothing_held_is_an_error(library: Library, copy: Copy) -> None:
    with pytest.raises(UsageError, match="Nothing that is held"):
        held_copies(library, ["sample-lantern"])
