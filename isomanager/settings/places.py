"""The settings of where things are: data, database, repositories, products and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from isomanager.settings.absolute import AbsolutePath, absolute_address, absolute_database

KEYSERVERS = (
    "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x{fingerprint}",
    "https://keys.openpgp.org/vks/v1/by-fingerprint/{fingerprint}",
)
"""Where any OpenPGP key may be found by its fingerprint (HKP, draft-gallagher-openpgp-hkp; VKS of Hagrid)."""


class PlaceSettings(BaseSettings):
    """Where things are, and whose keys are believed."""

    data_folder: AbsolutePath = Field(
        default_factory=lambda: platformdirs.user_data_path("isomanager"),
        description="Where the database, fetched keys and the local Prefect server keep their files.",
    )
    default_repository: Annotated[str, AfterValidator(absolute_address)] = Field(
        default_factory=lambda: str(Path.home() / "ISOs"),
        description="Path or URL of the repository named `default` (DefaultRepository).",
    )
    repository_layout: str = Field("default", description="Layout of new repositories (RepositoryStructure).")
    database_url: Annotated[str, AfterValidator(absolute_database)] = Field(
        "",
        description="SQLAlchemy URL of the inventory; empty: SQLite in the data folder. PostgreSQL for many writers.",
    )
    download_path: AbsolutePath = Field(
        default_factory=Path.cwd,
        description="Where `download --no-register` puts files when `--to` is not given (DefaultDownloadPath).",
    )
    catalogue_folders: list[AbsolutePath] = Field(
        default_factory=list,
        description="More folders with product files of your own, besides `catalogue` in the data folder; "
        "they win over the bundled ones.",
    )
    keyservers: list[str] = Field(
        default_factory=lambda: list(KEYSERVERS),
        description="Addresses with `{fingerprint}` where OpenPGP keys may be found that their vendor does not give; "
        "what they give counts only if its fingerprint is the pinned one.",
    )
    site_keys: list[str] = Field(
        default_factory=list,
        description="Public keys of other sites (`isomanager keys site` shows a site's own) whose bundles are taken in.",
    )

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{(self.data_folder / 'isomanager.db').as_posix()}"

    @property
    def own_products(self) -> Path:
        """Where `catalogue add` puts product files."""
        return self.data_folder / "catalogue"

    @property
    def product_folders(self) -> tuple[Path, ...]:
        """Folders with product files of the user's; a later one wins over an earlier one."""
        return (self.own_products, *self.catalogue_folders)

    @property
    def keys_folder(self) -> Path:
        """Where fetched signing keys are kept."""
        return self.data_folder / "keys"
