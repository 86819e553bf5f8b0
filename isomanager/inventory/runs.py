"""What each run did."""

from __future__ import annotations

from pydantic import AwareDatetime
from sqlalchemy import delete, insert, select

from isomanager.inventory.database import Clash
from isomanager.inventory.tables import OUTCOMES, RUNS
from isomanager.inventory.transactions import Transactions
from isomanager.model import Outcome, Value


class Run(Value):
    """One run of a job: `name` is the flow's, `finished_at` None while it runs or when it died."""

    id: str
    name: str
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    outcomes: tuple[Outcome, ...] = ()


class RunRecords(Transactions):
    """Recording and listing runs."""

    def record_run(self, run: Run) -> None:
        """Write what a run did so far; recorded again, as at its end, it replaces what was written before."""
        try:
            self._put_run(run)
        except Clash:  # the same run recorded twice at once
            self._put_run(run)

    def _put_run(self, run: Run) -> None:
        with self._writing() as connection:
            connection.execute(delete(OUTCOMES).where(OUTCOMES.c.run_id == run.id))
            connection.execute(delete(RUNS).where(RUNS.c.id == run.id))
            times = {"started_at": run.started_at, "finished_at": run.finished_at}
            connection.execute(insert(RUNS).values(id=run.id, name=run.name, **times))
            if run.outcomes:
                connection.execute(insert(OUTCOMES), _outcome_rows(run))

    def runs(self, limit: int = 50) -> tuple[Run, ...]:
        """The last runs with their outcomes, the newest first."""
        with self._reading() as connection:
            rows = connection.execute(select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.id).limit(limit)).all()
            wanted = OUTCOMES.c.run_id.in_([row.id for row in rows])
            query = select(OUTCOMES.c.run_id, OUTCOMES.c.body).where(wanted).order_by(OUTCOMES.c.position)
            outcomes: dict[str, list[Outcome]] = {}
            for run_id, body in connection.execute(query):
                outcomes.setdefault(run_id, []).append(Outcome.model_validate(body))
        return tuple(Run(**row._mapping, outcomes=tuple(outcomes.get(row.id, ()))) for row in rows)

    def last_finished(self) -> Run | None:
        """The run that ended last, without its outcomes; None when none ever did."""
        query = select(RUNS).where(RUNS.c.finished_at.is_not(None)).order_by(RUNS.c.finished_at.desc()).limit(1)
        with self._reading() as connection:
            row = connection.execute(query).first()
        return Run(**row._mapping) if row is not None else None


def _outcome_rows(run: Run) -> list[dict[str, object]]:
    return [
        {
            "run_id": run.id,
            "position": position,
            "outcome": outcome.outcome.value,
            "repository": outcome.repository,
            "path": outcome.path,
            "body": outcome.model_dump(mode="json"),
        }
        for position, outcome in enumerate(run.outcomes)
    ]
