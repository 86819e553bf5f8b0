"""Every block of ours meets the standard of Prefect's own, so that its form explains itself."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prefect.blocks.core import Block
from pydantic import SecretBytes, SecretStr, ValidationError

import blocks.repositories
from blocks.opening import open_block
from blocks.repositories import LocalRepository, NFSRepository, Repository, S3Repository, SMBRepository
from isomanager.errors import ConfigurationError
from store_servers import NfsServer, S3Server, SmbServer

BLOCKS = [
    one
    for _name, one in inspect.getmembers(blocks.repositories, inspect.isclass)
    if issubclass(one, Block) and one not in (Block, Repository)
]
EVERY = pytest.mark.parametrize("block", BLOCKS, ids=lambda one: one.__name__)
FIRST: dict[type[Block], list[str]] = {
    LocalRepository: ["path"],
    S3Repository: ["bucket"],
    SMBRepository: ["server", "share"],
    NFSRepository: ["server", "export"],
}
"""What each cannot do without."""
SECRET_WORDS = ("password", "secret", "token", "key")


def test_there_are_blocks_to_look_at() -> None:
    assert LocalRepository in BLOCKS


@EVERY
def test_has_a_name_and_a_slug_of_its_own(block: type[Block]) -> None:
    assert block._block_type_name
    assert block._block_type_slug
    assert block._block_type_slug.startswith("iso-")
    assert block.get_block_type_slug() == block._block_type_slug


@EVERY
def test_has_a_description_that_is_a_sentence(block: type[Block]) -> None:
    assert block._description
    assert block._description.endswith(".")


@EVERY
def test_has_a_code_example_that_is_python_and_uses_it(block: type[Block]) -> None:
    example = block._code_example
    assert example
    compile(example, "example", "exec")
    assert f"from {block.__module__} import {block.__name__}" in example


@EVERY
def test_every_field_is_described_and_has_its_place_in_the_form(block: type[Block]) -> None:
    fields = block.model_json_schema()["properties"]
    assert all(one.get("description") for one in fields.values())
    assert sorted(one["position"] for one in fields.values()) == list(range(len(fields)))


@EVERY
def test_a_field_that_holds_a_secret_is_masked(block: type[Block]) -> None:
    for name, field in block.model_fields.items():
        if any(word in name for word in SECRET_WORDS):
            assert field.annotation in (SecretStr, SecretBytes), name


@EVERY
def test_what_comes_later_has_a_default_so_that_saved_blocks_still_load(block: type[Block]) -> None:
    required = [name for name, field in block.model_fields.items() if field.is_required()]
    assert required == FIRST[block]


@EVERY
def test_is_known_to_prefect_without_being_registered_by_hand(block: type[Block]) -> None:
    modules = {one.value for one in entry_points(group="prefect.collections")}
    assert block.__module__ in modules


@pytest.mark.prefect
def test_comes_back_from_the_server_as_it_was_saved(prefect_server: str, tmp_path: Path) -> None:
    LocalRepository(path=str(tmp_path), layout="by-date", description="For the lab").save("lab")
    loaded: Any = LocalRepository.load("lab")
    assert (loaded.path, loaded.layout, loaded.description) == (str(tmp_path), "by-date", "For the lab")


@pytest.mark.parametrize("path", ["/srv/isos", "~/ISOs", "D:\\ISOs", "d:/isos", "\\\\nas\\isos"])
def test_a_folder_is_named_from_its_root(path: str) -> None:
    assert LocalRepository(path=path).path == path


@pytest.mark.parametrize("path", ["", "isos", "./isos", "../isos"])
def test_a_relative_folder_is_refused_for_it_would_be_the_run_s_own(path: str) -> None:
    with pytest.raises(ValidationError):
        LocalRepository(path=path)


def test_builds_the_store_it_describes(tmp_path: Path) -> None:
    store = LocalRepository(path=str(tmp_path)).store()
    store.replace_small("hello.txt", b"hello")
    assert (tmp_path / "hello.txt").read_bytes() == b"hello"


def s3_block(s3: S3Server, **changes: Any) -> S3Repository:
    told = {"access_key_id": s3.key, "secret_access_key": s3.secret, "endpoint": s3.endpoint, "region": "us-east-1"}
    return S3Repository(bucket=s3.bucket, prefix="block", **{**told, **changes})


def test_a_bucket_is_checked_from_its_block(s3: S3Server) -> None:
    assert s3_block(s3).check().ok
    wrong = s3_block(s3, secret_access_key="not-the-secret").check()
    assert "secret is wrong" in wrong.wrong
    assert s3_block(s3).check().ok


def test_two_blocks_for_one_server_use_their_own_keys(s3: S3Server) -> None:
    owner, reader = s3_block(s3), s3_block(s3, access_key_id=s3.reader_key, secret_access_key=s3.reader_secret)
    assert [owner.check().ok, reader.check().ok, owner.check().ok] == [True, False, True]


def smb_block(smb: SmbServer, **changes: Any) -> SMBRepository:
    told = {"server": "127.0.0.1", "port": smb.port, "share": "isos", "username": smb.user, "password": smb.password}
    return SMBRepository(**{**told, "folder": "a block", **changes})


def test_a_share_is_checked_from_its_block_and_a_wrong_password_is_wrong_after_a_right_one(smb: SmbServer) -> None:
    assert smb_block(smb).check().ok
    wrong = smb_block(smb, password="not-the-password").check()
    assert "user name or password is wrong" in wrong.wrong
    assert "not-the-password" not in wrong.wrong
    assert "no such share" in smb_block(smb, share="nothing").check().wrong
    assert smb_block(smb).check().ok


def test_two_blocks_for_one_share_use_their_own_users(smb: SmbServer) -> None:
    """The guest may read what the owner made, and write nothing; where there is one account only, it is nobody."""
    assert smb_block(smb).check().ok
    guest = smb_block(smb, username=smb.guest, password=smb.guest_password).check()
    assert guest.steps[-1].code in ("no-permission", "credentials")
    assert smb_block(smb).check().ok


def test_an_export_is_checked_from_its_block(nfs: NfsServer) -> None:
    parts = urlsplit(nfs.url)
    told: dict[str, Any] = {"server": parts.hostname, "export": f"{parts.path}/a block", "port": parts.port or 0}
    assert NFSRepository(mode="direct", **told).check().ok
    mounted = NFSRepository(mode="mounted", **told).check()
    assert "shows no NFS mount of it" in mounted.wrong


@pytest.mark.prefect
def test_a_repository_is_opened_by_its_block_s_name_and_the_address_holds_no_secret(
    prefect_server: str, s3: S3Server
) -> None:
    s3_block(s3).save("bucket", overwrite=True)
    store = open_block("block://iso-repository-s3/bucket", create=False)
    store.replace_small("hello.txt", b"hello")
    assert store.url == f"s3://{s3.bucket}/block"
    with pytest.raises(ConfigurationError, match="no block iso-repository-s3/nobody"):
        open_block("block://iso-repository-s3/nobody", create=False)
