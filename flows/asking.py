"""Asking: what the forms of paused runs share. A run pauses with a form, and goes on once a person has answered it.

No field of such a form may be called as a keyword of JSON Schema is (`then`, `items`, `type`): the page of Prefect 3.8 has the
answers checked as if they were the schema, and does not send them when they cannot be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema

PATIENCE = 24 * 3600
"""Seconds that a paused run waits for a person."""


def one_of(words: Sequence[str]) -> Any:
    """The type of a field that is one of these words, which shows as a dropdown. A `Literal` of one word would show as a text."""
    return Annotated[Literal.__getitem__(tuple(words)), WithJsonSchema({"type": "string", "enum": list(words)})]
