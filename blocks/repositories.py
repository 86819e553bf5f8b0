"""Blocks that describe repositories. Each builds the domain's store; the secrets stay in the block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal
from urllib.parse import quote

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from isomanager.storage.checking import StoreCheck, check_place
from isomanager.storage.contract import Store
from isomanager.storage.nfs import open_nfs
from isomanager.storage.nfs_client import NfsAccess
from isomanager.storage.opening import open_store
from isomanager.storage.s3_bucket import S3Access
from isomanager.storage.s3_opening import open_s3
from isomanager.storage.smb import open_smb
from isomanager.storage.smb_session import SmbAccess

_ABSOLUTE = r"^(/|~|[A-Za-z]:[\\/]|\\\\)"
"""A relative path would mean a folder of the run's own, which is gone after the run."""
_HOST = r"^[A-Za-z0-9._:-]+$"
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

    @property
    def address(self) -> str:
        """What the inventory keeps: where to find this block, which keeps the secrets. It must have been saved."""
        return f"block://{self.get_block_type_slug()}/{self._block_document_name}"

    def check(self) -> StoreCheck:
        """Write, read, rename and delete a probe; the steps say in plain words what works and what is wrong."""
        return check_place(self._block_type_name or "this place", lambda: self.store(create=True))


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

    @property
    def address(self) -> str:
        """The folder itself: there is no secret in it."""
        return self.path

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


class SMBRepository(Repository):
    """A repository on a share of a Windows or Samba server."""

    _block_type_name: ClassVar[str | None] = "ISO repository (SMB)"
    _block_type_slug: ClassVar[str | None] = "iso-repository-smb"
    _description: ClassVar[str | None] = (
        "An SMB share in which isomanager keeps verified ISO images; nothing is mounted."
    )
    _code_example: ClassVar[str | None] = (
        "from blocks.repositories import SMBRepository\n\n"
        "SMBRepository(\n"
        '    server="nas.example.net", share="isos", folder="lab", username="isomanager", password="...",\n'
        ').save("nas")\n'
        "# then: isomanager repository create block://iso-repository-smb/nas --name nas"
    )

    server: str = Field(description="Name or address of the server.", pattern=_HOST)
    share: str = Field(description="Name of the share; it must be there already.", pattern=r"^[^/\\\\@?#]+$")
    folder: str = Field(default="", description="Folder in the share; empty for all of it.")
    username: str = Field(
        default="", description="User, as name or DOMAIN\\name; empty to use the worker's environment or files."
    )
    password: SecretStr = Field(default=SecretStr(""), description="The user's password.")
    port: int = Field(default=445, ge=1, le=65535, description="Port of the server.")
    encrypt: bool = Field(default=False, description="Refuse to speak without encryption.")
    layout: str = LAYOUT
    description: str = DESCRIPTION

    def store(self, *, create: bool = False) -> Store:
        """The store this describes, by a session of its own. Its share is never made, only used."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        url = f"smb://{host}:{self.port}/{quote(f'{self.share}/{self.folder}')}"
        access = SmbAccess(self.username, self.password.get_secret_value(), encrypt=self.encrypt)
        return open_smb(url, create=create, access=access if self.username else None)


class NFSRepository(Repository):
    """A repository on an NFS export: mounted by the system, or spoken to directly."""

    _block_type_name: ClassVar[str | None] = "ISO repository (NFS)"
    _block_type_slug: ClassVar[str | None] = "iso-repository-nfs"
    _description: ClassVar[str | None] = "An NFS export in which isomanager keeps verified ISO images."
    _code_example: ClassVar[str | None] = (
        "from blocks.repositories import NFSRepository\n\n"
        'NFSRepository(server="nas.example.net", export="/srv/isos", mode="mounted").save("nas")\n'
        "# then: isomanager repository create block://iso-repository-nfs/nas --name nas"
    )

    server: str = Field(description="Name or address of the server.", pattern=_HOST)
    export: str = Field(
        description="Path of the export on the server, and of a folder below it, such as /srv/isos/lab.",
        pattern=r"^/[^?#]*$",
    )
    mode: Literal["auto", "mounted", "direct"] = Field(
        default="auto",
        description="mounted: only while the worker's mount table shows the export; direct: version 3, no mount needed; "
        "auto: the mount where there is one.",
    )
    uid: int = Field(default=-1, ge=-1, description="Direct: number of the user; -1 for the worker's own.")
    gid: int = Field(default=-1, ge=-1, description="Direct: number of the group; -1 for the worker's own.")
    port: int = Field(default=0, ge=0, le=65535, description="Direct: port of the server; 0 for the usual one.")
    mount_port: int = Field(
        default=0, ge=0, le=65535, description="Direct: port of its mount service; 0 to ask for it."
    )
    layout: str = LAYOUT
    description: str = DESCRIPTION

    def store(self, *, create: bool = False) -> Store:
        """The store this describes."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        uid, gid = (number if number >= 0 else None for number in (self.uid, self.gid))
        access = NfsAccess(uid, gid, self.port, self.mount_port)
        return open_nfs(f"nfs://{host}/{quote(self.export.strip('/'))}", create=create, access=access, mode=self.mode)


REPOSITORY_BLOCKS: tuple[type[Repository], ...] = (LocalRepository, S3Repository, SMBRepository, NFSRepository)
"""The kinds there are."""
