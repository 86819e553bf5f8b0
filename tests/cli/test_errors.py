"""Whatever goes wrong ends as a sentence and an exit code; for `--json` as one JSON object. Never as a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cli.main import app, general_options_first, status_of
from command import Isomanager
from isomanager.errors import UsageError
from isomanager.inventory.inventory import Inventory
from isomanager.library.checking_files import check_file
from isomanager.sample.upstream import SampleUpstream

NAMES = (
    "", " ", "@", "/", "ubuntu@", "ubuntu/", "/server", "ubuntu/server@latest.04", "ubuntu@..", "ubuntu@=", "@lts", "ub\x00untu",
    "ubuntu/nosuch", "nosuch", "ubuntu@daily", "../../etc/passwd", "ubuntu@24.04.3.1.2.3", "üñîçødé/🐧@∞", "-", "a" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20] or "empty")
@pytest.mark.parametrize(
    "command",
    [
        ("catalogue", "resolve", "--offline", "--json"),
        ("catalogue", "show", "--json"),
        ("subscribe", "--json"),
        ("path", "--json"),
        ("show", "--json"),
        ("unsubscribe", "--json"),
        ("download", "--to", "folder/", "--arch", "vax", "--json"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_an_odd_name_is_answered_in_json(here: Isomanager, command: tuple[str, ...], name: str) -> None:
    told = here(*command, "--", name)
    if told.code == 0:
        return  # some names that look odd mean something
    assert told.code in (1, 2)
    assert set(told.json) >= {"error", "message"}
    assert told.json["error"] != "unexpected", told.json


ARGUMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "list",
                "show",
                "path",
                "subscribe",
                "config",
                "catalogue",
                "resolve",
                "digests",
                "verify",
                "--json",
                "--arch",
                "--keep",
                "-r",
                "--expected",
                "--algorithm",
                "--document",
                "--offline",
                "-v",
                "--",
                "a=b",
                "0",
                "-1",
                "debian",
            ]
        ),
        st.text(max_size=12),
    ),
    max_size=6,
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arguments=ARGUMENTS)
@example(arguments=["--log-file"])
@example(arguments=["verify", "--json", "\x00"])
@example(arguments=["digests", "--json", "\ud800"])
def test_no_arguments_whatever_bring_a_traceback_or_an_unexpected_error(
    here: Isomanager, arguments: Sequence[str]
) -> None:
    if {"update", "prune", "download", "serve", "sample", "deploy", "plan", "check"} & set(arguments):
        return  # these do more than answer
    if "--log-file" in arguments and arguments[-1] != "--log-file":
        return  # would write files under any name
    if "verify" in arguments and not {"\x00", "--expected", "--algorithm"} & set(arguments):
        return  # without a file it is a flow
    told = here(*arguments)
    assert told.code in (0, 1, 2)
    assert "mistake in isomanager" not in told.out + told.err


def test_an_unknown_option_is_a_usage_error_in_words_and_in_json(isomanager: Isomanager) -> None:
    told = isomanager("list", "--nosuch")
    assert (told.code, told.out) == (2, "")
    assert "No such option: --nosuch" in told.err
    told = isomanager("list", "--nosuch", "--json")
    assert (told.code, told.json["error"]) == (2, "usage")
    assert "--nosuch" in told.json["message"]


def test_a_wrong_rule_is_told_in_a_sentence(here: Isomanager) -> None:
    told = here("subscribe", "ubuntu/server@latest.04")
    assert told.code == 2
    assert "latest major forbids an exact minor '04'" in told.err


def test_a_configuration_file_that_is_no_toml_is_named_with_its_line(isomanager: Isomanager) -> None:
    file = Path(os.environ["ISOMANAGER_CONFIG"])
    file.write_text("retry_count = = 3\n")
    for command in ("list", "config", "catalogue list"):
        told = isomanager(*command.split(), "--json")
        assert (told.code, told.json["error"]) == (2, "configuration")
        assert str(file) in told.json["message"]
        assert "line 1" in told.json["message"]


def test_a_setting_that_cannot_be_is_named(isomanager: Isomanager) -> None:
    told = isomanager("config", environment={"ISOMANAGER_RETRY_COUNT": "many"})
    assert told.code == 2
    assert "retry_count" in told.err


def test_a_data_folder_that_is_a_file_is_told_in_words(isomanager: Isomanager, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    told = isomanager("list", "--json", environment={"ISOMANAGER_DATA_FOLDER": str(blocked / "data")})
    assert told.code in (1, 2)
    assert str(blocked) in told.json["message"]
    assert told.json["error"] != "unexpected"


def test_a_repository_that_cannot_be_made_is_told_in_words(isomanager: Isomanager, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    told = isomanager("init", "--json", "--repository", blocked / "isos")
    assert told.code in (1, 2)
    assert told.json["error"] != "unexpected"
    assert "default_repository" not in Path(os.environ["ISOMANAGER_CONFIG"]).name
    assert not Path(os.environ["ISOMANAGER_CONFIG"]).exists(), "what cannot be used must not be saved"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the superuser's right to read everything, where the tests run as the superuser."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "secret.iso"
    file.write_bytes(b"bytes")
    file.chmod(0)
    with as_nobody(), pytest.raises(UsageError, match="cannot be read"):
        check_file(file, "", "sha256")


def test_an_unwritable_log_file_is_told_in_words(isomanager: Isomanager, tmp_path: Path) -> None:
    told = isomanager("--log-file", tmp_path, "config", "--json")
    assert (told.code, told.json["error"]) == (2, "usage")
    assert str(tmp_path) in told.json["message"]


def test_an_update_of_what_is_not_subscribed_fails_at_once_without_a_server(isomanager: Isomanager) -> None:
    told = isomanager("update", "debian", "--json", environment={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert (told.code, told.json["error"]) == (2, "usage")
    assert "No subscription fits 'debian'" in told.json["message"]


def test_a_prefect_server_that_does_not_answer_is_named(isomanager: Isomanager) -> None:
    isomanager("subscribe", "debian").well()
    told = isomanager("update", "--json", environment={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert told.code == 1
    assert "http://127.0.0.1:9/api" in told.json["message"]
    assert "PREFECT_API_URL" in told.json["hint"] or "PREFECT_API_URL" in told.json["message"]


def test_a_reader_that_leaves_early_is_no_error_to_tell(isomanager_command: list[str]) -> None:
    for command in (["config"], ["catalogue", "list", "--json"], ["catalogue", "show", "fedora", "--json"]):
        process = subprocess.Popen([*isomanager_command, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        process.wait(120)
        assert said == b""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes in other ways")
@pytest.mark.prefect
def test_ctrl_c_during_an_update_stops_with_a_sentence_and_the_next_update_finishes(
    subscribed: Isomanager, upstream: SampleUpstream, isomanager_command: list[str], tmp_path: Path
) -> None:
    stall = upstream.fault("stall", "*.iso", at=50_000)
    process = subprocess.Popen(
        [*isomanager_command, "update"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=tmp_path
    )
    assert stall.wait_reached(240)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "stopped" in said
    upstream.clear_faults()
    done = subscribed("update", "--json")
    assert done.well().json["totals"]["published"] == 1


def test_general_options_may_stand_after_the_command() -> None:
    assert general_options_first(["update", "-vv", "--log-file", "x", "debian"]) == [
        "-vv", "--log-file", "x", "update", "debian",
    ]  # fmt: skip
    assert general_options_first(["show", "--", "-v"]) == ["show", "--", "-v"]
    assert general_options_first(["--log-file"]) == ["--log-file"]


def test_verbose_tells_what_is_resolved_and_the_log_file_keeps_all_of_it(
    isomanager: Isomanager, upstream: SampleUpstream, tmp_path: Path
) -> None:
    log = tmp_path / "the.log"
    told = isomanager("plan", "-v", "--log-file", log)
    assert "INFO" not in told.err  # nothing was done that is worth a line
    told = isomanager("catalogue", "resolve", "sample-orchard", "-v", "--log-file", log, "--json").well()
    assert "INFO isomanager.library.resolving" in told.err
    assert told.json["filename"] in told.err
    assert "HTTP Request" not in told.err
    assert "HTTP Request: GET" in log.read_text("utf-8")
    told = isomanager("-vv", "catalogue", "resolve", "sample-orchard").well()
    assert "HTTP Request: GET" in told.err


def test_a_log_holds_no_secrets(isomanager: Isomanager, upstream: SampleUpstream, tmp_path: Path) -> None:
    log = tmp_path / "the.log"
    address = f"{upstream.url}/beacon/nothing.iso?token=sesame".replace("http://", "http://me:sesame@")
    told = isomanager("download", "--url", address, "--to", tmp_path / "x.iso", "-vv", "--log-file", log, "--json")
    assert told.code == 1
    assert "sesame" not in told.out + told.err + log.read_text("utf-8")


def test_a_mistake_of_ours_is_a_sentence_too(here: Isomanager, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(Inventory, "open", broken)
    told = here("list", "--json")
    assert (told.code, told.json["error"]) == (1, "unexpected")
    assert "ZeroDivisionError: by nought" in told.json["message"]


def test_every_command_has_help_on_h_and_help(here: Isomanager) -> None:
    commands = [command.name for command in app.registered_commands]
    assert len(commands) >= 15
    for words in [
        [],
        *([str(name)] for name in commands),
        ["catalogue"],
        ["catalogue", "resolve"],
        ["catalogue", "check"],
    ]:
        short, long = here(*words, "-h"), here(*words, "--help")
        assert short.code == long.code == 0
        assert short.out == long.out
        assert "Usage: isomanager" in short.out


def test_the_version_is_that_of_the_package(isomanager: Isomanager) -> None:
    assert isomanager("--version").well().out == f"isomanager {version('isomanager')}\n"


def test_status_of_gives_the_exit_code() -> None:
    assert status_of(["nosuch"]) == 2
