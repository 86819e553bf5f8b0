"""A library file: read with its faults named, compared, applied, and written back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isomanager.errors import ConfigurationError, UsageError
from isomanager.library.declaring import apply_library, plan_library, there
from isomanager.library.library_file import Form, form_of, read_library, write_library
from isomanager.library.opening import Library
from isomanager.library.subscribing import subscribe
from isomanager.model import Selector
from isomanager.planning.declaring import Change

Applied = Callable[..., list[tuple[str, str, str]]]


def whole(folder: Path) -> str:
    return f"""
[[repositories]]
name = "nas"
url = "{(folder / "nas").as_posix()}"
description = "In the cellar"

[[sources]]
name = "campus"
base = "https://mirror.example.org/isos"
priority = 5

[[sites]]
name = "berlin"
repositories = ["nas", "default"]

[[subscriptions]]
select = "sample-orchard/server@lts"
repositories = ["nas", "default"]
keep = 2
floor = "mirror"
tags = ["Lab"]
group = "nightly"
under = "2GiB"

[[subscriptions]]
select = "sample-orchard/desktop"
keep = {{ last = 1, days = 30 }}
"""


@pytest.fixture
def applied(library: Library) -> Applied:
    """Applies a text; what it did as (verb, kind, name)."""

    def apply(text: str, form: Form = "toml", *, dry_run: bool = False) -> list[tuple[str, str, str]]:
        declared = read_library(text, "library.toml", form, library.catalogue, library.now())
        changes = plan_library(library, declared)
        done: tuple[Change, ...] = changes if dry_run else apply_library(library, declared, changes)
        return [(one.verb, one.kind, one.name) for one in done]

    return apply


SERVER, DESKTOP = "sample-orchard/server@lts x86_64", "sample-orchard/desktop@latest x86_64"
EVERYTHING = [
    ("repository", "nas"),
    ("source", "campus"),
    ("site", "berlin"),
    ("subscription", SERVER),
    ("subscription", DESKTOP),
]


def test_a_file_is_applied_once_and_then_changes_nothing(applied: Applied, library: Library, tmp_path: Path) -> None:
    text = whole(tmp_path)
    assert applied(text, dry_run=True) == [("add", *one) for one in EVERYTHING]
    assert there(library).subscriptions == ()
    assert applied(text) == [("add", *one) for one in EVERYTHING]
    before = there(library)
    assert applied(text) == [("keep", *one) for one in EVERYTHING]
    assert there(library) == before
    server = next(one for one in library.inventory.subscriptions() if one.selector.flavor == "server")
    assert (server.keep.last, server.tags, server.group, server.under) == (2, ("lab",), "nightly", 2 << 30)


@pytest.mark.parametrize("name", ["library.toml", "library.yaml"])
def test_what_is_exported_declares_just_what_there_is(
    applied: Applied, library: Library, tmp_path: Path, name: str
) -> None:
    applied(whole(tmp_path))
    text = write_library(there(library), form_of(name))
    assert {verb for verb, _, _ in applied(text, form_of(name))} == {"keep"}
    for one in library.inventory.subscriptions():
        library.inventory.remove_subscription(one.id)
    library.inventory.remove_site("berlin")
    library.inventory.remove_source("campus")
    library.inventory.remove_repository("nas")
    assert sorted(applied(text, form_of(name))) == sorted(("add", *one) for one in EVERYTHING)
    assert write_library(there(library), form_of(name)) == text


def test_what_a_file_no_longer_declares_goes_in_the_opposite_order(applied: Applied, tmp_path: Path) -> None:
    applied(whole(tmp_path))
    empty = "repositories = []\nsources = []\nsites = []\nsubscriptions = []"
    assert sorted(applied(empty)) == sorted(("remove", *one) for one in EVERYTHING)
    assert applied(empty) == []


def test_a_table_that_is_not_in_the_file_is_left_alone(applied: Applied, library: Library, tmp_path: Path) -> None:
    applied(whole(tmp_path))
    done = applied("[[subscriptions]]\nselect = 'sample-orchard/server@lts'\nfloor = 'signed'\n")
    assert done == [("change", "subscription", SERVER), ("remove", "subscription", DESKTOP)]
    assert [one.name for one in library.inventory.sites()] == ["berlin"]


def test_a_change_says_which_fields_it_changes(library: Library) -> None:
    before = subscribe(library, Selector.parse("sample-beacon"))
    text = "[[subscriptions]]\nselect = 'sample-beacon'\nkeep = 3\n"
    declared = read_library(text, "library.toml", "toml", library.catalogue, library.now())
    (change,) = plan_library(library, declared)
    assert (change.verb, change.reason) == ("change", "keep nothing becomes last=3")
    apply_library(library, declared, (change,))
    (after,) = library.inventory.subscriptions()
    assert (after.id, after.keep.last, after.created_at) == (before.id, 3, before.created_at)


def test_a_repository_with_images_is_never_forgotten(applied: Applied, library: Library, tmp_path: Path) -> None:
    from domain_update import update

    applied(whole(tmp_path).replace('"nas", "default"', '"nas"'))
    update(library)
    assert library.inventory.copies("nas")
    done = applied("repositories = []\nsites = []\nsubscriptions = []")
    assert ("refuse", "repository", "nas") in done
    assert library.inventory.repository("nas").name == "nas"


def test_a_condition_declares_what_it_means_now(applied: Applied) -> None:
    done = applied("[[subscriptions]]\nselect = 'sample-*/server'\n")
    assert [name for _, _, name in done] == [
        "sample-granite/server@latest x86_64",
        "sample-orchard/server@latest x86_64",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[subscriptions]\n", "not valid TOML"),
        ("[[boxes]]\nname = 'a'", "'boxes' is no table of a library file"),
        ("subscriptions = 3", "subscriptions is no list of tables"),
        ("[[subscriptions]]\nkeep = 2", r"subscriptions\.1\.select is missing"),
        ("[[subscriptions]]\nselect = 'no-such-os'", r"subscriptions\.1\.select: .*no product 'no-such-os'"),
        ("[[subscriptions]]\nselect = 'sample-beacon'\nkeep = 0", r"subscriptions\.1\.keep\.last is wrong"),
        ("[[subscriptions]]\nselect = 'sample-beacon'\nunder = 'big'", r"subscriptions\.1\.under: 'big' is not a size"),
        ("[[subscriptions]]\nselect = 'sample-beacon'\nflor = 'x'", r"subscriptions\.1\.flor is no field"),
        ("[[subscriptions]]\nselect = 'sample-beacon'\nid = 'x'", r"subscriptions\.1\.id is not for a file"),
        ("[[repositories]]\nname = 'nas'", r"repositories\.1\.url is missing"),
        ("[[sources]]\nname = 'a'\nbase = 'https://x/'\nspeed = 3.0", r"sources\.1\.speed is not for a file"),
    ],
)  # fmt: skip
def test_a_fault_names_file_and_field(library: Library, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as wrong:
        read_library(text, "my.toml", "toml", library.catalogue, library.now())
    assert str(wrong.value).startswith("my.toml")


@pytest.mark.parametrize(
    "text", ["a: &a [1]\nsubscriptions: *a", "- one\n- two", "subscriptions: [}", "!!python/name:os.system"]
)
def test_yaml_that_is_no_library_file_is_refused(library: Library, text: str) -> None:
    with pytest.raises(ConfigurationError):
        read_library(text, "my.yaml", "yaml", library.catalogue, library.now())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[subscriptions]]\nselect = 'sample-beacon'\n[[subscriptions]]\nselect = 'Sample-Beacon'", "declared twice"),
        ("[[subscriptions]]\nselect = 'sample-beacon'\nrepositories = ['nowhere']", "'nowhere' that the subscription"),
        ("[[repositories]]\nname = 'default'\nurl = '/x'", "setting default_repository"),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_done(library: Library, text: str, told: str) -> None:
    declared = read_library(text, "my.toml", "toml", library.catalogue, library.now())
    with pytest.raises(UsageError, match=told):
        plan_library(library, declared)


def test_one_repository_that_cannot_be_made_does_not_stop_the_rest(applied: Applied, tmp_path: Path) -> None:
    (tmp_path / "nas").write_text("a file, not a folder")
    done: dict[Any, str] = {(kind, name): verb for verb, kind, name in applied(whole(tmp_path))}
    assert done["repository", "nas"] == "refuse"
    assert done["source", "campus"] == "add"
