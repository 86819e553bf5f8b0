"""Where images go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomanager.errors import ConfigurationError, StoreError
from isomanager.model import Family, Offer, Packing, Title
from isomanager.storage.layout import FIELDS, LAYOUTS, PathDefaults, TakenPaths, plan_path, stored_filename
from isomanager.storage.paths import final_path, fold
from isomanager.version import Version

NOW = datetime(2021, 2, 3, tzinfo=UTC)
UBUNTU = Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("20.04.2"))
WINDOWS = Title(family=Family.WINDOWS, product="windows-server", version=Version("2025"), language="en-US")
UPSTREAM = "ubuntu-20.04.2-live-server-amd64.iso"
SHA256 = "0123456789abcdef" * 4


def place(title: Title = UBUNTU, filename: str = UPSTREAM, layout: str = "default", **more: Any) -> str:
    names = {"ubuntu": "Ubuntu", "windows-server": "Windows Server", "os": "OS"}
    told = {"taken": (), "product_name": names.get(title.product, ""), "now": NOW} | more
    return plan_path(title, filename, layout, **told)


def changed(title: Title = UBUNTU, **changes: object) -> Title:
    return title.model_copy(update=changes)


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        ("default", "Linux/Ubuntu - Server/ubuntu.server-20.04.2.iso"),
        ("by-type", "Linux/ubuntu.server-20.04.2.iso"),
        ("by-date", "2021/02/ubuntu.server-20.04.2.iso"),
        ("by-version", "Ubuntu/20.04.2/ubuntu.server-20.04.2.iso"),
        ("upstream-name", "Linux/Ubuntu/ubuntu-20.04.2-live-server-amd64.iso"),
        ("isos/{product}/{major}.{minor}/{stem}.iso", "isos/ubuntu/20.4/ubuntu-20.04.2-live-server-amd64.iso"),
        ("{Name} {edition}/{name}.iso", "Ubuntu/ubuntu.iso"),
        ("{language}/{name}-{version}", "ubuntu-20.04.2.iso"),
    ],
)
def test_follows_the_layout(layout: str, path: str) -> None:
    assert place(layout=layout) == path


def test_a_one_flavor_product_is_vanilla() -> None:
    title = Title(family=Family.CUSTOM, product="os", version=Version("1.0.1"))
    assert place(title, "os.iso") == "Custom/OS - Vanilla/os.vanilla-1.0.1.iso"


def test_writes_out_what_is_not_the_default() -> None:
    title = changed(architecture="aarch64", language="de", edition="Pro")
    assert place(title) == "Linux/Ubuntu - Server/ubuntu.server-20.04.2-aarch64-de-Pro.iso"
    assert place(changed(architecture="any")) == place()
    assert place(WINDOWS).endswith("-2025-en-US.iso")
    assert place(WINDOWS, defaults=PathDefaults(languages=("en-US",))).endswith("-2025.iso")


def test_writes_out_nothing_that_the_template_says_already() -> None:
    assert place(changed(architecture="aarch64"), layout="{architecture}/{name}.iso") == "aarch64/ubuntu.iso"
    assert place(changed(architecture="aarch64"), "x-arm64.iso", "upstream-name") == "Linux/Ubuntu/x-arm64.iso"


@pytest.mark.parametrize(
    ("filename", "ending"),
    [("a.iso", "2.iso"), ("a.ISO", "2.iso"), ("a.img", "2.img"), ("a.img.xz", "2.img.xz"), ("download", "2.iso")],
)
def test_keeps_the_stored_files_extension(filename: str, ending: str) -> None:
    assert place(filename=filename) == f"Linux/Ubuntu - Server/ubuntu.server-20.04.{ending}"


def test_knows_the_name_of_an_unpacked_file() -> None:
    offer = Offer(title=UBUNTU, filename="a.iso.bz2", urls=(), packing=Packing(kind="bz2"))
    assert stored_filename(offer) == "a.iso"
    assert stored_filename(offer.model_copy(update={"packing": None})) == "a.iso.bz2"


def test_extends_a_taken_name_with_what_tells_it_apart_and_never_reuses_it() -> None:
    taken, found = TakenPaths(), []
    for _ in range(5):
        path = place(layout="{name}.iso", taken=taken, sha256=SHA256)
        found.append(path)
        taken.add(path.upper())
    assert found == [
        "ubuntu.iso",
        "ubuntu-server.iso",
        "ubuntu-server-20.04.2.iso",
        "ubuntu-server-20.04.2-x86_64.iso",
        "ubuntu-server-20.04.2-x86_64-01234567.iso",
    ]


def test_numbers_what_nothing_else_tells_apart() -> None:
    first = place()
    second = place(taken=[first])
    assert place(taken=[first, second]) == "Linux/Ubuntu - Server/ubuntu.server-20.04.2-x86_64-2.iso"


def test_a_long_language_never_pushes_the_distinguishing_end_out_of_the_name() -> None:
    title = changed(language="\U00010000" * 80)
    taken: list[str] = []
    for _ in range(5):
        taken.append(place(title, taken=taken, sha256=SHA256))
    assert taken[1].endswith("-01234567.iso")
    assert len(set(taken)) == 5


def test_a_folder_is_a_taken_name_and_a_file_is_no_folder() -> None:
    taken = TakenPaths(["a/B.iso/c.iso"])
    assert [taken(path) for path in ("A/b.iso", "a/b.iso/C.ISO/d.iso", "a", "a/d.iso")] == [True, True, True, False]


def test_gives_up_when_everything_is_taken() -> None:
    with pytest.raises(StoreError) as refused:
        place(taken=lambda path: True)
    assert refused.value.code == "name-taken"


@pytest.mark.parametrize("layout", ["{nonsense}/{name}.iso", "{}/x.iso", "{0}.iso", "{name.__class__}.iso"])
def test_an_unknown_field_is_answered_with_the_fields_there_are(layout: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        place(layout=layout)
    assert all(field in refused.value.hint for field in FIELDS)


@pytest.mark.parametrize(
    "layout",
    [
        "{name", "{name!r}.iso", "{name:>9}.iso", "/{name}.iso", "../{name}.iso", "a\\{name}.iso", "c:{name}.iso", "{name}/",
        ".isomanager/{name}.iso", "by-moon", "",
    ],
)  # fmt: skip
def test_refuses_what_is_no_layout(layout: str) -> None:
    with pytest.raises(ConfigurationError):
        place(layout=layout)


HOSTILE = st.text(st.sampled_from("./\\: \x00\n~éCON{}!-a\u202e"), max_size=12) | st.text(max_size=280)


@settings(deadline=None)  # the machine may be busy
@given(
    product=HOSTILE, flavor=HOSTILE, edition=HOSTILE, language=HOSTILE, version=HOSTILE.map(lambda text: f"1{text}"),
    filename=HOSTILE, name=HOSTILE, layout=st.sampled_from(sorted(LAYOUTS)), count=st.integers(1, 4),
)  # fmt: skip
def test_whatever_upstream_says_the_path_is_safe_and_unique(
    product: str,
    flavor: str,
    edition: str,
    language: str,
    version: str,
    filename: str,
    name: str,
    layout: str,
    count: int,
) -> None:
    title = Title(
        family=Family.LINUX,
        product=product,
        flavor=flavor,
        version=Version(version),
        edition=edition,
        language=language,
    )
    taken: list[str] = []
    for _ in range(count):
        taken.append(plan_path(title, filename, layout, taken=taken, product_name=name, now=NOW, sha256=SHA256))
    assert all(final_path(path) == path and path[0] != "." for path in taken)
    assert len({fold(path) for path in taken}) == count


PURPOSES = """{
  "Production": {"Windows": ["Server2025", "Server2022"], "Linux": ["RHEL8", "Ubuntu-LTS"]},
  "Development": {"Windows": ["Windows11", "WindowsServer-Insider"], "Linux": ["Ubuntu-Latest", "Fedora"]},
  "Testing": {"All": ["*-Preview", "*-Beta"]}
}"""
FOLDERS = '{"Windows": ["Server", "Desktop"], "Linux": ["Ubuntu", "CentOS"], "Tools": ["memtest*"]}'


@pytest.mark.parametrize(
    ("tree", "title", "channel", "folder"),
    [
        (PURPOSES, WINDOWS, "stable", "Production/Windows"),
        (PURPOSES, WINDOWS, "preview", "Production/Windows"),
        (PURPOSES, changed(WINDOWS, version=Version("2019")), "preview", "Development/Windows"),
        (PURPOSES, UBUNTU, "lts", "Production/Linux"),
        (PURPOSES, UBUNTU, "stable", "Development/Linux"),
        (PURPOSES, changed(product="fedora"), "stable", "Development/Linux"),
        (PURPOSES, changed(product="rhel", version=Version("8.9")), "stable", "Production/Linux"),
        (PURPOSES, changed(product="debian"), "preview", "Testing/All"),
        (FOLDERS, WINDOWS, "stable", "Windows/Server"),
        (FOLDERS, UBUNTU, "stable", "Linux/Ubuntu"),
        (FOLDERS, changed(product="memtest86plus", family=Family.RESCUE), "stable", "Tools/memtest"),
        (FOLDERS, changed(product="debian"), "stable", "Linux/Debian - Server"),
    ],
)
def test_follows_a_custom_tree(tree: str, title: Title, channel: str, folder: str) -> None:
    assert place(title, layout=tree, channel=channel).rpartition("/")[0] == folder


@pytest.mark.parametrize("tree", ['{"a": 1}', '{"a": [1]}', '{"a": {"Linux": "x"}}', '{"a": ', '{"a": {"all": {}}}'])
def test_says_what_is_no_tree(tree: str) -> None:
    with pytest.raises(ConfigurationError):
        place(layout=tree)
