"""Four sites brought in step, one of them down: prints every command and what it says.

    .venv/bin/python scripts/show_sync.py

A folder, an S3 bucket (SeaweedFS), an SMB share (Samba) and a second folder whose disk is pulled out before the sync; afterwards it is
back. Images are the sample upstream's. Everything is in a folder that is removed at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from isomanager.sample.serving import SampleSite
from store_servers import s3_server, smb_server


def said(folder: Path, *words: str) -> int:
    """Run a command as a person would, and show it; its exit code."""
    shown = " ".join(words).replace(str(folder), "")
    print(f"\n$ isomanager {shown}", flush=True)
    command = [str(Path(sys.executable).with_name("isomanager")), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - the words are those below
    print((done.stdout + done.stderr).replace(str(folder), "").rstrip(), flush=True)
    print(f"[exit code {done.returncode}]", flush=True)
    return done.returncode
