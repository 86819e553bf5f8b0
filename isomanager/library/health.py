"""Health: how each product's resolver did when it was last tried, kept from one check to the next in a small file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import AwareDatetime, ValidationError

from isomanager.model import Value
from isomanager.storage.durable import make_folders, replace_durably

_log = logging.getLogger(__name__)
_LOCK_SECONDS = 60.0

State = Literal["ok", "degraded", "broken"]


class Health(Value):
    """How one product's resolver is: ok, degraded (it resolves, but less far than it should, or only by hand; or its
    server is busy), broken.

    `status` is the product file's own (`unconfirmed`: nobody checked it); `good_version` and `good_at` are the last good answer,
    this one or an earlier one.
    """

    product: str
    state: State
    status: str = "confirmed"
    version: str = ""
    filename: str = ""
    assurance: str = ""
    code: str = ""
    reason: str = ""
    checked_at: AwareDatetime | None = None
    good_version: str = ""
    good_at: AwareDatetime | None = None


def kept_health(file: Path) -> dict[str, Health]:
    """What earlier checks found, by product; nothing where there was none, or where the file is of no use."""
    try:
        told = json.loads(file.read_bytes())
        return {one["product"]: Health.model_validate(one) for one in told}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, ValidationError, TypeError, KeyError) as wrong:
        _log.warning("%s is of no use and will be written anew: %s", file, wrong)
        return {}


def keep_health(file: Path, found: Iterable[Health]) -> None:
    """Put what a check found beside what is kept of other products. Safe for several processes."""
    make_folders(file.parent)
    with FileLock(file.with_name(f"{file.name}.lock"), timeout=_LOCK_SECONDS):
        kept = kept_health(file) | {one.product: one for one in found}
        body = [one.model_dump(mode="json") for _, one in sorted(kept.items())]
        replace_durably(file, json.dumps(body, indent=1).encode())


def since(now: Health, before: Health | None) -> Health:
    """The health with its last good answer: its own when it is ok, else the one that was kept."""
    if now.state == "ok":
        return now.model_copy(update={"good_version": now.version, "good_at": now.checked_at})
    if before is None:
        return now
    return now.model_copy(update={"good_version": before.good_version, "good_at": before.good_at})
