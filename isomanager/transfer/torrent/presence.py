"""Whether torrents can be had here. Light: who only looks imports neither libtorrent nor a network for this."""

from __future__ import annotations

import importlib.util

from isomanager.errors import ConfigurationError
from isomanager.settings import Settings

INSTALL = "Install what speaks BitTorrent: pip install 'isomanager[torrent]'."


def is_installed() -> bool:
    """Whether libtorrent is there."""
    return importlib.util.find_spec("libtorrent") is not None


def is_possible(settings: Settings) -> bool:
    """Whether the settings allow torrents, and libtorrent is there."""
    return settings.torrent != "never" and is_installed()


def require_possible(settings: Settings, told: str) -> None:
    """ConfigurationError that says why `told` cannot be fetched by BitTorrent, and what to do; code no-libtorrent when it is
    missing."""
    if settings.torrent == "never":
        raise ConfigurationError(
            f"{told} comes by BitTorrent, and the setting torrent is 'never'.", hint="Set it to 'needed' to allow this."
        )
    if not is_installed():
        raise ConfigurationError(
            f"{told} comes by BitTorrent, and libtorrent is not installed.", code="no-libtorrent", hint=INSTALL
        )
