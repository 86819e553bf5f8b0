"""What a command may import: looking is quick because it brings only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys
from cli.main import status_of
code = status_of(sys.argv[1:])
print("CODE", code, "MODULES", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""

DATABASE = {"sqlmodel", "sqlalchemy", "alembic"}
LOOKING = (
    ("--help",), ("--version",), ("config",), ("catalogue", "list"), ("catalogue", "show", "debian"), ("list",), ("identify", "FILE"),
    ("subscriptions",), ("path", "debian"), ("plan",), ("show", "x"), ("verify", "FILE"), ("digests", "FILE"),
    ("catalogue", "resolve", "debian", "--offline"), ("download", "debian", "--to", "nowhere", "--arch", "vax"),
    ("status",), ("doctor",), ("runs", "list"), ("runs", "show", "x"),
)  # fmt: skip
WITHOUT_DATABASE = tuple(
    one
    for one in LOOKING
    if one[0] not in ("list", "subscriptions", "path", "plan", "show", "status", "doctor", "runs")
)
WITHOUT_NETWORK = tuple(one for one in LOOKING if one[0] != "download")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], set[str]]:
    """The top-level modules that each looking command imports in a process of its own."""
    return {}


def modules_of(command: tuple[str, ...], known: dict[tuple[str, ...], set[str]], file: str) -> set[str]:
    if command not in known:
        arguments = [file if one == "FILE" else one for one in command]
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *arguments], capture_output=True, encoding="utf-8", timeout=120, check=True
        )
        told = done.stderr.splitlines()[-1].split()
        assert told[0] == "CODE", done.stderr
        known[command] = set(told[3:])
    return known[command]


@pytest.fixture
def file(tmp_path: Path) -> str:
    document = tmp_path / "SHA256SUMS"
    document.write_text(f"{'0' * 64}  some.iso\n")
    return str(document)


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_a_command_that_only_looks_never_imports_prefect(
    command: tuple[str, ...], imported: dict[tuple[str, ...], set[str]], file: str
) -> None:
    assert not modules_of(command, imported, file) & {"prefect", "flows", "tasks", "fastapi"}


@pytest.mark.parametrize("command", WITHOUT_DATABASE, ids=" ".join)
def test_a_command_that_needs_no_database_imports_none(
    command: tuple[str, ...], imported: dict[tuple[str, ...], set[str]], file: str
) -> None:
    assert not modules_of(command, imported, file) & DATABASE


@pytest.mark.parametrize("command", WITHOUT_NETWORK, ids=" ".join)
def test_a_command_that_asks_nobody_imports_no_http_client(
    command: tuple[str, ...], imported: dict[tuple[str, ...], set[str]], file: str
) -> None:
    assert "httpx" not in modules_of(command, imported, file)


@pytest.mark.parametrize("command", [("--help",), ("config",), ("catalogue", "list")], ids=" ".join)
def test_the_quickest_commands_import_little(
    command: tuple[str, ...], imported: dict[tuple[str, ...], set[str]], file: str
) -> None:
    heavy = {"cryptography", "pysequoia", "pycdlib", "jmespath", "yaml", "s3fs", "smbprotocol", "fsspec"}
    assert not modules_of(command, imported, file) & heavy


def test_a_migrated_database_is_read_without_the_migrating_library(
    imported: dict[tuple[str, ...], set[str]], file: str
) -> None:
    modules_of(("subscriptions",), {}, file)  # the first time it is made
    assert "alembic" not in modules_of(("list",), {}, file)
