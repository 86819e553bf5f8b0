"""The S3 store keeps every promise of the contract, on a real server."""

from __future__ import annotations

import uuid

import pytest
from contract_suite import StoreContract

from isomanager.storage.contract import Partial, Store
from isomanager.storage.s3 import S3Store
from isomanager.storage.s3_bucket import S3Access
from store_servers import S3Server

GRANULE = 5 << 20
"""The smallest part that S3 allows."""


class TestS3Store(StoreContract):
    @pytest.fixture
    def prefix(self) -> str:
        return f"contract/{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def store(self, s3: S3Server, prefix: str) -> S3Store:
        access = S3Access(endpoint=s3.endpoint, region="us-east-1", key=s3.key, secret=s3.secret)
        return S3Store(s3.bucket, prefix, access, granule=GRANULE)

    @pytest.fixture
    def reopen_code(self, s3: S3Server, prefix: str) -> str:
        access = f"S3Access(endpoint={s3.endpoint!r}, region='us-east-1', key={s3.key!r}, secret={s3.secret!r})"
        return (
            "from isomanager.storage.s3 import S3Store\nfrom isomanager.storage.s3_bucket import S3Access\n"
            f"store = S3Store({s3.bucket!r}, {prefix!r}, {access}, granule={GRANULE})"
        )

    def test_is_a_store_with_partials(self, store: S3Store) -> None:
        assert isinstance(store, Store)
        assert isinstance(self.begun(store, b"image"), Partial)
