"""A library whose Windows products come from a server that does what Microsoft's do, over TLS, by a clock the test moves."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_microsoft import Edition, Microsoft, certificate, serving, write_products
from isomanager.library.opening import Library
from isomanager.settings import load_settings
from library.conftest import Clock

LANGUAGES = {
    "English": "English (United States)",
    "English (United Kingdom)": "English International",
    "German": "German",
    "Chinese (Simplified)": "Chinese Simplified",
}
CULTURES = {"English": "en-us", "English (United Kingdom)": "en-gb", "German": "de-de", "Chinese (Simplified)": "zh-cn"}


def windows11(machine: str, build: str = "26300_9457") -> dict[tuple[str, str], str]:
    spelled = {"x86_64": "x64", "aarch64": "arm64"}[machine]
    return {(name, machine): f"Windows11_Client_{spelled}_{CULTURES[name]}_{build}.iso" for name in LANGUAGES}


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """One certificate for all."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def microsoft(
    tmp_path: Path, clock: Clock, tls: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Microsoft]:
    """The server, with Windows 11 for two architectures, Windows 10, and evaluation images of two servers."""
    authority, context = tls
    with serving(Microsoft(clock), context) as running:
        client = "Windows 11 Client - Build 26300.9457"
        running.editions = {
            "3813": Edition("windows11", "Windows 11 (multi-edition ISO for x64 devices)", client, "26H2", LANGUAGES, windows11("x86_64")),
            "9002": Edition("windows11arm64", "Windows 11 (multi-edition ISO for Arm64 devices)", client, "26H2", LANGUAGES, windows11("aarch64")),
            "2618": Edition(
                "windows10ISO",
                "Windows 10 (multi-edition ISO)",
                "Windows 10 22H2",
                "22H2",
                {"English": "English (United States)"},
                {("English", "i686"): "Win10_22H2_English_x32v1.iso", ("English", "x86_64"): "Win10_22H2_English_x64v9.iso"},
                publishes=False,
            ),
        }  # fmt: skip
        label = "Download Windows Server 2025 ISO 64-bit edition ({})"
        link = "{{base}}/fwlink/?linkid=2345730&amp;clcid=0x409&amp;culture={}&amp;country=us"
        running.evaluation = {
            "download-windows-server-2025": [
                (label.format(one), link.format(one.lower())) for one in ("en-US", "ja-JP")
            ]
        }
        server = "/dbazure/998969d5-f34g-4e03-ac9d-1f9786c66749/26100.40000.270111-0550.lt_release_svc_refresh_SERVER_EVAL_x64FRE_{}.iso"
        running.leads_to = {("2345730", one): server.format(one) for one in ("en-us", "ja-jp")}
        write_products(tmp_path / "products", running.base)
        monkeypatch.setenv("ISOMANAGER_CATALOGUE_FOLDERS", json.dumps([str(tmp_path / "products")]))
        monkeypatch.setenv("ISOMANAGER_CA_FILE", str(authority))
        monkeypatch.setenv("ISOMANAGER_DOCUMENT_PATIENCE", "0")
        yield running


@pytest.fixture
def library(microsoft: Microsoft, clock: Clock) -> Iterator[Library]:
    """An empty library that only knows the server as Microsoft."""
    with Library(load_settings(), clock=clock) as opened:
        yield opened
