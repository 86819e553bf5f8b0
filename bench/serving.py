"""What the measurements fetch from: nginx on loopback, plain or TLS, with a limit per connection, behind a slow or lossy line."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "image.iso"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Site:
    """A served folder: its address, the SHA-256 of each file, and the certificate that it is to be trusted by."""

    url: str
    folder: Path
    certificate: Path | None = None


def make_file(file: Path, mib: int) -> str:
    """A file of random bytes; its SHA-256."""
    digest = hashlib.sha256()
    with file.open("wb") as out:
        for _ in range(mib):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody has just now."""
    with socket.socket() as asked:
        asked.bind((host, 0))
        return int(asked.getsockname()[1])


@contextmanager
def nginx(
    work: Path, *, tls: bool = False, limit: str = "", host: str = "127.0.0.1", prefix: tuple[str, ...] = ()
) -> Iterator[Site]:
    """nginx serving `work/www` while the block lasts. `limit` is bytes a second for each connection, as nginx writes it;
    `prefix` starts it elsewhere (`ip netns exec NAME`)."""
    port, www = free_port(), work / "www"
    www.mkdir(exist_ok=True)
    certificate = _certificate(work) if tls else None
    config = work / f"nginx-{port}.conf"
    config.write_text(_config(work, host, port, certificate, limit))
    process = subprocess.Popen([*prefix, "nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process, host, prefix)
        yield Site(f"http{'s' if tls else ''}://{host}:{port}", www, certificate)
    finally:
        process.terminate()
        process.wait()


def _config(work: Path, host: str, port: int, certificate: Path | None, limit: str) -> str:
    folders = "".join(f"{name}_temp_path {work}/nginx-{name};\n" for name in _TEMPORARY)
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};" if certificate else ""
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""{user} worker_processes 1; daemon off; pid {work}/nginx-{port}.pid; error_log {work}/nginx.log;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; {folders}
server {{ listen {host}:{port}{" ssl" if certificate else ""}; {tls} root {work}/www;
{f"limit_rate {limit};" if limit else ""} }} }}
"""


def _certificate(work: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    file, key = work / "certificate.pem", work / "key.pem"
    arguments = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run([*arguments, *names], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


def _wait_for(port: int, process: subprocess.Popen[bytes], host: str, prefix: tuple[str, ...]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit("nginx does not start: see nginx.log, or run scripts/install_bench_programs.sh")
        if prefix:
            time.sleep(0.5)
            return
        with socket.socket() as tried:
            if tried.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("nginx does not answer")


@contextmanager
def delayed(port: int, milliseconds: float, mbit: float = 0) -> Iterator[int]:
    """The port of a line to `port` that delays every byte by so much, one way."""
    program = [sys.executable, str(Path(__file__).with_name("line.py")), str(port)]
    options = ["--delay-ms", str(milliseconds), "--mbit", str(mbit)]
    with subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def lossy(percent: float, mbit: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A network namespace behind a pair of interfaces with a rate and a share of packets lost each way: the address in it, and
    what starts a program there. As root only."""
    name, inside, outside = f"isobench{os.getpid()}", "10.213.7.2", "10.213.7.1"
    with ExitStack() as undo:
        _ip("netns", "add", name)
        undo.callback(_ip, "netns", "delete", name)
        _ip("link", "add", "isob0", "type", "veth", "peer", "name", "isob1", "netns", name)
        undo.callback(subprocess.run, ["ip", "link", "delete", "isob0"], check=False)
        within = ("ip", "netns", "exec", name)
        _ip("addr", "add", f"{outside}/24", "dev", "isob0")
        _ip("link", "set", "isob0", "up")
        for command in (f"ip addr add {inside}/24 dev isob1", "ip link set isob1 up", "ip link set lo up"):
            subprocess.run([*within, *command.split()], check=True)
        shaping = f"tc qdisc add dev isob1 root tbf rate {mbit}mbit burst 256kb latency 100ms"
        subprocess.run([*within, *shaping.split()], check=True)
        drop = f"numgen random mod 10000 < {int(percent * 100)} drop"
        chains = (f"chain {way} {{\n type filter hook {way} priority 0;\n {drop}\n}}" for way in ("input", "output"))
        rules = "table inet loss {\n" + "\n".join(chains) + "\n}\n"
        subprocess.run([*within, "nft", "-f", "-"], input=rules, text=True, check=True)
        yield inside, within


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
