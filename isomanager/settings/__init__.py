"""Settings: one documented table, read from a TOML file and the environment, each value knowing where it came from.

Order, strongest first: environment (`ISOMANAGER_RETRY_COUNT=5`), the configuration file (`ISOMANAGER_CONFIG`, else
`config.toml` in the user's configuration folder), the default below. Secrets are not settings: they live in blocks and in the
credential files of the storage tools.
"""

from __future__ import annotations

from isomanager.settings.absolute import absolute_address
from isomanager.settings.configuration_file import PREFIX, default_config_file, save_setting
from isomanager.settings.places import KEYSERVERS
from isomanager.settings.table import Settings, load_settings, origins

__all__ = [
    "KEYSERVERS",
    "PREFIX",
    "Settings",
    "absolute_address",
    "default_config_file",
    "load_settings",
    "origins",
    "save_setting",
]
