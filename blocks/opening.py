"""Opens `block://TYPE/NAME`: the store that a block in Prefect describes, so that a repository's secrets stay in the block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomanager.errors import ConfigurationError

if TYPE_CHECKING:
    from isomanager.storage.contract import Store

PREFIX = "block://"


def open_block(url: str, *, create: bool) -> Store:
    """The store of the block that `url` names, as `block://iso-repository-s3/lab`. Prefect's API is asked for it.

    ConfigurationError when there is no such block, or it is one of another kind.
    """
    from prefect.blocks.core import Block

    from blocks.repositories import Repository

    reference = url.removeprefix(PREFIX)
    try:
        found = Block.load(reference, _sync=True)  # type: ignore[call-arg]  # also where a loop runs in this thread
    except ValueError as wrong:
        raise ConfigurationError(
            f"Prefect has no block {reference}.",
            hint="Make one on its page under Blocks, as an ISO repository, and write block://iso-repository-s3/NAME.",
        ) from wrong
    if not isinstance(found, Repository):
        raise ConfigurationError(f"The block {reference} is no ISO repository.", hint="Name one that is.")
    return found.store(create=create)
