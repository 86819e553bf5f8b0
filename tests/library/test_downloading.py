from __future__ import annotations

import pytest

from isomanager.errors import BodyTruncated, Cancelled, InventoryError, StoreError
from isomanager.library.downloading import download_reserved
from isomanager.library.opening import Library
from isomanager.library.reserving import reserved
from isomanager.model import Action, CopyState
from isomanager.sample.faults import FaultKind
from isomanager.sample.upstream import SampleUpstream
from library.conftest import SERVER, PlanFor, only_download


def expecting(action: Action, **changes: object) -> Action:
    assert action.expectation is not None
    return action.model_copy(update={"expectation": action.expectation.model_copy(update=changes)})


def test_what_came_is_durable_and_noted_and_nothing_is_visible(library: Library, plan_for: PlanFor) -> None:
    with reserved(library, only_download(plan_for(SERVER))) as reservation:
        received = download_reserved(library, reservation)
        copy = library.inventory.copy(reservation.copy.id)
        assert (copy.state, copy.sha256, copy.size) == (CopyState.RECEIVED, received.sha256, received.size)
        (partial,) = library.store("default").partials()
        assert (partial.key, partial.front) == (copy.id, received.size)
        assert partial.changed_at is not None
        assert list(library.store("default").list()) == []


def test_what_cannot_fit_is_refused_before_the_first_byte(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor
) -> None:
    action = expecting(only_download(plan_for(SERVER)), size=1 << 60)
    with reserved(library, action) as reservation, pytest.raises(StoreError, match="free") as wrong:
        download_reserved(library, reservation)
    assert wrong.value.code == "no-space"
    assert not [one for one in upstream.requests if one.method == "GET" and one.path.endswith(".iso")]


def test_a_broken_connection_costs_only_what_is_missing(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor
) -> None:
    upstream.fault(FaultKind.TRUNCATE, "*.iso", at=100_000)
    with reserved(library, only_download(plan_for(SERVER))) as reservation:
        with pytest.raises(BodyTruncated):
            download_reserved(library, reservation)
        upstream.clear_faults()
        assert download_reserved(library, reservation).resumed_at == 100_000


def test_a_whole_file_that_was_not_noted_is_read_back_and_not_fetched(
    library: Library, upstream: SampleUpstream, plan_for: PlanFor
) -> None:
    action = only_download(plan_for(SERVER))
    with reserved(library, action) as reservation:
        first = download_reserved(library, reservation)
    upstream.fault(FaultKind.NOT_FOUND, "*.iso")
    with reserved(library, action) as reservation:
        again = download_reserved(library, reservation)
    assert (again.sha256, again.resumed_at) == (first.sha256, first.size)


def test_a_stop_ends_it_and_keeps_what_came(library: Library, upstream: SampleUpstream, plan_for: PlanFor) -> None:
    upstream.fault(FaultKind.TRUNCATE, "*.iso", at=100_000, times=1)
    with reserved(library, only_download(plan_for(SERVER))) as reservation:
        with pytest.raises(BodyTruncated):
            download_reserved(library, reservation)
        library.stop.set()
        with pytest.raises(Cancelled):
            download_reserved(library, reservation)
        assert library.inventory.copy(reservation.copy.id).state is CopyState.RESERVED
        library.stop.clear()
        assert download_reserved(library, reservation).resumed_at == 100_000


def test_a_lease_that_is_lost_stops_the_writer(library: Library, plan_for: PlanFor) -> None:
    with reserved(library, only_download(plan_for(SERVER))) as reservation:
        reservation.ends[0].set()
        with pytest.raises(Cancelled):
            download_reserved(library, reservation)


def test_a_row_about_bytes_that_are_gone_goes_when_others_come(library: Library, plan_for: PlanFor) -> None:
    action = only_download(plan_for(SERVER))
    with reserved(library, action) as reservation:
        download_reserved(library, reservation)
        (partial,) = library.store("default").partials()
        library.store("default").reopen(partial).discard()
        changed = {"sha256": "0" * 64, "digests": {"sha256": "0" * 64}}
        remembering = reservation.copy.model_copy(update={**changed, "state": CopyState.RECEIVED})
        with pytest.raises(StoreError, match="other bytes") as wrong:
            download_reserved(library, type(reservation)(remembering, reservation.expectation, reservation.lease))
        assert wrong.value.code == "changed"
        assert library.inventory.copy(reservation.copy.id).state is CopyState.GONE
    assert list(library.store("default").partials()) == []
    with pytest.raises(InventoryError), reserved(library, action.model_copy(update={"repository": "no-such"})):
        pytest.fail("reserved")
