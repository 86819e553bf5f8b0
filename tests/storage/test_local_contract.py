"""The local store keeps every promise of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract_suite import StoreContract

from isomanager.storage.contract import Partial, Store
from isomanager.storage.local import LocalStore


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, root: Path) -> LocalStore:
        return LocalStore(root)

    @pytest.fixture
    def reopen_code(self, store: LocalStore) -> str:
        return (
            "from pathlib import Path\nfrom isomanager.storage.local import LocalStore\n"
            f"store = LocalStore(Path({str(store.root)!r}), create=False)"
        )

    def test_is_a_store_with_partials(self, store: LocalStore) -> None:
        assert isinstance(store, Store)
        assert isinstance(self.begun(store, b"image"), Partial)
