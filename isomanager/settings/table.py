"""Every setting, with its default and what it is for."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from isomanager.errors import ConfigurationError
from isomanager.model import Publication
from isomanager.settings.absolute import AbsolutePath
from isomanager.settings.configuration_file import PREFIX, ConfigFile, default_config_file, read_config_file
from isomanager.settings.places import PlaceSettings
from isomanager.settings.transfers import TransferSettings


class Settings(TransferSettings, PlaceSettings):
    """Every setting. Those of the PowerShell module ISOManager are named where they differ."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    always_verify: bool = Field(
        True,
        description="Refuse images without any proof of their own (AlwaysVerifyIntegrity). Bytes are hashed and compared "
        "either way; off lets `none` through.",
    )
    default_digest_algorithm: Literal["sha256", "sha512", "sha384", "sha1", "md5", "blake2b"] = Field(
        "sha256", description="Algorithm of `verify` when none is named (DefaultHashAlgorithm)."
    )
    inventory_format: Literal["json", "csv", "xml"] = Field("json", description="Format of exports (InventoryFormat).")
    auto_update_inventory: bool = Field(
        True, description="Rewrite inventory.json, SHA256SUMS and index.html after each run (AutoUpdateInventory)."
    )
    enable_bits: bool = Field(
        True,
        description="Accepted for configurations written for the Windows BITS service, and without effect: every download "
        "here resumes, retries and verifies by itself on every system (EnableBITS).",
    )
    resolves_at_once: int = Field(48, ge=1, le=256, description="Products asked about at the same time.")
    document_patience: float = Field(
        30.0, ge=0, le=600, description="Seconds that a busy server (429, 503) may make one look-up wait."
    )
    catalogue_max_age: float = Field(
        3600.0,
        ge=0,
        description="Seconds for which an update believes what upstream said before; 0 asks every time.",
    )
    catalogue_url: str = Field(
        "",
        description="Address of the catalogue.json that another isomanager publishes, to be read before vendors are asked. Only "
        "what a signature proves is taken from there.",
    )
    max_deletes: int = Field(10, ge=0, description="Copies that one run may retire in one repository.")
    max_delete_bytes: int = Field(0, ge=0, description="Bytes that one run may retire in one repository; 0: no limit.")
    max_delete_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of a repository's copies that one run may retire; three at least, so that a small library goes on.",
    )
    trash_days: int = Field(14, ge=0, description="Days that retired files stay in the trash.")
    quotas: dict[str, int] = Field(
        default_factory=dict,
        description="Bytes that a repository may take, by its name, such as {default = 500000000000}; what is in its trash counts.",
    )
    publications: dict[str, list[Publication]] = Field(
        default_factory=dict,
        description='Forms in which repositories tell other programs what they hold, by repository or "*" for all: '
        '{"*" = ["atom", "pulp", "simplestreams"]}.',
    )
    space_warning: float = Field(
        0.9,
        gt=0,
        le=1,
        description="Used share of a repository's disk or quota from which on runs send an event and `doctor` warns.",
    )
    eol_grace_days: int = Field(
        0,
        ge=0,
        description="Retire versions whose vendor's support ended so many days ago, however many are kept; 0: never. What is "
        "selected now, pinned, or the last of its kind stays.",
    )
    aliases: tuple[Literal["latest", "stable", "lts", "previous"], ...] = Field(
        ("latest", "stable", "lts"),
        description="Names that stand for the newest image of each kind, as links or in aliases.json. What one stands for stays: "
        "`previous` keeps one series more.",
    )
    report_days: int = Field(90, ge=1, description="Days that dated inventories and reports stay in a repository.")
    alarm_days: int = Field(
        3,
        ge=1,
        le=365,
        description="Days without a finished run after which `status` and an automation raise an alarm.",
    )
    ca_file: AbsolutePath | None = Field(None, description="Certificate authorities (PEM) in place of the usual ones.")
    server_start_timeout: float = Field(180.0, gt=0, description="Seconds to wait for a local Prefect server's health.")
    server_port: int = Field(4200, ge=1, le=65535, description="Port of `isomanager serve`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the hook's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the file."""
        return init_settings, env_settings, ConfigFile(settings_cls, default_config_file())


def load_settings() -> Settings:
    """The settings in force. Raises ConfigurationError naming each wrong value."""
    try:
        return Settings()
    except ValidationError as wrong:
        told = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors())
        raise ConfigurationError(
            f"The settings are not usable: {told}.",
            hint=f"They come from {default_config_file()} and from {PREFIX}… in the environment; "
            "`isomanager config` lists their names.",
        ) from wrong


def origins(settings: Settings) -> dict[str, str]:
    """Where each setting's value comes from: `environment`, `file` or `default`."""
    file = read_config_file(default_config_file())
    environment = {name.upper() for name in os.environ}

    def origin(name: str) -> str:
        if f"{PREFIX}{name}".upper() in environment:
            return "environment"
        return "file" if name in file else "default"

    return {name: origin(name) for name in type(settings).model_fields}
