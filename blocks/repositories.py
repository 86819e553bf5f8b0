"""Blocks that describe repositories."""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field

from isomanager.storage.contract import Store
from isomanager.storage.opening import open_store

_ABSOLUTE = r"^(/|~|[A-Za-z]:[\\/]|\\\\)"
"""A relative path would mean a folder of the run's own, which is gone after the run."""


class LocalRepository(Block):
    """A repository in a folder: a local disk, or a share that the system has mounted."""

    _block_type_name: ClassVar[str | None] = "ISO repository (local)"
    _block_type_slug: ClassVar[str | None] = "iso-repository-local"
    _description: ClassVar[str | None] = "A folder in which isomanager keeps verified ISO images."
    _code_example: ClassVar[str | None] = (
        "from blocks.repositories import LocalRepository\n\n"
        'LocalRepository(path="/srv/isos", description="ISO images for the lab").save("lab")'
    )

    path: str = Field(
        title="Folder",
        description="Absolute path of the folder, as the worker sees it, such as /srv/isos or D:\\ISOs.",
        pattern=_ABSOLUTE,
        json_schema_extra={"position": 0},
    )
    layout: str = Field(
        default="default",
        description="default, by-type, by-date, by-version, upstream-name, or a path template with {fields}.",
        json_schema_extra={"position": 1},
    )
    description: str = Field(
        default="", description="What it is for; shown in its index.", json_schema_extra={"position": 2}
    )

    def store(self) -> Store:
        """The store this describes."""
        return open_store(self.path)
