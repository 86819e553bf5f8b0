"""What a run did, kept in the inventory, so that it can be asked for without Prefect."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from isomanager.inventory.runs import Run
from isomanager.library.opening import Library
from isomanager.model import Outcome

Record = Callable[[tuple[Outcome, ...]], tuple[Outcome, ...]]


@contextmanager
def recorded(library: Library, name: str) -> Iterator[Record]:
    """A function that notes the outcomes so far and returns them; on leaving, the run is noted as finished."""
    run = Run(id=library.run_id or secrets.token_hex(8), name=name, started_at=library.now())
    library.inventory.record_run(run)

    def record(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        nonlocal run
        run = run.model_copy(update={"outcomes": outcomes})
        library.inventory.record_run(run)
        return outcomes

    yield record
    library.inventory.record_run(run.model_copy(update={"finished_at": library.now()}))
