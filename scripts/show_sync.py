"""Four sites brought in step, one of them down: prints every command and what it says.

    .venv/bin/python scripts/show_sync.py

A folder, an S3 bucket (SeaweedFS), an SMB share (Samba) and a second folder, whose disk is pulled out before the sync and put back
after it. Images are the sample upstream's. Everything is in a folder that is removed at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from isomanager.sample.upstream import SampleUpstream
from store_servers import S3Server, SmbServer, s3_server, smb_server


def said(folder: Path, *words: str) -> None:
    """Run a command as a person would, and show it."""
    print(f"\n$ isomanager {' '.join(words)}".replace(str(folder), ""), flush=True)
    command = [str(Path(sys.executable).with_name("isomanager")), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    print(f"{done.stdout}{done.stderr}[exit code {done.returncode}]".replace(str(folder), ""), flush=True)


def environment(folder: Path, s3: S3Server, smb: SmbServer) -> dict[str, str]:
    """A library of its own, and the credentials of the servers."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ISOMANAGER_", "PREFECT_"))}
    return ours | {
        "ISOMANAGER_CONFIG": str(folder / "config.toml"),
        "ISOMANAGER_DATA_FOLDER": str(folder / "data"),
        "ISOMANAGER_DEFAULT_REPOSITORY": str(folder / "library"),
        "ISOMANAGER_CATALOGUE_FOLDERS": f'["{folder / "upstream" / "catalogue"}"]',
        "ISOMANAGER_SMB_USERNAME": smb.user,
        "ISOMANAGER_SMB_PASSWORD": smb.password,
        "AWS_ACCESS_KEY_ID": s3.key,
        "AWS_SECRET_ACCESS_KEY": s3.secret,
        "AWS_ENDPOINT_URL_S3": s3.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "COLUMNS": "160",
    }


def show(folder: Path, places: dict[str, str]) -> None:
    """The whole story."""
    said(folder, "init")
    for product in ("sample-orchard/server@lts", "sample-beacon", "sample-granite"):
        said(folder, "subscribe", product, "--floor", "mirror")
    said(folder, "update")
    for name, url in places.items():
        said(folder, "repository", "create", url, "--name", name)
    said(folder, "site", "add", "branches", *places, "--description", "Four branches")
    said(folder, "sync", "default", "branches", "--mode", "mirror", "--dry-run")
    print("\n# the disk of lima is pulled out")
    (folder / "lima").rename(folder / "pulled-out")
    said(folder, "sync", "default", "branches", "--mode", "mirror")
    print("\n# the disk of lima is back")
    (folder / "pulled-out").rename(folder / "lima")
    said(folder, "sync", "default", "branches", "--mode", "mirror")
    said(folder, "list", "--repository", "lima")


def main() -> None:
    """Start the servers, and tell the story."""
    with (
        tempfile.TemporaryDirectory(prefix="isomanager-show-") as place,
        s3_server(Path(place) / "s3") as s3,
        smb_server(Path(place) / "smb") as smb,
        SampleUpstream(Path(place) / "upstream", scale=0.1),
    ):
        folder = Path(place)
        os.environ.clear()
        os.environ.update(environment(folder, s3, smb))
        places = {
            "oslo": str(folder / "oslo"), "lima": str(folder / "lima"), "cairo": f"s3://{s3.bucket}/cairo",
            "tokyo": f"{smb.url}/tokyo",
        }  # fmt: skip
        show(folder, places)


if __name__ == "__main__":
    main()
