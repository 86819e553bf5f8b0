"""What every part of the inventory has: the engine, the clock, and short transactions."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlalchemy import Connection, Engine

from isomanager.inventory.database import Clock, reading, utc_now, writing


class Transactions:
    """Base of the inventory's parts. Each of their methods is one transaction of its own, and none waits for anything else."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine)

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine)
