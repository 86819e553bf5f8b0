"""Settings: one documented table, read from a TOML file and the environment, each value knowing where it came from.

Order, strongest first: environment (`ISOMANAGER_RETRY_COUNT=5`), the configuration file (`ISOMANAGER_CONFIG`, else
`config.toml` in the user's configuration folder), the default below. Secrets are not settings: they live in blocks and in the
credential files of the storage tools.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from isomanager.errors import ConfigurationError
from isomanager.model import Publication

PREFIX = "ISOMANAGER_"


KEYSERVERS = (
    "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x{fingerprint}",
    "https://keys.openpgp.org/vks/v1/by-fingerprint/{fingerprint}",
)
"""Where any OpenPGP key may be found by its fingerprint (HKP, draft-gallagher-openpgp-hkp; VKS of Hagrid)."""


def default_config_file() -> Path:
    """`ISOMANAGER_CONFIG`, else config.toml in the user's configuration folder."""
    named = os.environ.get(f"{PREFIX}CONFIG")
    return Path(named) if named else platformdirs.user_config_path("isomanager") / "config.toml"


class _ConfigFile(PydanticBaseSettingsSource):
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


def _absolute(path: Path) -> Path:
    """The same place from every folder: a run on a worker does not start in the folder of whoever asked for it."""
    return path.expanduser().absolute()


def absolute_address(address: str) -> str:
    """A path made absolute; an address with a scheme is as it is."""
    return address if not address or _SCHEME.match(address) else str(_absolute(Path(address)))


def _absolute_database(url: str) -> str:
    """SQLite's file made absolute; `sqlite:///name.db` means one in the current folder."""
    scheme, found, file = url.partition(":///")
    if not (scheme.startswith("sqlite") and found) or not file or file.startswith((":memory:", "file:")):
        return url
    return f"{scheme}:///{_absolute(Path(file)).as_posix()}"


_SCHEME = re.compile(r"file:|[A-Za-z][A-Za-z0-9+.-]+://", re.IGNORECASE)

AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Every setting. The seed's names are told where they differ."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_folder: AbsolutePath = Field(
        default_factory=lambda: platformdirs.user_data_path("isomanager"),
        description="Where the database, fetched keys and the local Prefect server keep their files.",
    )
    default_repository: Annotated[str, AfterValidator(absolute_address)] = Field(
        default_factory=lambda: str(Path.home() / "ISOs"),
        description="Path or URL of the repository named `default` (DefaultRepository).",
    )
    repository_layout: str = Field("default", description="Layout of new repositories (RepositoryStructure).")
    database_url: Annotated[str, AfterValidator(_absolute_database)] = Field(
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
    retry_count: int = Field(3, ge=0, le=100, description="Further tries after a transient failure (RetryCount).")
    retry_delay: float = Field(
        5.0, ge=0, le=3600, description="Seconds before the first of them; doubled each time, with jitter (RetryDelay)."
    )
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
    images_at_once: int = Field(4, ge=1, le=64, description="Images fetched at the same time.")
    connections_per_host: int = Field(4, ge=1, le=32, description="Connections to one host at the same time.")
    resolves_at_once: int = Field(48, ge=1, le=256, description="Products asked about at the same time.")
    document_patience: float = Field(
        30.0, ge=0, le=600, description="Seconds that a busy server (429, 503) may make one look-up wait."
    )
    connections_per_image: int = Field(
        16, ge=1, le=64, description="Connections for one image at the same time, to all its sources together."
    )
    connect_timeout: float = Field(15.0, gt=0, description="Seconds to wait for a connection.")
    first_byte_timeout: float = Field(60.0, gt=0, description="Seconds to wait for the first byte of an answer.")
    stall_timeout: float = Field(
        30.0, gt=0, description="Seconds without progress before a transfer counts as stalled."
    )
    stall_bytes_per_second: int = Field(
        1024, ge=0, description="Slower than this over the stall timeout is a stall too."
    )
    transfer_budget: float = Field(0.0, ge=0, description="Seconds that one image may take in one try; 0 for no end.")
    transfer_window: int = Field(64 << 20, ge=1 << 20, description="Bytes in memory between network, digest and disk.")
    torrent: Literal["never", "needed", "preferred"] = Field(
        "needed",
        description="When BitTorrent is used: never, only where upstream gives no other way (or a person names a torrent), or "
        "wherever upstream has a torrent.",
    )
    torrent_listen: str = Field(
        "",
        description="Addresses at which other peers may connect, such as 0.0.0.0:6881,[::]:6881. Empty: nothing listens.",
    )
    torrent_dht: bool = Field(False, description="Find peers without a tracker; needs torrent_listen.")
    torrent_lsd: bool = Field(False, description="Find peers in the local network; needs torrent_listen.")
    torrent_port_mapping: bool = Field(
        False, description="Ask the router to let peers in (UPnP and NAT-PMP); needs torrent_listen."
    )
    torrent_patience: float = Field(
        60.0,
        gt=0,
        description="Seconds without a new byte from a swarm before its addresses on the web are used instead.",
    )
    torrent_connections: int = Field(60, ge=2, le=5000, description="Peers connected at the same time.")
    torrent_download_limit: int = Field(0, ge=0, description="Bytes a second from all peers together; 0: no limit.")
    torrent_upload_limit: int = Field(0, ge=0, description="Bytes a second to all peers together; 0: no limit.")
    torrent_seed_ratio: float = Field(
        0.0,
        ge=0,
        description="Give peers this many times what a proved image has in bytes, then stop; after torrent_seed_minutes, or a "
        "day, at the latest. 0: no such aim.",
    )
    torrent_seed_minutes: float = Field(
        0.0, ge=0, description="Give a proved image to peers for at most so long; 0: do not, unless a ratio is set."
    )
    delta: Literal["never", "quick", "thorough"] = Field(
        "quick",
        description="Where upstream has a .zsync and an older image is held, fetch only what differs: quick finds files that moved "
        "within the image, thorough also what moved inside of a file, at some 15 MiB a second. Needs the extra `delta`.",
    )
    bandwidth: int = Field(
        0, ge=0, description="Bytes a second that all downloads of a process may take together; 0: no limit."
    )
    bandwidth_per_source: int = Field(0, ge=0, description="Bytes a second from one host; 0: no limit.")
    bandwidth_slots: str = Field(
        "",
        description="Name of a global concurrency limit of the Prefect server: downloads on all workers take one of its slots "
        "each. Empty: workers do not share one.",
    )
    bandwidth_shared: str = Field(
        "",
        description="Name of a global concurrency limit of the Prefect server that has a slot decay: a slot is one MiB, so that "
        "downloads and syncs on all workers together bring as many MiB a second as slots decay. Empty: each process has its own.",
    )
    quiet_hours: dict[str, int] = Field(
        default_factory=dict,
        description='Bytes a second by the time of day, such as {"08:00-18:00" = 1000000}; 0 lets nothing come in those hours.',
    )
    proxy: str = Field(
        "",
        description="Address of a proxy for everything, without credentials; empty: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.",
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
        return init_settings, env_settings, _ConfigFile(settings_cls, default_config_file())


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
