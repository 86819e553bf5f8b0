"""What is held, and what was refused."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from isomanager.model.digests import Digests
from isomanager.model.evidence import Assurance
from isomanager.model.titles import Title
from isomanager.model.values import Value


class CopyState(StrEnum):
    """Where a copy is in its life; each state is committed before the effect it announces."""

    RESERVED = "reserved"
    RECEIVED = "received"
    PUBLISHING = "publishing"
    HELD = "held"
    SUSPECT = "suspect"
    RETIRING = "retiring"
    TRASHED = "trashed"
    RESTORING = "restoring"
    GONE = "gone"


class Copy(Value):
    """One image at one path of one repository. `path` is relative, with forward slashes. `sha256` and `size` are None until
    the bytes are received; `partial` names the unfinished bytes until they are published; `trash_path` where a retired one is.
    `metadata` is what people noted of it: what it was made from, what it is for.
    """

    id: str
    repository: str
    path: str
    title: Title
    state: CopyState
    sha256: str | None = None
    size: int | None = None
    assurance: Assurance = Assurance.NONE
    digests: Digests = Field(default_factory=dict)
    fingerprint: str = ""
    filename: str = ""
    source: str = ""
    partial: str = ""
    trash_path: str = ""
    reason: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    created_at: AwareDatetime
    proved_at: AwareDatetime | None = None
    changed_at: AwareDatetime


class Quarantined(Value):
    """What was refused, remembered until the evidence (`fingerprint`) changes."""

    fingerprint: str
    title: Title
    code: str
    reason: str
    at: datetime
