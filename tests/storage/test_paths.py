"""No text leaves the repository, and every text becomes a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isomanager.errors import StoreError
from isomanager.storage.paths import MAX_COMPONENT_BYTES, clean_component, extension, fold, inside, safe_path

NASTY = st.text(st.sampled_from("./\\: \x00\n~CONaux-é\u202eß\ud800<>|?*"), max_size=20) | st.text(max_size=300)


@pytest.mark.parametrize(
    "path",
    [
        "/a", "//a", "..", "../a", "a/..", "a/./b", "a//b", "a/", "", ".", "a\\b", "C:a", "c:/a", "a\x00b", "a\nb",
        "a\u202eosi.exe", "a.", "a ", "a./b", "CON", "con.iso", "Linux/nul", "LPT1.iso", "COM¹", "x" * 256, "é" * 128,
        "a\ud800b",
    ],
)  # fmt: skip
def test_refuses(path: str) -> None:
    with pytest.raises(StoreError) as refused:
        safe_path(path)
    assert refused.value.code == "outside-repository"


@pytest.mark.parametrize(
    "path",
    ["a", "Linux/Ubuntu - Server/ubuntu.server-20.04.2.iso", ".isomanager/trash/x", "console", "é" * 127, "a..b"],
)
def test_accepts(path: str) -> None:
    assert safe_path(path) == path


@given(NASTY)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_safe_stays_inside(tmp_path: Path, text: str) -> None:
    try:
        located = inside(tmp_path, text)
    except StoreError:
        return
    assert os.path.normpath(located) == str(located)
    assert located.is_relative_to(tmp_path)
    assert located != tmp_path


@settings(deadline=None)  # the machine may be busy
@given(NASTY)
def test_any_text_becomes_one_safe_component(text: str) -> None:
    component = clean_component(text)
    assert "/" not in safe_path(component)
    assert len(component.encode()) <= MAX_COMPONENT_BYTES
    assert not component.startswith(".")
    assert clean_component(component) == component


@pytest.mark.parametrize(
    ("text", "component"),
    [
        ("ubuntu-24.04.iso", "ubuntu-24.04.iso"),
        ("../../etc/passwd", "-..-etc-passwd"),
        (".isomanager", "isomanager"),
        ("a:b?c", "a-b-c"),
        ("CON", "CON_"),
        ("aux.iso", "aux_.iso"),
        ("  two\t blanks. ", "two blanks"),
        ("", "unnamed"),
        ("x" * 300 + ".iso", "x" * 251 + ".iso"),
    ],
)
def test_cleans(text: str, component: str) -> None:
    assert clean_component(text) == component


@pytest.mark.parametrize(
    ("filename", "ending"),
    [("a.iso", ".iso"), ("a.ISO", ".ISO"), ("a.img.xz", ".img.xz"), ("a-20.04", ""), ("a.zip", ".zip"), ("iso", "")],
)
def test_knows_the_extensions_of_images(filename: str, ending: str) -> None:
    assert extension(filename) == ending


def test_folds_what_careless_filesystems_cannot_tell_apart() -> None:
    assert fold("Linux/É.iso") == fold("LINUX/e\u0301.ISO") != fold("linux/e.iso")
