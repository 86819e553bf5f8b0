"""Tables that fit: one line a row where there is room, the long columns below their row where there is not."""

from __future__ import annotations

import os
import sys

import pytest
from rich.cells import cell_len

from cli.output import say
from cli.tables import print_facts, print_table, size

COLUMNS = ("image", "size", "path")
PATH = "Linux/Ubuntu - Server/ubuntu.server-24.04.3.iso"
ROWS = [("ubuntu/server@24.04.3 x86_64", "2.6 GiB", PATH), ("alpine", "9 B", "[bold]Linux/Alpine.iso")]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_table_that_fits_has_a_line_for_each_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    print_table(COLUMNS, ROWS, below=("path",))
    header, *lines = printed(capsys)
    assert header.split() == list(COLUMNS)
    assert [PATH in lines[0], "[bold]Linux/Alpine.iso" in lines[1]] == [True, True]
    assert all(line == line.rstrip() for line in lines)


def test_a_table_that_does_not_fit_puts_its_long_column_below_and_keeps_it_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(COLUMNS, ROWS, below=("path",))
    header, first, path, *_ = printed(capsys)
    assert header.split() == ["image", "size"]
    assert first.endswith("2.6 GiB")
    assert path.strip() == PATH


def test_a_long_reason_is_wrapped_within_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("image", "why"), [("debian", "because " * 40)], below=("why",))
    assert all(cell_len(line) <= 60 for line in printed(capsys))


def test_wide_letters_take_the_room_they_take(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    print_table(("name", "size", "path"), [("銀河麒麟", "1 B", "x" * 60), ("a", "22 B", "y")], below=("path",))
    lines = [line for line in printed(capsys) if line.endswith(" B")]
    assert len({cell_len(line) for line in lines}) == 1


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
def test_what_goes_into_a_pipe_is_not_folded_for_the_terminal_it_was_started_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    address = "http://mirror.example/" + "a" * 60
    with os.fdopen(ours), os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "__stdout__", terminal)
        print_table(("source", "address", "health"), [("mirror", address, "good")])
    assert address in printed(capsys)[1]


def test_no_rows_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, [], empty="Nothing is held yet.")
    assert printed(capsys) == ["Nothing is held yet."]


def test_facts_go_on_below_themselves(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    print_facts([("why", "word " * 30), ("empty", "")])
    lines = printed(capsys)
    assert lines[0].startswith("why    word")
    assert lines[1].startswith("       word")
    assert lines[-1] == "empty"


@pytest.mark.parametrize(
    ("count", "told"), [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB")]
)
def test_sizes_are_told_as_people_read_them(count: int | None, told: str) -> None:
    assert size(count) == told


def test_what_still_does_not_fit_goes_below_too_from_the_last_column_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("image", "state", "repository", "path"), [("i" * 40, "s" * 14, "r" * 10, "p" * 90)], below=("path",))
    assert capsys.readouterr().out.splitlines() == [
        f"{'image':40}  state",
        f"{'i' * 40}  {'s' * 14}",
        f"    repository: {'r' * 10}",
        "    path:",
        f"    {'p' * 90}",
    ]


def test_nothing_that_a_terminal_obeys_leaves_a_table_or_a_fact(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    hostile = "a\x1b[31m\u202eosi\r\x9b2J\tb"
    print_table(["path", "why"], [(hostile, f"{hostile}\nforged  row")])
    print_facts([("path", hostile)])
    say(hostile)
    told = "".join(capsys.readouterr())
    assert all(letter.isprintable() or letter == "\n" for letter in told)
    assert told.count(r"\x1b[31m\u202eosi\r\x9b2J\tb") == 4
    assert not any(line.startswith("forged") for line in told.splitlines())
