"""Who works: this process's name in leases, and a lock that ends with it, so that others can tell when it is dead.

A lease outlives a killed holder until it runs out. The system lets go of a file lock however its process ends, so whoever can
take the lock of a holder on this machine knows that it is dead, also inside containers and when process ids are used again.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from time import time

from filelock import FileLock, Timeout

_LITTER_SECONDS = 86_400


class Owner:
    """This process as the holder of leases. `name` is `host:pid:token`; the lock is `folder/<token>.lock`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._host = folder, socket.gethostname()
        self._token = secrets.token_hex(8)
        self.name = f"{self._host}:{os.getpid()}:{self._token}"
        folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self._lock = FileLock(self._file(self._token), timeout=0, thread_local=False)
        self._lock.acquire()

    def _file(self, token: str) -> Path:
        return self._folder / f"{token}.lock"

    def is_dead(self, owner: str) -> bool:
        """Whether the holder named `owner` is known to be dead; False whenever that cannot be told for sure."""
        host, _, rest = owner.rpartition(":")[0].rpartition(":")
        token = owner.rpartition(":")[2]
        if host != self._host or not rest.isdigit() or not token.isalnum() or token == self._token:
            return False
        return _is_free(self._file(token))

    def _sweep(self) -> None:
        """Remove what processes that died long ago left here; their leases have run out."""
        for file in self._folder.glob("*.lock"):
            if time() - file.stat().st_mtime > _LITTER_SECONDS and _is_free(file):
                file.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go, and leave nothing behind."""
        self._lock.release()
        self._file(self._token).unlink(missing_ok=True)


def _is_free(file: Path) -> bool:
    """Whether nobody holds the lock; False where there is none, and on filesystems that know no locks."""
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0, thread_local=False):
            return True
    except (Timeout, OSError, NotImplementedError):
        return False
