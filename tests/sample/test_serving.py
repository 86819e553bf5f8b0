"""`isomanager sample` in the foreground: says where it is, serves, and stops cleanly when told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from isomanager.errors import UsageError
from isomanager.sample.__main__ import main
from isomanager.sample.serving import serve_sample
from isomanager.sample.site import open_site
from isomanager.sample.upstream import SampleUpstream


@contextmanager
def running(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-W", "error", "-m", "isomanager.sample", "--folder", str(folder), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().removeprefix("Sample upstream: ").strip()
            while "stops it" not in process.stdout.readline():
                assert process.poll() is None
            yield process, url
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="signals between processes are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_in_the_foreground_until_a_signal(site_folder: Path, number: signal.Signals) -> None:
    with running(site_folder) as (process, url):
        assert "orchard" in httpx.get(url, trust_env=False, verify=False).text
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_another_process_publishes_while_one_serves(site_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(site_folder) as (_, url):
        assert main(["--folder", str(site_folder), "--publish", "lantern"]) == 0
        assert "lantern-2.10.2.iso" in capsys.readouterr().out
        assert "lantern-2.10.2.iso" in httpx.get(f"{url}lantern/stable/", trust_env=False, verify=False).text
        assert (
            httpx.head(f"{url}lantern/lantern-latest.iso", trust_env=False, verify=False)
            .headers["location"]
            .endswith("2.10.2.iso")
        )


def test_serves_from_a_thread_until_its_event_is_set(site_folder: Path) -> None:
    stop, ready = threading.Event(), threading.Event()
    seen: list[str] = []

    def on_ready(upstream: SampleUpstream) -> None:
        seen.append(upstream.url)
        ready.set()

    thread = threading.Thread(target=serve_sample, args=(site_folder, 0, on_ready), kwargs={"stop": stop})
    thread.start()
    assert ready.wait(20)
    assert (
        httpx.get(f"{seen[0]}/granite/releases.json", trust_env=False, verify=False)
        .json()[0]["link"]
        .startswith(seen[0])
    )
    stop.set()
    thread.join(20)
    with pytest.raises(httpx.ConnectError):
        httpx.get(seen[0], trust_env=False, verify=False)


def test_signal_handlers_are_put_back(site_folder: Path) -> None:
    before, stop = signal.getsignal(signal.SIGTERM), threading.Event()
    stop.set()
    serve_sample(site_folder, stop=stop)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_taken_port_is_said(upstream: SampleUpstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_site(tmp_path / "other", scale=0.01)
    with pytest.raises(UsageError, match="cannot start"):
        serve_sample(tmp_path / "other", upstream.server.server_port)
    assert main(["--folder", str(tmp_path / "other"), "--port", str(upstream.server.server_port)]) == 2
    assert "Give another --port" in capsys.readouterr().err


def test_images_come_at_the_given_rate(site_folder: Path) -> None:
    path = "lantern/stable/lantern-2.10.1.iso"
    with SampleUpstream(site_folder, rate=400_000) as upstream:
        with httpx.stream("GET", f"{upstream.url}/{path}", trust_env=False, verify=False) as answered:
            answered.read()
        assert answered.elapsed.total_seconds() > 0.15


def test_a_whole_site_is_built_in_little_time(tmp_path: Path) -> None:
    """Full size, from nothing: about 0.7 s of processor time on a quiet machine; the limit leaves room for a busy one."""
    script = "import sys,time;from pathlib import Path;from isomanager.sample.site import open_site;"
    script += "began=time.process_time();open_site(Path(sys.argv[1]));print(time.process_time()-began)"
    took = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert float(took.stdout) < 3.0
    sizes = [file.stat().st_size for file in tmp_path.rglob("*.iso")]
    assert min(sizes) > 1 << 20
    assert max(sizes) < 4 << 20
