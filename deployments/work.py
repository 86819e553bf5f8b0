"""The work pool, its worker, and the environment in which the worker's runs find the same library."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from isomanager.settings import PREFIX, Settings, default_config_file, origins

POOL = "isomanager"
"""The process work pool that every deployment runs in."""

QUEUE = "default"
"""The queue of the pool that deployments go to unless they belong to a site."""

_PLACES = ("data_folder", "default_repository", "database_url", "catalogue_folders", "ca_file")
"""Settings that may be written relative to a folder. Loaded settings have them absolute."""

_ASKS_EVERY = "PREFECT_WORKER_QUERY_SECONDS"


def worker_command(runs: int, queues: Sequence[str] = (), name: str = "isomanager-serve") -> list[str]:
    """A worker of the pool, as `isomanager serve` starts it; `runs` at the same time, of the default queue if none is named.

    Never of every queue there is: those of a site belong to machines that reach the site's repositories.
    """
    options = ["--pool", POOL, "--type", "process", "--name", name, "--limit", str(runs)]
    asked = [word for queue in (queues or (QUEUE,)) for word in ("--work-queue", queue)]
    return [sys.executable, "-m", "prefect", "worker", "start", *options, *asked]


def worker_environment(settings: Settings) -> dict[str, str]:
    """What a worker's runs need to use this process's library, whatever folder they run in.

    It goes into the worker's environment, which its runs inherit, and not into the deployments: the server would keep and
    show it, and a database's address may carry a password.
    """
    told = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    chosen = [name for name in _PLACES if origins(settings)[name] != "default"]
    places = settings.model_dump(mode="json", include=set(chosen)).items()
    spelled = {f"{PREFIX}{name.upper()}": one if isinstance(one, str) else json.dumps(one) for name, one in places}
    asks_every = os.environ.get(_ASKS_EVERY, "2")  # not Prefect's 10: whoever presses "Run" is waiting
    return {
        **told,
        **spelled,
        f"{PREFIX}CONFIG": str(default_config_file().absolute()),
        "PREFECT_LOGGING_EXTRA_LOGGERS": os.environ.get("PREFECT_LOGGING_EXTRA_LOGGERS", "isomanager"),
        _ASKS_EVERY: asks_every,
    }
