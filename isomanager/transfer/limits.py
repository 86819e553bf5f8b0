"""How patient a transfer is, and how much it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from isomanager.settings import Settings


@dataclass(frozen=True)
class Limits:
    """How long to wait (seconds), how slow is too slow (bytes a second), how much is too much (bytes).

    `checkpoint_bytes` and `checkpoint_seconds`: what a kill or a power cut may cost, whichever is reached first.
    """

    stall_timeout: float = 30.0
    stall_bytes_per_second: int = 1024
    window: int = 64 << 20
    max_bytes: int = 64 << 30
    checkpoint_bytes: int = 64 << 20
    checkpoint_seconds: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings name."""
        return cls(settings.stall_timeout, settings.stall_bytes_per_second, settings.transfer_window)
