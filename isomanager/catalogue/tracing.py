"""What was asked and seen on the way to an answer, kept for whoever wants to know why a product resolves, or does not."""

from __future__ import annotations

from collections.abc import Callable

from isomanager.model import Value


class Exchange(Value):
    """One document or address asked for. `url` has no secrets; `status` is 0 where no answer came; `cached` says that the server
    confirmed the copy kept here (304) and sent no body; `waited` are the seconds given to a server that asked for patience.
    """

    method: str
    url: str
    final_url: str = ""
    status: int = 0
    bytes: int = 0
    cached: bool = False
    seconds: float = 0.0
    waited: float = 0.0
    error: str = ""


class Look(Value):
    """What one document gave: how many `candidates` it lists, which of them the product file understands, and what was chosen
    or why nothing was. `versions` are the newest understood ones; `entry` counts the product's offers entries from 1; 0 is none of
    them, but where else a saved document may tell."""

    entry: int
    strategy: str
    document: str
    candidates: int = 0
    fitting: int = 0
    versions: tuple[str, ...] = ()
    chosen: str = ""
    why: str = ""


Seen = Callable[[Exchange], None]
Noted = Callable[[Look], None]


def unnoted(_look: Look) -> None:
    """Nobody wants to know."""
