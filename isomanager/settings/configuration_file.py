"""The configuration file: where it is, what is in it, and writing one line of it."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from isomanager.errors import ConfigurationError

PREFIX = "ISOMANAGER_"
"""What the names of settings begin with in the environment."""


def default_config_file() -> Path:
    """`ISOMANAGER_CONFIG`, else config.toml in the user's configuration folder."""
    named = os.environ.get(f"{PREFIX}CONFIG")
    return Path(named) if named else platformdirs.user_config_path("isomanager") / "config.toml"


class ConfigFile(PydanticBaseSettingsSource):
    """The TOML file as a source; an unreadable one is an error the user can act on."""

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        super().__init__(settings_cls)
        self.values = read_config_file(file)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return self.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self.values


def read_config_file(file: Path) -> dict[str, Any]:
    """The file's top-level values; an absent file has none. Raises ConfigurationError naming file and line."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(
            f"The configuration file {file} is not readable TOML: {wrong}.",
            hint="Correct it, or move it away to start from the defaults.",
            file=str(file),
        ) from wrong
    except OSError as wrong:
        raise ConfigurationError(f"The configuration file {file} cannot be read: {wrong.strerror}.") from wrong


def save_setting(name: str, value: str) -> None:
    """Write one text setting into the configuration file, leaving everything else in it as it is."""
    file = default_config_file()
    known = read_config_file(file)
    if known.get(name) == value:
        return
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    quoted = json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML basic string
    kept = [line for line in lines if line.partition("=")[0].strip() != name]
    file.parent.mkdir(parents=True, exist_ok=True)
    # settings stand above any table, so the new line goes first
    new = file.with_name(f"{file.name}.new")
    new.write_text("\n".join([f"{name} = {quoted}", *kept]) + "\n", "utf-8")
    new.replace(file)
