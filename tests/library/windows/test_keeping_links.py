"""What is kept of Microsoft's links survives processes, and one process at a time asks."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from isomanager.catalogue.microsoft.day_links import Asking, KnownLinks, LinkedFile, after_refusal
from isomanager.catalogue.microsoft.replies import blocked
from isomanager.library.keeping_links import LinksInFolder

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from isomanager.library.keeping_links import LinksInFolder

with LinksInFolder(Path(sys.argv[1]), lambda: datetime.now(UTC)).turn("3813-de-DE"):
    print("mine", flush=True)
    sys.stdin.readline()
    Path(sys.argv[1], "done").write_text("done")
"""


def keeper(folder: Path) -> LinksInFolder:
    return LinksInFolder(folder, lambda: NOW)


def asking() -> Asking:
    file = LinkedFile(architecture="x86_64", filename="a.iso", url="https://h/a.iso?t=secret", size=1)
    links = KnownLinks(sku="1", language="German", product="Windows", files=(file,), asked_at=NOW)
    return Asking(links=links, failed=(NOW - timedelta(hours=1),))


def test_what_was_noted_is_known_to_the_next_process(tmp_path: Path) -> None:
    refusal = after_refusal(None, blocked("no", type=9), NOW)
    keeper(tmp_path).remember("3813-de-DE", asking())
    keeper(tmp_path).note_refusal(refusal)
    assert keeper(tmp_path).recall("3813-de-DE") == asking()
    assert keeper(tmp_path).recall("3813-en-US") == Asking()
    assert keeper(tmp_path).refusal() == refusal
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.glob("*.json"))


def test_a_damaged_file_is_as_if_nothing_had_been_asked(tmp_path: Path) -> None:
    keeper(tmp_path).remember("a", asking())
    (tmp_path / "a.json").write_bytes(b'{"links": 7')
    assert keeper(tmp_path).recall("a") == Asking()


def test_a_name_never_leaves_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    keeper(inside).remember("../../1-" + "ä/" * 200, asking())
    assert [file.parent for file in tmp_path.rglob("*.json")] == [inside]


def test_another_process_waits_for_its_turn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "mine\n"
        holder.stdin.write("\n")
        holder.stdin.flush()
        with keeper(tmp_path).turn("3813-de-DE"):
            assert (tmp_path / "done").exists()
        with keeper(tmp_path).turn("3813-de-DE"):
            pass
