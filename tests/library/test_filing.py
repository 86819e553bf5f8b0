"""An image has one place in a layout, however it came: by a subscription of whatever channel, a sync, or a move."""

from __future__ import annotations

import bz2
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from domain_update import update
from isomanager.library.filing import name_kept
from isomanager.library.opening import Library
from isomanager.library.relocating import move_copy, plan_layout, set_layout
from isomanager.library.repositories import add_repository
from isomanager.library.reserving import free_path
from isomanager.library.subscribing import subscribe
from isomanager.library.sync_groups import bring
from isomanager.library.sync_planning import loads, plan_destination, survey
from isomanager.library.sync_sources import SyncSource
from isomanager.model import Assurance, Copy, CopyState, Family, OutcomeKind, Selector, Title
from isomanager.planning.syncing import SyncMode
from isomanager.sample.upstream import SampleUpstream
from isomanager.version import Version
from library.conftest import brought_in
from library.test_packed import PRODUCT

TREE = json.dumps({"Production": {"Linux": ["Sample-Orchard-LTS"]}, "Development": {"All": ["*"]}})
ORCHARD = Title(family=Family.LINUX, product="sample-orchard", flavor="server", version=Version("26.04.1"))


def synced(library: Library, to: str, *, link: bool = False) -> None:
    origin, seen = SyncSource(library, "default"), survey(library, to)
    steps = plan_destination(library, origin.shared(), to, SyncMode.UPDATE, seen=seen)
    told = [one for load in loads(steps, {to: seen}, link=link) for one in bring(library, origin, load, {to: seen})]
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}


def paths(library: Library, repository: str = "default") -> set[str]:
    return {one.path for one in library.inventory.copies(repository, states={CopyState.HELD})}


def test_a_tree_files_a_long_term_release_as_one_however_it_came(library: Library, tmp_path: Path) -> None:
    subscribe(library, Selector.parse("sample-orchard/server@26.04"), floor=Assurance.MIRROR)
    set_layout(library, "default", TREE)
    update(library)
    wanted = {"Production/Linux/sample-orchard.server-26.04.1.iso"}
    assert paths(library) == wanted, "by a subscription that does not say lts"
    for name, link in (("nas", False), ("dr", True)):
        add_repository(library, name, str(tmp_path / name), layout=TREE)
        synced(library, name, link=link)
        assert paths(library, name) == wanted, "by a sync"
    assert plan_layout(library, "default", TREE) == (), "by a move"


def test_what_was_unpacked_keeps_the_ending_of_what_it_is(
    library: Library, upstream: SampleUpstream, tmp_path: Path
) -> None:
    folder = upstream.site.www / "crate"
    folder.mkdir()
    packed = bz2.compress(next(upstream.site.www.rglob("*.iso")).read_bytes())
    (folder / "crate-1.2.iso.bz2").write_bytes(packed)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(packed).hexdigest()}  crate-1.2.iso.bz2\n")
    text = PRODUCT.format(kind="bz2", base=upstream.url, most="64MiB")
    (upstream.catalogue_folder / "crate.toml").write_text(text)
    subscribe(library, Selector.parse("crate"), floor=Assurance.MIRROR)
    copy = brought_in(library)
    assert plan_layout(library, "default", "default") == ()
    (move,) = plan_layout(library, "default", "upstream-name")
    assert move.wanted == "Rescue/Crate/crate-1.2.iso"
    for name, link in (("nas", False), ("dr", True)):
        add_repository(library, name, str(tmp_path / name))
        synced(library, name, link=link)
        assert paths(library, name) == {copy.path}
    assert name_kept("x.img.xz", "a/x.img.xz") == "x.img.xz", "what is kept packed stays packed"


def test_the_usual_language_is_written_out_neither_at_first_nor_by_a_move(library: Library) -> None:
    title = Title(family=Family.WINDOWS, product="windows-server", version=Version("2025"), language="en-US")
    path = free_path(library, "default", title, "server.iso", None)
    now = datetime.now(UTC)
    copy = Copy(
        id="windows", repository="default", path=path, title=title, state=CopyState.HELD, filename="server.iso",
        sha256="0" * 64, size=1, created_at=now, changed_at=now,
    )  # fmt: skip
    library.inventory.import_copies([copy])
    assert "en-US" not in path
    assert plan_layout(library, "default", "default") == ()


def test_a_layout_that_differs_by_case_alone_moves_nothing(library: Library, repository: Path) -> None:
    subscribe(library, Selector.parse("sample-orchard/server@lts"), floor=Assurance.MIRROR)
    update(library)
    assert plan_layout(library, "default", "{family}/{Name} - {Flavor}/{name}.{flavor}-{version}.iso") == ()


def test_there_and_back_again_every_image_is_where_it_was(library: Library) -> None:
    for text in ("sample-orchard/server@lts", "sample-orchard/server@previous", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    before = paths(library)
    for layout in ("{name}.iso", "by-version", "{Family}/{digest}/{filename}", "default"):
        moves = plan_layout(library, "default", layout)
        assert {move_copy(library, "default", one).outcome for one in moves} == {OutcomeKind.PUBLISHED}
        set_layout(library, "default", layout)
        assert plan_layout(library, "default", layout) == ()
        assert len(paths(library)) == len(before)
    assert paths(library) == before


def test_the_default_repository_keeps_the_layout_that_it_was_given(library: Library) -> None:
    set_layout(library, "default", "by-version")
    with Library(library.settings) as later:
        assert later.inventory.repository("default").layout == "by-version"
        assert free_path(later, "default", ORCHARD, "orchard.iso", None).startswith("Orchard/26.04.1/")
