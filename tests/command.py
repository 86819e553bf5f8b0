"""The command `isomanager` as tests start it, and what it said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 240.0
"""Seconds for one command, a flow included: nothing is proved by being quick."""


@dataclass(frozen=True)
class Told:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)

    def well(self) -> Told:
        """The same, after seeing that it ended well."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


Isomanager = Callable[..., Told]


def command_line(*arguments: object) -> list[str]:
    """The installed command, as a person starts it."""
    return [str(Path(sys.executable).with_name("isomanager")), *map(str, arguments)]
