"""How patient a transfer is, and how much it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from isomanager.settings import Settings


@dataclass(frozen=True)
class Limits:
    """How long to wait (seconds), how slow is too slow (bytes a second), how much is too much (bytes).

    `window`: how far ahead of the front a store gets bytes that cannot be read back (they wait in memory); `ahead` is the same
    where they can. `connections`: at most so many for one file. `budget`: seconds for the whole file, 0 for no end.
    `checkpoint_bytes` and `checkpoint_seconds`: what a kill or a power cut may cost, whichever is reached first.
    """

    stall_timeout: float = 30.0
    stall_bytes_per_second: int = 1024
    window: int = 64 << 20
    max_bytes: int = 64 << 30
    checkpoint_bytes: int = 64 << 20
    checkpoint_seconds: float = 10.0
    connections: int = 16
    budget: float = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings name."""
        return cls(
            stall_timeout=settings.stall_timeout,
            stall_bytes_per_second=settings.stall_bytes_per_second,
            window=settings.transfer_window,
            connections=settings.connections_per_image,
            budget=settings.transfer_budget,
        )

    @property
    def ahead(self) -> int:
        """The window where bytes wait on the disk."""
        return 4 * self.window
