"""The SMB store keeps every promise of the contract, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from contract_suite import StoreContract

from isomanager.storage.contract import Partial, Store
from isomanager.storage.smb import SmbStore, open_smb
from isomanager.storage.smb_session import SmbAccess
from store_servers import SmbServer


class TestSmbStore(StoreContract):
    @pytest.fixture
    def url(self, smb: SmbServer) -> str:
        return f"{smb.url}/contract/{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def store(self, smb: SmbServer, url: str) -> Iterator[SmbStore]:
        opened = open_smb(url, create=True, access=SmbAccess(smb.user, smb.password))
        yield opened
        opened.session.close()

    @pytest.fixture
    def reopen_code(self, smb: SmbServer, url: str) -> str:
        return (
            "from isomanager.storage.smb import open_smb\nfrom isomanager.storage.smb_session import SmbAccess\n"
            f"store = open_smb({url!r}, create=False, access=SmbAccess({smb.user!r}, {smb.password!r}))"
        )

    def test_is_a_store_with_partials(self, store: SmbStore) -> None:
        assert isinstance(store, Store)
        assert isinstance(self.begun(store, b"image"), Partial)
