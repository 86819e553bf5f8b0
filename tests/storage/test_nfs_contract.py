"""The NFS store, spoken to directly, keeps every promise of the contract on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from contract_suite import StoreContract

from isomanager.storage.contract import Partial, Store
from isomanager.storage.nfs import NfsStore, open_nfs
from store_servers import NfsServer


class TestNfsStore(StoreContract):
    @pytest.fixture
    def url(self, nfs: NfsServer) -> str:
        return nfs.at(f"contract/{uuid.uuid4().hex[:12]}")

    @pytest.fixture
    def store(self, url: str) -> Iterator[NfsStore]:
        opened = open_nfs(url, create=True)
        yield opened
        opened.close()

    @pytest.fixture
    def reopen_code(self, url: str) -> str:
        return f"from isomanager.storage.nfs import open_nfs\nstore = open_nfs({url!r}, create=False)"

    def test_is_a_store_with_partials(self, store: NfsStore) -> None:
        assert isinstance(store, Store)
        assert isinstance(self.begun(store, b"image"), Partial)
        assert store.mode == "direct"
