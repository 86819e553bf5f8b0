"""Where images are kept, and where they are fetched from besides their vendors."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from isomanager.model.values import Value

Publication = Literal["pulp", "simplestreams", "atom"]
"""A form in which a repository tells other programs what it holds."""


class RepositoryRecord(Value):
    """A place that holds images, as the database names it. `url` never holds a secret."""

    name: str
    url: str
    layout: str = "default"
    description: str = ""
    created_at: AwareDatetime


class Site(Value):
    """A named set of repositories at one place."""

    name: str
    repositories: tuple[str, ...]
    description: str = ""
    created_at: AwareDatetime


VENDOR, MIRRORS = "vendor", "mirrors"
"""Names in the order of sources that stand for no source of the user's: where upstream offers a file, and its listed mirrors."""


class SourceRecord(Value):
    """A source of the user's own. `base` is its address, without secrets; `maps` says where an image stands below it: `path`
    (the path of the vendor's address), `name` (the file's name), `layout` (our default layout), or a template. Lower `priority`
    is asked earlier. `speed` in bytes a second, `failures` in a row, `told` what was wrong the last time: what was seen so far.

    A record named `vendor` or `mirrors` has no base: it only says where in the order those come.
    """

    name: str
    base: str = ""
    maps: str = "path"
    priority: int = 100
    speed: float | None = None
    failures: int = 0
    told: str = ""
    seen_at: AwareDatetime | None = None
    created_at: AwareDatetime
