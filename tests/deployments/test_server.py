"""Which Prefect API is used, and how a local one starts, fails to start and ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import sleep

import psutil
import pytest

from deployments.asking import is_healthy, without_password
from deployments.server import (
    free_port,
    is_on_this_machine,
    is_taken,
    local_server,
    own_address,
    prefect_api,
    prefect_home,
    served_address,
    served_api,
    serving,
)
from isomanager.errors import Cancelled, ConfigurationError, ConnectionFailed, UsageError
from isomanager.settings import Settings, load_settings


def quiet(_told: str) -> None:
    """Nobody listens."""


@pytest.fixture
def settings(own_environment: None) -> Settings:
    return load_settings()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def _servers_of(settings: Settings) -> list[psutil.Process]:
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if any(str(settings.data_folder) in word for word in one.info["cmdline"] or ())
    ]


def test_a_configured_server_that_does_not_answer_is_an_error_that_shows_no_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://someone:hunter2@127.0.0.1:{free_port()}/api")
    with pytest.raises(ConnectionFailed, match="does not answer") as wrong, prefect_api(settings, quiet):
        pass
    assert "hunter2" not in str(wrong.value)
    assert "127.0.0.1" in str(wrong.value)


@pytest.mark.prefect
def test_a_configured_server_that_answers_is_used(
    settings: Settings, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    with prefect_api(settings, quiet) as url:
        assert url == prefect_server
    assert is_healthy(prefect_server)


@pytest.mark.prefect
def test_without_one_the_server_of_isomanager_serve_is_used(
    settings: Settings, prefect_server: str, plain_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", "unchanged")  # so that what is set meanwhile is taken back
    monkeypatch.setenv("PREFECT_API_URL", "")
    with serving(settings) as tell_others:
        tell_others(prefect_server)
        with prefect_api(settings, quiet) as url:
            assert url == prefect_server
            assert os.environ["PREFECT_API_URL"] == prefect_server


@pytest.mark.prefect
def test_an_isomanager_serve_that_is_just_starting_is_waited_for(settings: Settings, prefect_server: str) -> None:
    with serving(settings) as tell_others:

        def asked(told: str) -> None:
            assert "Waiting for isomanager serve" in told
            tell_others(prefect_server)

        assert served_api(settings, asked) == prefect_server


def test_a_configured_server_that_is_slow_to_answer_is_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sleep(6)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            monkeypatch.setenv("PREFECT_API_URL", own_address(server.server_port))
            with prefect_api(settings, quiet) as url:
                assert url == own_address(server.server_port)
        finally:
            server.shutdown()


def test_no_isomanager_serve_means_none(settings: Settings) -> None:
    assert served_api(settings, quiet) is None


@pytest.mark.prefect
def test_what_a_killed_serve_left_behind_leads_nowhere(settings: Settings, prefect_server: str) -> None:
    settings.data_folder.mkdir(parents=True)
    (settings.data_folder / "serve.json").write_text(f'{{"api_url": "{prefect_server}"}}')
    assert served_api(settings, quiet) is None


def test_an_isomanager_serve_that_never_answers_is_an_error(settings: Settings) -> None:
    hasty = settings.model_copy(update={"server_start_timeout": 0.1})
    with serving(hasty) as tell_others:
        tell_others(own_address(free_port()))
        with pytest.raises(ConnectionFailed, match="does not answer"):
            served_api(hasty, quiet)


def test_a_second_isomanager_serve_is_refused_with_the_address_of_the_first(settings: Settings) -> None:
    with serving(settings) as tell_others:
        tell_others("http://127.0.0.1:4200/api")
        with pytest.raises(UsageError, match="running for this library already") as refused, serving(settings):
            pass
    assert "http://127.0.0.1:4200/v2/deployments" in refused.value.hint


def test_another_library_may_be_served_beside_it(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"data_folder": tmp_path / "other"})
    with serving(settings) as tell_ours, serving(other) as tell_theirs:
        tell_ours(own_address(1))
        tell_theirs(own_address(2))
        assert (served_address(settings), served_address(other)) == (own_address(1), own_address(2))
    assert served_address(settings) is None


def test_a_port_in_use_is_an_error_that_names_it(settings: Settings, taken_port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Port {taken_port}"), local_server(settings, quiet, port=taken_port):
        pass


def test_a_port_is_free_again_as_soon_as_nobody_listens(taken_port: int) -> None:
    assert is_taken(taken_port)
    assert not is_taken(free_port())


def test_a_server_that_cannot_start_is_an_error_with_the_end_of_its_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "nonsense://nowhere")
    with pytest.raises(ConfigurationError, match="ended while starting") as wrong, local_server(settings, quiet):
        pass
    assert "nonsense" in wrong.value.message
    assert str(prefect_home(settings) / "server.log") in wrong.value.hint


def test_a_server_that_takes_too_long_is_an_error_and_is_ended(settings: Settings) -> None:
    hasty = settings.model_copy(update={"server_start_timeout": 0.05})
    with pytest.raises(ConnectionFailed, match="server_start_timeout"), local_server(hasty, quiet):
        pass
    assert _servers_of(settings) == []


def test_starting_can_be_broken_off(settings: Settings) -> None:
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(Cancelled), local_server(settings, quiet, stopped=stopped):
        pass
    assert _servers_of(settings) == []


OWN = """
from deployments.asking import is_healthy
from deployments.server import prefect_api
from isomanager.settings import load_settings
with prefect_api(load_settings(), print) as url:
    from prefect import flow
    @flow
    def answer() -> int:
        return 42
    print(url, is_healthy(url), answer())
"""


@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_a_command_without_any_server_has_its_own_for_as_long_as_it_runs(
    settings: Settings, plain_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_SERVER_START_TIMEOUT", "600")
    done = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    url, healthy, answer = done.stdout.split()[-3:]
    assert (healthy, answer) == ("True", "42")
    assert is_on_this_machine(url)
    assert not is_healthy(url)
    assert _servers_of(settings) == []


def test_an_address_is_shown_without_its_password() -> None:
    assert without_password("https://me:secret@prefect.example.org/api") == "https://prefect.example.org/api"
