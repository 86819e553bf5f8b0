"""Blocks that describe repositories. Each builds the domain's store; the secrets stay in the block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from isomanager.storage.checking import StoreCheck, check_store
from isomanager.storage.contract import Store
from isomanager.storage.opening import open_store
from isomanager.storage.s3_bucket import S3Access
from isomanager.storage.s3_opening import open_s3

_ABSOLUTE = r"^(/|~|[A-Za-z]:[\\/]|\\\\)"
"""A relative path would mean a folder of the run's own, which is gone after the run."""
LAYOUT = Field(
    default="default",
    description="default, by-type, by-date, by-version, upstream-name, or a path template with {fields}.",
)
DESCRIPTION = Field(default="", description="What it is for; shown in its index.")
"""What every repository has. Forms show fields in the order of their definition: each class says these after its own."""


class Repository(Block, ABC):
    """What every repository can do."""

    @abstractmethod
    def store(self, *, create: bool = False) -> Store:
        """The store this describes; `create` makes what is missing of it."""

    def check(self) -> StoreCheck:
        """Write, read, rename and delete a probe; the steps say in plain words what works and what is wrong."""
        return check_store(self.store(create=True))


class LocalRepository(Repository):
    """A repository in a folder: a local disk, or a share that the system has mounted."""

    _block_type_name: ClassVar[str | None] = "ISO repository (local)"
    _block_type_slug: ClassVar[str | None] = "iso-repository-local"
    _description: ClassVar[str | None] = "A folder in which isomanager keeps verified ISO images."
    _code_example: ClassVar[str | None] = (
        "from blocks.repositories import LocalRepository\n\n"
        'LocalRepository(path="/srv/isos", description="ISO images for the lab").save("lab")'
    )

    path: str = Field(
        title="Folder",
        description="Absolute path of the folder, as the worker sees it, such as /srv/isos or D:\\ISOs.",
        pattern=_ABSOLUTE,
    )
    layout: str = LAYOUT
    description: str = DESCRIPTION

    def store(self, *, create: bool = False) -> Store:
        """The store this describes."""
        return open_store(self.path, create=create)


class S3Repository(Repository):
    """A repository in a bucket: Amazon's S3, or any server that speaks its protocol."""

    _block_type_name: ClassVar[str | None] = "ISO repository (S3)"
    _block_type_slug: ClassVar[str | None] = "iso-repository-s3"
    _description: ClassVar[str | None] = "An S3 bucket in which isomanager keeps verified ISO images."
    _code_example: ClassVar[str | None] = (
        "from blocks.repositories import S3Repository\n\n"
        "S3Repository(\n"
        '    bucket="isos", prefix="lab", endpoint="https://s3.example.net",\n'
        '    access_key_id="AKIA...", secret_access_key="...",\n'
        ').save("lab")\n'
        "# then: isomanager repository create block://iso-repository-s3/lab --name lab"
    )

    bucket: str = Field(
        description="Name of the bucket; it must be there already.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$",
    )
    prefix: str = Field(
        default="",
        description="Folder in the bucket; empty for all of it.",
    )
    endpoint: str = Field(
        default="",
        description="Address of the server, such as https://s3.example.net:9000; empty for Amazon's.",
        pattern=r"^(https?://[^@\s]+)?$",
    )
    region: str = Field(
        default="",
        description="Region, such as eu-central-1; empty for the usual one.",
    )
    access_key_id: SecretStr = Field(
        default=SecretStr(""),
        title="Access key",
        description="Its name; empty to use the worker's own environment, ~/.aws/credentials or instance role.",
    )
    secret_access_key: SecretStr = Field(
        default=SecretStr(""),
        title="Secret of the key",
        description="Its secret.",
    )
    session_token: SecretStr = Field(
        default=SecretStr(""),
        description="For credentials that expire: the token that came with them.",
    )
    layout: str = LAYOUT
    description: str = DESCRIPTION

    def store(self, *, create: bool = False) -> Store:
        """The store this describes. Its bucket is never made, only used."""
        access = S3Access(
            endpoint=self.endpoint,
            region=self.region,
            key=self.access_key_id.get_secret_value(),
            secret=self.secret_access_key.get_secret_value(),
            token=self.session_token.get_secret_value(),
        )
        return open_s3(f"s3://{self.bucket}/{self.prefix}", create=create, access=access)
