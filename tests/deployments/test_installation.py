"""A real installation: PostgreSQL, an account, nginx in front, several workers as on several machines, backup and restore."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text

from deployments.server import QUIET_SERVER, RETENTION
from flow_runs import eventually
from installation import ACCOUNT, DATABASE_PASSWORD, FILES, Installation, behind_nginx, installed, shipped
from isomanager.sample.faults import FaultKind
from isomanager.storage.local import LocalStore
from postgres_server import create_database, missing, postgres_programs
from prefect_over_http import LIMIT
from worker_processes import WorkerProcess, ended, process_id, until

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does"),
]

IMAGE = "sample-lantern"
ENOUGH, RATE = 1_500_000, 120_000
"""Bytes after which the image's download stalls, and bytes a second until then: longer than ten seconds, after which a transfer
notes for a successor how far it is."""


@pytest.fixture(scope="module")
def installation(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(postgres, tmp_path_factory.mktemp("installation")) as made:
        yield made


def test_one_of_three_workers_is_killed_in_mid_download_and_the_image_is_fetched_once(
    installation: Installation,
) -> None:
    installation.upstream.fault(FaultKind.SLOW, "*lantern*.iso", rate=RATE)
    stall = installation.upstream.fault(FaultKind.STALL, "*lantern*.iso", at=ENOUGH)
    with ended(
        [WorkerProcess(f"machine-{one}", installation.folder, installation.environment) for one in range(3)]
    ) as workers:
        first = installation.ask(IMAGE)
        installation.api.started(first)
        assert stall.wait_reached(LIMIT)
        until("the process of the run", lambda: process_id(installation.api.get(f"/flow_runs/{first}")))
        others = [installation.ask(one) for one in ("sample-beacon", "sample-driftwood")]
        second = installation.state(installation.ask(IMAGE))
        assert second["type"] == "FAILED"
        assert "worked on by" in second["message"], second
        at_it = process_id(installation.api.get(f"/flow_runs/{first}"))
        (victim,) = [one for one in workers if at_it in {process.pid for process in one.processes()}]
        store = LocalStore(installation.folder / "library")
        noted = eventually(lambda: [one.front for one in store.partials() if one.front and "lantern" in one.final])[0]
        victim.kill()
        installation.upstream.clear_faults()
        third = installation.state(installation.ask(IMAGE))
        assert third["type"] == "COMPLETED", third
        for one in others:
            assert installation.state(one)["type"] == "COMPLETED", installation.state(one)
        assert [one.is_running() for one in workers if one is not victim] == [True, True]
    images = installation.images()
    assert [one.name.split(".")[0] for one in images] == ["sample-beacon", "sample-driftwood", IMAGE]
    size = {one.name.split(".")[0].removeprefix("sample-"): one.stat().st_size for one in images}
    for name in ("beacon", "driftwood"):
        assert [one.sent for one in installation.fetched(name)] == [size[name]]
    _, rest = installation.fetched("lantern")
    assert rest.range == f"bytes={noted}-"
    assert (rest.status, rest.sent) == (206, size["lantern"] - noted)


@pytest.fixture(scope="module")
def proxied(installation: Installation) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of nginx, and what a command needs to use the server through it."""
    with behind_nginx(installation.api.url, installation.folder / "nginx") as (url, certificate):
        yield url, {"PREFECT_API_URL": f"{url}/api", "SSL_CERT_FILE": str(certificate)}


def test_web_page_and_api_are_reached_through_nginx_and_the_api_wants_the_account(
    proxied: tuple[str, dict[str, str]],
) -> None:
    url, told = proxied
    trusted = ssl.create_default_context(cafile=told["SSL_CERT_FILE"])
    with httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=60) as client:
        page = client.get("/v2/deployments", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        script = re.search(r'src="(/[^"]+\.js)"', page.text)
        assert script is not None
        assert "javascript" in client.get(script[1]).headers["content-type"]
        asked = client.get("/ui-settings", auth=tuple(ACCOUNT.split(":"))).json()
        assert (asked["api_url"], asked["auth"]) == ("/api", "BASIC")
        assert client.get("/api/health").status_code == 200
        assert client.post("/api/flow_runs/filter", json={}).status_code == 401
        assert client.post("/api/flow_runs/filter", json={}, auth=tuple(ACCOUNT.split(":"))).status_code == 200


def test_a_command_works_through_nginx_and_its_events_arrive(
    installation: Installation, proxied: tuple[str, dict[str, str]]
) -> None:
    _, told = proxied
    installation.command("download", "sample-granite", **told).well()
    body = {"filter": {"event": {"prefix": ["isomanager.image.published"]}}, "limit": 50}

    def announced() -> list[str]:  # events go over a websocket
        events = installation.api.send("POST", "/events/filter", body).json()["events"]
        return [one["resource"]["prefect.resource.name"] for one in events if "granite" in str(one["resource"])]

    assert eventually(announced)
    found = {one["name"]: one for one in installation.command("doctor", "--json", **told).json}
    assert found["server"]["state"] == "ok"


def test_a_wrong_account_is_said_in_words(installation: Installation, proxied: tuple[str, dict[str, str]]) -> None:
    wrong = {**proxied[1], "PREFECT_API_AUTH_STRING": "admin:guessed"}
    found = {one["name"]: one for one in installation.command("doctor", "--json", **wrong).json}
    assert found["server"]["state"] == "wrong"
    assert "PREFECT_API_AUTH_STRING" in found["server"]["advice"]
    told = installation.command("download", "sample-beacon", **wrong)
    assert told.code != 0
    assert "PREFECT_API_AUTH_STRING" in told.err
    assert "Traceback" not in told.err


def test_no_secret_is_told_by_the_server(installation: Installation, proxied: tuple[str, dict[str, str]]) -> None:
    api, secrets = installation.api, ("hush-block", "hush-user", "hush-token", DATABASE_PASSWORD, ACCOUNT.split(":")[1])
    kind = api.get("/block_types/slug/iso-repository-s3")["id"]
    schemas = api.send("POST", "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}}).json()
    data = {"bucket": "isos", "access_key_id": "hush-block", "secret_access_key": "hush-block"}
    document = {"name": "vault", "data": data, "block_type_id": kind, "block_schema_id": schemas[0]["id"]}
    api.send("POST", "/block_documents/", document)
    address = installation.upstream.url.replace("http://", "http://somebody:hush-user@")
    url = f"{address}/beacon/iso/beacon-ve_9.2-1.iso?token=hush-token"
    told = installation.command("download", "--url", url, "--name", "by-address", "--no-verify", **proxied[1]).well()
    assert any(one.headers.get("authorization") and "hush" in one.query for one in installation.upstream.requests)
    kept = eventually(lambda: text if "by-address" in (text := api.everything()) and "vault" in text else "")
    assert [one for one in secrets if one in kept + told.out + told.err] == []


def test_what_is_old_is_removed_and_the_rest_stays(installation: Installation) -> None:
    address = installation.server_environment["PREFECT_API_DATABASE_CONNECTION_URL"].replace("+asyncpg", "+psycopg")
    api = installation.api
    runs = api.send("POST", "/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}).json()
    old, kept = (one["id"] for one in runs[:2])
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"update flow_run set end_time = now() - interval '61 days' where id = '{old}'"))
        aged = "update events set occurred = now() - interval '15 days' where event like 'isomanager.%' returning id"
        events = ", ".join(f"'{known}'" for (known,) in connection.execute(text(aged)).all())

    def left(kind: str) -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(text(kind)).all())

    until("the removal of the run", lambda: not left(f"select id from flow_run where id = '{old}'"))
    until("the removal of the events", lambda: not left(f"select id from events where id in ({events})"))
    assert left(f"select id from flow_run where id = '{kept}'")
    assert left("select id from events")


def test_what_backup_saved_is_what_restore_brings_back(installation: Installation, postgres: str) -> None:
    saved = installation.folder / "backup"
    before = installation.command("list", "--json").well().json
    assert before
    now = {**installation.environment, **installation.server_environment}
    _run("backup.sh", saved, now)
    fresh = {
        name: f"{now[name].partition(':')[0]}:{create_database(postgres, database).partition(':')[2]}"
        for name, database in (
            ("ISOMANAGER_DATABASE_URL", "isos_restored"),
            ("PREFECT_API_DATABASE_CONNECTION_URL", "prefect_restored"),
        )
    }
    _run("restore.sh", saved, {**now, **fresh})
    restored = installation.command("list", "--json", ISOMANAGER_DATABASE_URL=fresh["ISOMANAGER_DATABASE_URL"])
    assert restored.well().json == before
    for table in ("deployment", "flow_run", "automation", "block_document"):
        names = [_rows(told["PREFECT_API_DATABASE_CONNECTION_URL"], table) for told in (now, fresh)]
        assert names[0] == names[1]
    assert _rows(fresh["PREFECT_API_DATABASE_CONNECTION_URL"], "deployment")


def test_backup_and_restore_on_sqlite(installation: Installation, tmp_path: Path) -> None:
    told = {**installation.environment, "ISOMANAGER_DATABASE_URL": "", "PREFECT_HOME": str(tmp_path / "prefect")}
    told = {name: value for name, value in told.items() if name not in ("ISOMANAGER_DATABASE_URL", "PREFECT_API_URL")}
    told["ISOMANAGER_DATA_FOLDER"] = str(tmp_path / "data")
    own = {"ISOMANAGER_DATA_FOLDER": told["ISOMANAGER_DATA_FOLDER"], "ISOMANAGER_DATABASE_URL": ""}
    installation.command("subscribe", IMAGE, **own).well()
    (tmp_path / "prefect").mkdir()
    _sqlite(
        tmp_path / "prefect" / "prefect.db", "create table flow_run (name text)", "insert into flow_run values ('a')"
    )
    _run("backup.sh", tmp_path / "saved", told)
    for file in ((tmp_path / "data").glob("isomanager.db*"), (tmp_path / "prefect").glob("prefect.db*")):
        for one in file:
            one.unlink()
    _run("restore.sh", tmp_path / "saved", told)
    assert IMAGE in installation.command("subscriptions", "--json", **own).well().out
    assert _sqlite(tmp_path / "prefect" / "prefect.db", "select name from flow_run") == [("a",)]


def _run(script: str, folder: Path, environment: dict[str, str]) -> None:
    path = f"{postgres_programs()}:{environment['PATH']}"
    done = subprocess.run(
        [str(FILES / script), str(folder)],
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _rows(address: str, table: str) -> list[Any]:
    engine = create_engine(address.replace("+asyncpg", "+psycopg"))
    with engine.connect() as connection:
        found = connection.execute(text(f"select id, name from {table} order by id")).all()
    engine.dispose()
    return list(found)


def _sqlite(file: Path, *statements: str) -> list[Any]:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        answers = [connection.execute(text(one)) for one in statements]
        found = list(map(tuple, answers[-1])) if answers[-1].returns_rows else []
    engine.dispose()
    return found


@pytest.mark.parametrize("name", ["isomanager-server.service", "isomanager-worker.service"])
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        missing("systemd-analyze")
    here = str(Path(sys.executable).parent)
    unit = tmp_path / name
    text_of_unit = (FILES / name).read_text("utf-8")
    assert "/opt/isomanager/bin/" in text_of_unit
    unit.write_text(text_of_unit.replace("/opt/isomanager/bin", here))
    done = subprocess.run(
        [str(analyze), "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=LIMIT
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if name in line]) == (0, [])


def test_the_server_s_file_says_what_isomanager_tells_a_server_of_its_own() -> None:
    told = shipped("server.env")
    assert RETENTION.items() <= told.items()
    assert {**QUIET_SERVER, **told}.keys() - told.keys() == {"PREFECT_CLI_PROMPT"}  # nobody is there to be asked


def test_the_container_file_copies_what_is_there_and_runs_the_command() -> None:
    root = FILES.parents[1]
    joined = (FILES / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.split(None, 1) for line in joined.splitlines() if line and not line.startswith("#")]
    assert lines[0][0] == "FROM"
    known = {"FROM", "COPY", "WORKDIR", "RUN", "ENV", "USER", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    assert {line[0] for line in lines} <= known
    assert (root / "requirements.lock").is_file()
    for instruction, words in lines:
        if instruction == "RUN":
            checked = subprocess.run(["sh", "-n"], input=words, text=True, capture_output=True)
            assert checked.returncode == 0, checked.stderr
    assert ["ENTRYPOINT", '["isomanager"]'] in lines
