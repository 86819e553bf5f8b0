"""From `s3://bucket/prefix` to its store. Credentials come from the environment and Amazon's usual files."""

from __future__ import annotations

from isomanager.errors import ConfigurationError
from isomanager.storage.contract import Store
from isomanager.storage.s3_bucket import S3Access

EXAMPLE = "s3://bucket/folder"


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """The parts of the address. Names are taken as they are: no part of an S3 address is percent-encoded."""
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if not bucket or any(one in bucket for one in "@:?#"):
        raise ConfigurationError(
            "An S3 address names a bucket and nothing else before the first slash.",
            hint=f"Write {EXAMPLE}; keys belong into a block, the environment or ~/.aws/credentials.",
        )
    return bucket, prefix.strip("/")


def open_s3(url: str, *, create: bool, access: S3Access | None = None) -> Store:  # noqa: ARG001 - a prefix needs no making
    """The repository at `url`; `access` from a block, otherwise what the environment and the usual files say."""
    from isomanager.storage.s3 import S3Store

    return S3Store(*bucket_and_prefix(url), access)
