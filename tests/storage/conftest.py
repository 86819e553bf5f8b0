"""The contract suite is imported by name: its folder is put on the path for the stores' test modules."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from isomanager.storage.local import LocalStore

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite(
    "contract_case", "contract_files", "contract_resuming", "contract_small_files", "contract_suite"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def store(root: Path) -> LocalStore:
    """An empty local repository; stores with a suite of their own define their own `store`."""
    return LocalStore(root)
