"""The examples for pipelines, run as they stand: only the product is one that the sample upstream has."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from command import LIMIT
from deployments.server import local_server
from flow_runs import eventually
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings
from prefect_over_http import Api

EXAMPLES = Path(__file__).parents[2] / "examples"
OURS, SAMPLE = "ubuntu/server@lts", "sample-orchard/server@lts"
Run = Callable[..., str]

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("upstream", "prefect_server")]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program where `isomanager` is on the path; its output."""
    folder = tmp_path / "here"
    folder.mkdir()

    def call(*arguments: object) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [str(one) for one in arguments],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_the_shell_script_gives_a_path_that_it_has_checked(run: Run, upstream: SampleUpstream, tmp_path: Path) -> None:
    place = run("sh", EXAMPLES / "get.sh", SAMPLE).strip()
    assert Path(place).is_relative_to(tmp_path / "library")
    assert run("sh", EXAMPLES / "get.sh", SAMPLE).strip() == place
    assert run("isomanager", "path", SAMPLE).strip() == place


def test_terraform_packer_and_ansible_are_told_what_they_read(run: Run, upstream: SampleUpstream) -> None:
    terraform = (EXAMPLES / "main.tf").read_text()
    program = json.loads(re.search(r"program = (\[.*\])", terraform)[1].replace(OURS, SAMPLE))  # type: ignore[index]
    answer = json.loads(run(*program))
    assert all(isinstance(one, str) for one in answer.values()), "the provider takes an object of texts"
    assert set(re.findall(r"image\.result\.(\w+)", terraform)) <= set(answer)

    packer = (EXAMPLES / "ubuntu.pkr.hcl").read_text()
    given = run("isomanager", "get", SAMPLE, "--variables", "hcl")
    assert set(re.findall(r"^(\w+)\s*=", given, re.M)) == set(re.findall(r'^variable "(\w+)"', packer, re.M))
    assert set(re.findall(r"var\.(\w+)", packer)) <= set(answer)

    (play,) = yaml.safe_load((EXAMPLES / "playbook.yml").read_text())
    asking = play["tasks"][0]["ansible.builtin.command"]["argv"]
    told = json.loads(run(*[one.replace(OURS, SAMPLE) for one in asking]))
    used = set(re.findall(r"from_json\)\.(\w+)", (EXAMPLES / "playbook.yml").read_text()))
    assert used <= set(told)
    assert told["fetched"] is False, "Terraform fetched it"


def test_an_image_is_customised_and_held_with_its_base(run: Run, upstream: SampleUpstream, tmp_path: Path) -> None:
    folder = tmp_path / "autoinstall"
    folder.mkdir()
    (folder / "user-data").write_text("#cloud-config\n")
    added = json.loads(run("sh", EXAMPLES / "customise.sh", SAMPLE, folder, "lab-orchard"))
    assert [one["outcome"] for one in added["outcomes"]] == ["published"]
    (shown,) = json.loads(run("isomanager", "show", "lab-orchard", "--json"))
    image = tmp_path / "library" / shown["path"]
    assert SAMPLE in json.dumps(shown)
    listed = subprocess.run(
        ["xorriso", "-indev", str(image), "-find", "/lab", "--", "-report_el_torito", "plain"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "/lab/user-data" in listed.stdout
    assert "El Torito" in listed.stdout, "it still boots"


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server that no worker of other tests takes runs from."""
    with local_server(Settings(data_folder=tmp_path / "served", server_start_timeout=600), lambda _told: None) as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        yield Api(url)


@pytest.fixture
def deployed(own_server: Api, upstream: SampleUpstream, tmp_path: Path) -> Iterator[None]:
    """The deployment `get/get`, served by a process of its own; what it says stands beside a failure."""
    serving = "from flows.get import get; get.serve('get', limit=2)"
    told = tmp_path / "served.log"
    with told.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", serving], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        eventually(lambda: _is_deployed(own_server) or process.poll() is not None)
        assert process.poll() is None
        yield
    finally:
        print(told.read_text())
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_deployed(api: Api) -> bool:
    return bool(api.send("POST", "/deployments/filter", {}).json())


@pytest.mark.usefixtures("deployed")
def test_another_flow_reads_the_answer_over_the_api(run: Run, tmp_path: Path) -> None:
    told = run(sys.executable, EXAMPLES / "lab.py", SAMPLE).strip().splitlines()[-1]
    assert Path(told).is_file()
    assert Path(told).is_relative_to(tmp_path / "library")
