"""What people want held, and what nobody may let go."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from isomanager.model.evidence import Assurance
from isomanager.model.titles import Selector, Title
from isomanager.model.values import Value


class Keep(Value):
    """Which versions stay; what one rule keeps, no other lets go (0: no such rule).

    The newest `last`; everything proved within `days`; the newest of each of the newest `per_major` major versions, and of each of
    the newest `per_minor` pairs of major and minor version.
    """

    last: int = Field(default=1, ge=1)
    days: int = Field(default=0, ge=0)
    per_major: int = Field(default=0, ge=0)
    per_minor: int = Field(default=0, ge=0)


class Subscription(Value):
    """A selector that is kept up to date. `under` leaves out images that are larger, in bytes (0: none); `tags` and `group` are
    words by which a person or a schedule calls for it. With `old` "archive" a replaced version is copied to the repository
    `archive` before it goes to the trash."""

    id: str
    selector: Selector
    repositories: tuple[str, ...] = ("default",)
    keep: Keep = Keep()
    old: Literal["trash", "keep", "archive"] = "trash"
    archive: str = ""
    floor: Assurance = Assurance.PUBLISHED
    paused: bool = False
    under: int = Field(default=0, ge=0)
    tags: tuple[str, ...] = ()
    group: str = ""
    created_at: AwareDatetime


class Pin(Value):
    """A person's word that something stays: whatever a selector fits, or an image in a repository (`sha256`, under `title`), which
    is known again when it moves or comes back from the trash.

    A `pin` keeps what it covers. A `hold` also keeps newer versions from being fetched in its place, until it is released.
    It ends by itself after `until`. `name` is what the person said.
    """

    id: str
    kind: Literal["pin", "hold"]
    name: str
    selector: Selector | None = None
    repository: str = ""
    sha256: str = ""
    title: Title | None = None
    reason: str = ""
    until: AwareDatetime | None = None
    created_at: AwareDatetime


class Freeze(Value):
    """Since when nothing may be deleted anywhere, and why."""

    reason: str = ""
    at: AwareDatetime
