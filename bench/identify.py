"""Our identification beside libosinfo's `osinfo-detect`, on the same files in one run.

    .venv/bin/python bench/identify.py HEADERS.jsonl [--limit 300] [--seed 0] [--anonymous] [--folder DIR]

HEADERS.jsonl has the volume descriptor fields of real images, one image a line (`filename`, `os`, `volume_id`, ...). For each a
small ISO file is made that carries them: identifiers, volume size, and a boot record where the real one has it, without which
osinfo-detect does not look further. Then both programs say what the files are:

    isomanager       one process for all of them, `identify --json`, starting it and reading the catalogue included
    osinfo-detect    a process for each file, which is how it is used; it knows what the installed osinfo-db knows

Told are how many are right (product and version as the label says; nothing for discs that are no system), wrong, and unknown, and
the seconds. osinfo-detect is in Debian's libosinfo-bin.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any
from xml.etree import ElementTree

from labels import is_right

FIELDS = {
    "system_id": (8, 32),
    "volume_id": (40, 32),
    "volume_set_id": (190, 128),
    "publisher_id": (318, 128),
    "preparer_id": (446, 128),
    "application_id": (574, 128),
}
"""Offset and width in the primary volume descriptor (ECMA-119, 8.4)."""

DATABASE = Path("/usr/share/osinfo/os")
DESCRIPTOR = 16 * 2048


def blank(boots: bool) -> bytes:
    """A small image, bootable or not."""
    import pycdlib

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, rock_ridge="1.09")
    loader = bytes(2048)
    iso.add_fp(BytesIO(loader), len(loader), "/BOOT.;1", rr_name="boot")
    if boots:
        iso.add_eltorito("/BOOT.;1", "/BOOT.CAT;1", rr_bootcatname="boot.cat")
    out = BytesIO()
    iso.write_fp(out)
    iso.close()
    return out.getvalue()


def image(template: bytes, header: dict[str, Any]) -> bytes:
    """The template with a header's fields."""
    made = bytearray(template)
    for field, (offset, width) in FIELDS.items():
        text = header.get(field, "").encode()[:width].ljust(width)
        made[DESCRIPTOR + offset : DESCRIPTOR + offset + width] = text
    size = header.get("volume_size_sectors", 0)
    made[DESCRIPTOR + 80 : DESCRIPTOR + 88] = struct.pack("<I", size) + struct.pack(">I", size)
    return bytes(made)


def make_files(headers: list[dict[str, Any]], folder: Path, anonymous: bool) -> dict[str, str]:
    """The files by path, with their labels."""
    templates = {boots: blank(boots) for boots in (False, True)}
    labels = {}
    for number, header in enumerate(headers):
        name = f"image-{number:04}.iso" if anonymous else header["filename"].rsplit("/", 1)[-1]
        file = folder / f"{number:04}" / (name if name.lower().endswith(".iso") else f"{name}.iso")
        file.parent.mkdir()
        file.write_bytes(image(templates[bool(header.get("el_torito"))], header))
        labels[str(file)] = header["os"]
    return labels


def ours(folder: Path) -> dict[str, tuple[str | None, str | None]]:
    """Product and version by path, as the command says."""
    command = [str(Path(sys.executable).with_name("isomanager")), "identify", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answers = map(json.loads, done.stdout.splitlines())
    return {one["path"]: (one["product"], one["version"]) for one in answers}


def theirs(files: Iterator[str]) -> dict[str, str | None]:
    """The short id of the system by path, None where none was found."""
    ids = short_ids()
    found: dict[str, str | None] = {}
    for file in files:
        done = subprocess.run(["osinfo-detect", file], capture_output=True, text=True, check=False)
        told = re.search(r"Media is (?:an installer for|live media for) OS '([^']+)'", done.stdout)
        found[file] = named(told[1], ids) if told else None
    return found


def named(told: str, ids: dict[str, str]) -> str | None:
    """The id of the system whose name begins what was told: 'Fedora 32 Everything (x86_64)' is Fedora 32.

    None for an id such as fedora-unknown, which stands for a version that the database does not know.
    """
    fitting = [name for name in ids if name and re.match(rf"{re.escape(name)}(?: |$)", told)]
    found = ids[max(fitting, key=len)] if fitting else told
    return None if found.endswith("-unknown") else found


def short_ids() -> dict[str, str]:
    """Short ids by the names that osinfo-detect prints: of systems and of their variants."""
    found: dict[str, str] = {}
    for file in DATABASE.rglob("*.xml"):
        one = ElementTree.parse(file).find("os")
        if one is not None:
            names = [one.findtext("name"), *(variant.findtext("name") for variant in one.findall("variant"))]
            found |= dict.fromkeys(filter(None, names), one.findtext("short-id") or "")
    return found


def tell(name: str, counts: Counter[str], seconds: float, files: int) -> None:
    """One line of the result."""
    shares = "  ".join(
        f"{what} {counts[what]:5} ({counts[what] / files:6.1%})" for what in ("right", "wrong", "unknown")
    )
    print(f"{name:14} {shares}  {seconds:7.2f} s  {1000 * seconds / files:7.2f} ms each")


def agrees(label: str, found: str | None) -> bool:
    """Whether osinfo-detect's id is the label or tells the version more exactly: centos7.0 is centos7, fedora31 is not fedora3."""
    if label == "unknown" or found is None:
        return (label == "unknown") == (found is None)
    return bool(re.match(re.escape(label) + (r"(?!\d)" if label[-1].isdigit() else ""), found))


def judged(right: bool, answered: bool) -> str:
    """Right, wrong, or no answer where there should be one."""
    return "right" if right else "wrong" if answered else "unknown"


def main() -> None:
    """Make the files, ask both, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("headers", type=Path)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anonymous", action="store_true", help="name the files by numbers only")
    parser.add_argument("--folder", type=Path, help="where to make the files; a temporary folder otherwise")
    given = parser.parse_args()
    headers = [json.loads(line) for line in given.headers.read_text().splitlines() if line]
    headers = random.Random(given.seed).sample(headers, min(given.limit, len(headers)))
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        labels = make_files(headers, Path(folder), given.anonymous)
        print(f"{len(labels)} images{', named by numbers' if given.anonymous else ''}")
        began = monotonic()
        answers = ours(Path(folder))
        took = monotonic() - began
        counts = Counter(
            judged(is_right(label, *answers[file]), answers[file][0] is not None) for file, label in labels.items()
        )
        tell("isomanager", counts, took, len(labels))
        if not shutil.which("osinfo-detect"):
            print("osinfo-detect is not installed: apt-get install libosinfo-bin osinfo-db")
            return
        began = monotonic()
        found = theirs(iter(labels))
        took = monotonic() - began
        counts = Counter(judged(agrees(label, found[file]), found[file] is not None) for file, label in labels.items())
        tell("osinfo-detect", counts, took, len(labels))


if __name__ == "__main__":
    main()
