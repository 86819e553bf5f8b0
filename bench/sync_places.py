"""The places that `bench.sync` mirrors to: their addresses for us, and for the programs beside us."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from isomanager.storage.durable import clone_file
from store_servers import s3_server, smb_server


@dataclass
class Place:
    """Where it goes: its address for us, and the commands of the others."""

    url: str
    peers: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    blocks: str = ""
    """Where `cp` shares blocks, if it can."""


@contextmanager
def local(folder: Path) -> Iterator[Place]:
    """Another folder."""
    rclone, rsync = folder / "rclone", folder / "rsync"
    rsync.mkdir(parents=True)
    yield Place(str(folder / "ours"), {"rclone": str(rclone), "rsync": f"{rsync}/"}, blocks=_blocks(folder))


def _blocks(folder: Path) -> str:
    """A folder of its own, where the disk shares blocks between files."""
    one, place = folder / "one", folder / "cp"
    one.write_bytes(b"x" * 4096)
    try:
        clone_file(one, folder / "two")
    except OSError:
        return ""
    place.mkdir()
    return str(place)


@contextmanager
def s3(folder: Path) -> Iterator[Place]:
    """SeaweedFS."""
    with s3_server(folder / "s3") as server:
        told = {
            "RCLONE_S3_PROVIDER": "Other", "RCLONE_S3_ENDPOINT": server.endpoint, "RCLONE_S3_ACCESS_KEY_ID": server.key,
            "RCLONE_S3_SECRET_ACCESS_KEY": server.secret, "AWS_ACCESS_KEY_ID": server.key,
            "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        name = secrets.token_hex(4)
        yield Place(f"s3://{server.bucket}/{name}", {"rclone": f":s3:{server.bucket}/{name}-rclone"}, told)


@contextmanager
def smb(folder: Path) -> Iterator[Place]:
    """Samba."""
    with smb_server(folder / "smb") as server:
        parts, name = urlsplit(server.url), secrets.token_hex(4)
        rclone = shutil.which("rclone") or str(Path(sys.executable).parent / "rclone")
        hidden = subprocess.run([rclone, "obscure", server.password], capture_output=True, text=True, check=True).stdout
        told = {
            "RCLONE_SMB_HOST": str(parts.hostname), "RCLONE_SMB_PORT": str(server.port), "RCLONE_SMB_USER": server.user,
            "RCLONE_SMB_PASS": hidden.strip(), "ISOMANAGER_SMB_USERNAME": server.user,
            "ISOMANAGER_SMB_PASSWORD": server.password,
        }  # fmt: skip
        share = parts.path.strip("/").partition("/")[0]
        yield Place(f"{server.url}/{name}", {"rclone": f":smb:{share}/{name}-rclone"}, told)


PLACES = {"local": local, "s3": s3, "smb": smb}
