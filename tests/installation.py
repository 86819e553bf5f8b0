"""A real installation as docs/installation.md tells it, on loopback: PostgreSQL for both databases, an account, nginx in front."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import pytest

from certificates import self_signed
from command import LIMIT as COMMAND_LIMIT
from command import Told, command_line
from deployments.server import free_port, local_server
from isomanager.sample.server import Seen
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings
from postgres_server import create_database, missing, prefect_database
from prefect_over_http import Api

FILES = Path(__file__).resolve().parents[1] / "examples" / "installation"
ACCOUNT = "admin:open-sesame"
DATABASE_PASSWORD = "hush-database"


def shipped(name: str, **own: str) -> dict[str, str]:
    """The variables of a shipped .env file, some of them our own."""
    lines = (FILES / name).read_text("utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert own.keys() <= told.keys(), "the file no longer tells them"
    return {**told, **own}


@dataclass(frozen=True)
class Installation:
    """A server, a library, and what a worker or a command needs to be told of both."""

    api: Api
    folder: Path
    environment: dict[str, str]
    server_environment: dict[str, str]
    upstream: SampleUpstream

    def command(self, *words: str, **environment: str) -> Told:
        """What `isomanager` says."""
        told = {**self.environment, **environment}
        done = subprocess.run(command_line(*words), env=told, capture_output=True, text=True, timeout=COMMAND_LIMIT)
        return Told(done.returncode, done.stdout, done.stderr)

    def ask(self, selector: str) -> str:
        """A run that some worker is to take."""
        return str(self.api.start("download/download", {"selector": selector}).json()["id"])

    def state(self, run: str) -> dict[str, Any]:
        """How the run ended."""
        return dict(self.api.ended(run)["state"])

    def images(self) -> list[Path]:
        """The files of the library that are images, by name."""
        files = (self.folder / "library").rglob("*.iso")
        own = (one for one in files if ".isomanager" not in one.parts and not one.is_symlink())
        return sorted(own, key=lambda one: one.name)

    def fetched(self, part: str) -> list[Seen]:
        """The requests for bytes of an image."""
        gets = (one for one in self.upstream.requests if one.method == "GET")
        return [one for one in gets if part in one.path and one.path.endswith(".iso")]


@contextmanager
def installed(postgres: str, folder: Path) -> Iterator[Installation]:
    """A server with the shipped settings, and deployments on it."""
    runs = prefect_database(postgres, "prefect_of_workers")
    held = create_database(postgres, "isos_of_workers").replace("postgresql:", "postgresql+psycopg:")
    held = held.replace("tester@", f"tester:{DATABASE_PASSWORD}@")
    server = shipped(
        "server.env",
        PREFECT_HOME=str(folder / "server"),
        PREFECT_API_DATABASE_CONNECTION_URL=runs,
        PREFECT_SERVER_API_AUTH_STRING=ACCOUNT,
    )
    with SampleUpstream(folder / "upstream", scale=2) as upstream, pytest.MonkeyPatch.context() as patch:
        for name, value in server.items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS", "5")  # not an hour: a test waits for it
        settings = Settings(data_folder=folder / "server", server_start_timeout=600)
        with local_server(settings, lambda _told: None) as url:
            told = _told_to_workers(folder, url, held, upstream)
            made = Installation(Api(url, ACCOUNT), folder, told, server, upstream)
            made.command("deploy").well()
            _without_slots(made.api)
            yield made


def _told_to_workers(folder: Path, url: str, database: str, upstream: SampleUpstream) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ISOMANAGER_"))}
    own = shipped(
        "worker.env",
        PREFECT_HOME=str(folder / "client"),
        PREFECT_API_URL=url,
        PREFECT_API_AUTH_STRING=ACCOUNT,
        ISOMANAGER_CONFIG=str(folder / "config.toml"),
        ISOMANAGER_DATA_FOLDER=str(folder / "data"),
        ISOMANAGER_DEFAULT_REPOSITORY=str(folder / "library"),
        ISOMANAGER_DATABASE_URL=database,
    )
    of_the_test = {
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "ISOMANAGER_CATALOGUE_FOLDERS": f'["{upstream.catalogue_folder.as_posix()}"]',
        "ISOMANAGER_STALL_TIMEOUT": "3600",
        "ISOMANAGER_RETRY_COUNT": "0",
        "ISOMANAGER_CONNECTIONS_PER_IMAGE": "1",
        "COLUMNS": "200",
    }
    return {**inherited, **own, **of_the_test}


def _without_slots(api: Api) -> None:
    """What keeps two workers from the same image must not be Prefect's."""
    while True:
        known = api.send("POST", "/v2/concurrency_limits/filter", {"limit": 200}).json()
        ours = [one for one in known if one["name"].startswith("isomanager-host-")]
        for one in ours:
            api.send("DELETE", f"/v2/concurrency_limits/{one['id']}", None)
        if not ours:
            return


@contextmanager
def behind_nginx(server: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The shipped configuration of nginx in front of the server: the address there, and the certificate to trust."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("nginx")
    folder.mkdir()
    certificate, port = self_signed(folder), free_port()
    config = folder / "nginx.conf"
    config.write_text(_nginx_config(folder, certificate, port, urlsplit(server).netloc))
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen([str(program), "-c", str(config)], stdout=said, stderr=said)
        try:
            _until_listening(port, process, folder)
            yield f"https://127.0.0.1:{port}", certificate
        finally:
            process.terminate()
            process.wait()


def _nginx_config(folder: Path, certificate: Path, port: int, server: str) -> str:
    text = (FILES / "nginx.conf").read_text("utf-8")
    for theirs, own in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("http://127.0.0.1:4200", f"http://{server}"),
        ("/etc/ssl/isomanager/fullchain.pem", str(certificate)),
        ("/etc/ssl/isomanager/privkey.pem", str(certificate)),
        ("isos.example.org", "127.0.0.1"),
    ):
        assert theirs in text
        text = text.replace(theirs, own)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"{user} worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; {folders}\n{text}\n}}\n"
    )


def _until_listening(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = monotonic() + COMMAND_LIMIT
    while True:
        assert process.poll() is None, (folder / "said.txt").read_text()
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert monotonic() < until, "nginx does not listen"
        sleep(0.05)
