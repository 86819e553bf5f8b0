"""`isomanager repository`: places are tried before they are believed, and what is wrong is said in words."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from command import Isomanager
from store_servers import S3Server, s3_client


@pytest.fixture
def keys(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The environment that Amazon's own tools read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return s3


def test_a_folder_becomes_a_repository_and_is_listed_and_checked(here: Isomanager, tmp_path: Path) -> None:
    made = here(
        "repository", "create", tmp_path / "nas", "--name", "nas", "--description", "in the cellar", "--json"
    ).well()
    assert made.json == {
        "name": "nas",
        "url": str(tmp_path / "nas"),
        "layout": "default",
        "description": "in the cellar",
    }
    assert [one["name"] for one in here("repository", "list", "--json").well().json] == ["default", "nas"]
    assert "in the cellar" in here("repository", "list").well().out
    checked = here("repository", "check", "nas", "--json").well().json
    assert checked["ok"]
    assert all(step["ok"] for step in checked["steps"])
    assert "can be used" in here("repository", "check", "nas").well().out


def test_a_repository_is_forgotten_and_its_files_stay(here: Isomanager, tmp_path: Path) -> None:
    here("repository", "create", tmp_path / "nas", "--name", "nas").well()
    here("site", "add", "europe", "nas").well()
    there = sorted(tmp_path.joinpath("nas").rglob("*"))
    looked = here("repository", "remove", "nas", "--dry-run", "--json")
    assert (looked.code, looked.json["removed"], looked.json["obstacles"]) == (1, False, ["the site europe names it"])
    refused = here("repository", "remove", "nas", "--json")
    assert (refused.code, refused.json["error"]) == (1, "repository-in-use")
    here("site", "remove", "europe").well()
    told = here("repository", "remove", "nas").well().out
    assert "is forgotten" in told
    assert "isomanager repository rebuild nas" in " ".join(told.split())
    assert [one["name"] for one in here("repository", "list", "--json").well().json] == ["default"]
    assert sorted(tmp_path.joinpath("nas").rglob("*")) == there


def test_a_relative_folder_is_the_same_from_everywhere(here: Isomanager, tmp_path: Path) -> None:
    assert here("repository", "create", "isos", "--name", "isos", "--json").well().json["url"] == str(tmp_path / "isos")


def test_a_folder_that_went_away_is_said_and_exits_with_1(here: Isomanager, tmp_path: Path) -> None:
    here("repository", "create", tmp_path / "usb", "--name", "usb").well()
    (tmp_path / "usb").rename(tmp_path / "pulled out")
    told = here("repository", "check", "usb")
    assert told.code == 1
    assert "WRONG" in told.out
    assert "is not there" in told.out.replace("\n", " ")


def test_a_bucket_becomes_a_repository_by_its_bare_address(here: Isomanager, keys: S3Server) -> None:
    url = f"s3://{keys.bucket}/cli"
    here("repository", "create", url, "--name", "bucket").well()
    assert here("repository", "check", "bucket", "--json").well().json["url"] == url


def test_a_wrong_secret_is_said_after_a_right_one_and_never_printed(
    here: Isomanager, keys: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("repository", "create", f"s3://{keys.bucket}/cli2", "--name", "bucket").well()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    told = here("repository", "check", "bucket", "--json")
    assert (told.code, told.json["steps"][-1]["code"]) == (1, "credentials")
    assert "not-the-secret" not in told.out + told.err
    refused = here("repository", "create", f"s3://{keys.bucket}/cli3", "--name", "other", "--json")
    assert (refused.code, refused.json["error"]) == (1, "credentials")
    assert [one["name"] for one in here("repository", "list", "--json").json] == ["bucket", "default"]


def test_a_password_in_an_address_is_refused_and_stored_nowhere(here: Isomanager, tmp_path: Path) -> None:
    told = here("repository", "create", "s3://me:sesame@isos/x", "--name", "bucket", "--json")
    assert (told.code, told.json["error"]) == (2, "configuration")
    assert "sesame" not in told.out + told.err
    assert [one["name"] for one in here("repository", "list", "--json").json] == ["default"]


def test_init_takes_a_bucket_and_finds_out_that_it_is_none(
    here: Isomanager, keys: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ISOMANAGER_DEFAULT_REPOSITORY")
    refused = here("init", "--repository", "s3://nobodys/x", "--json")
    assert (refused.code, refused.json["error"]) == (1, "missing")
    url = f"s3://{keys.bucket}/init"
    told = here("init", "--repository", url, "--json").well().json
    assert (told["repository"], told["free"]) == (url, None)
    assert here("config", "--json").well().json["default_repository"]["value"] == url
    refused = here("init", "--repository", "smb://me:sesame@nas/isos", "--json")
    assert (refused.code, "sesame" in refused.out + refused.err) == (2, False)


def test_a_file_in_a_bucket_is_downloaded_by_its_address(here: Isomanager, keys: S3Server, tmp_path: Path) -> None:
    s3_client(keys).put_object(Bucket=keys.bucket, Key="source/x.iso", Body=b"image")
    told = here("download", "--url", f"s3://{keys.bucket}/source/x.iso", "--to", tmp_path / "here.iso", "--json").well()
    assert (tmp_path / "here.iso").read_bytes() == b"image"
    assert told.json["sha256"] == hashlib.sha256(b"image").hexdigest()
    assert told.json["url"] == f"s3://{keys.bucket}/source/x.iso"
    refused = here("download", "--url", "s3://me:sesame@isos/x.iso", "--to", tmp_path / "there.iso", "--json")
    assert (refused.code, "sesame" in refused.out + refused.err) == (2, False)


@pytest.mark.prefect
def test_a_block_s_repository_is_opened_through_prefect(
    prefect_server: str, isomanager: Isomanager, s3: S3Server
) -> None:
    from blocks.repositories import S3Repository

    S3Repository(
        bucket=s3.bucket, prefix="cli-block", endpoint=s3.endpoint, region="us-east-1",
        access_key_id=s3.key, secret_access_key=s3.secret,
    ).save("cli", overwrite=True)  # fmt: skip
    api = {"PREFECT_API_URL": prefect_server}
    made = isomanager(
        "repository", "create", "block://iso-repository-s3/cli", "--name", "lab", "--json", environment=api
    )
    assert made.well().json["url"] == "block://iso-repository-s3/cli"
    checked = isomanager("repository", "check", "lab", "--json", environment=api).well().json
    assert (checked["ok"], checked["url"]) == (True, f"s3://{s3.bucket}/cli-block")
