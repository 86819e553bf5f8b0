"""Bundles between two real libraries that share nothing but what is carried: proved again, resumed, refused where they lie."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_update import update
from isomanager.errors import Cancelled, IsoManagerError, LeaseLost, Refused, StoreError, UsageError
from isomanager.inventory.exchange.bundle_form import Manifest, known_elsewhere, read_manifest
from isomanager.inventory.searching import CopySearch
from isomanager.library.bundling import plan_bundle, write_bundle
from isomanager.library.indexing import refresh_indexes
from isomanager.library.opening import Library
from isomanager.library.pruning import retire
from isomanager.library.recovering import recover
from isomanager.library.site_keys import site_key, site_key_file
from isomanager.library.subscribing import subscribe
from isomanager.library.unbundling import bundle_source, plan_import, take_in_bundled
from isomanager.model import Assurance, Copy, Outcome, OutcomeKind, Selector

FORMS = pytest.mark.parametrize("form", ["folder", "carried.tar", "carried.tar.zst"])


@pytest.fixture
def filled(library: Library) -> Library:
    for text in ("sample-orchard/server@lts", "sample-beacon"):
        subscribe(library, Selector.parse(text), floor=Assurance.MIRROR)
    update(library)
    site_key(library, create=True)
    return library


@pytest.fixture
def island(library: Library, tmp_path: Path) -> Iterator[Library]:
    """A library of its own, without keys or images, and without any network."""
    told = {"data_folder": tmp_path / "island", "default_repository": str(tmp_path / "island-isos")}
    with Library(library.settings.model_copy(update=told)) as opened:
        opened.__dict__["client"] = None  # whatever asks for the network fails
        yield opened
        del opened.__dict__["client"]


def everything(library: Library) -> dict[str, Copy]:
    return {str(one.title): one for one in library.inventory.search(CopySearch())}


def bundled(library: Library, place: Path, known: frozenset[str] = frozenset()) -> tuple[Outcome, ...]:
    return write_bundle(library, plan_bundle(library, [], "default", known), place)


def taken_in(library: Library, place: Path, *keys: str, unsigned: bool = False) -> list[Outcome]:
    with bundle_source(library, place, keys=keys, unsigned=unsigned) as source:
        steps = plan_import(library, source, "default")
        return [one for step in steps for one in take_in_bundled(library, source, step)]


@FORMS
def test_everything_arrives_with_its_proof_and_a_second_time_nothing_does(
    filled: Library, island: Library, tmp_path: Path, form: str
) -> None:
    place = tmp_path / form
    assert {one.outcome for one in bundled(filled, place)} == {OutcomeKind.PUBLISHED}
    told = taken_in(island, place, site_key(filled).public)
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}
    there, here = everything(filled), everything(island)
    assert {key: (one.sha256, one.assurance) for key, one in here.items()} == {
        key: (one.sha256, one.assurance) for key, one in there.items()
    }
    assert Assurance.SIGNED in {one.assurance for one in here.values()}
    for copy in here.values():
        assert (tmp_path / "island-isos" / copy.path).stat().st_size == copy.size
    assert {one.outcome for one in taken_in(island, place, site_key(filled).public)} == {OutcomeKind.CURRENT}


def test_only_what_the_other_side_lacks_goes(filled: Library, island: Library, tmp_path: Path) -> None:
    bundled(filled, tmp_path / "first.tar")
    taken_in(island, tmp_path / "first.tar", site_key(filled).public)
    refresh_indexes(island)
    subscribe(filled, Selector.parse("sample-orchard/desktop@lts"), floor=Assurance.MIRROR)
    update(filled)
    known = known_elsewhere([tmp_path / "island-isos" / "inventory.json"])
    told = bundled(filled, tmp_path / "second", known)
    assert sorted(one.outcome.value for one in told) == ["current", "current", "published"]
    assert known_elsewhere([tmp_path / "second" / "bundle.json"]) == {
        one.sha256 for one in everything(filled).values() if one.title.flavor == "desktop"
    }
    with pytest.raises(UsageError):
        plan_bundle(filled, ["sample-quarry"], "default", known)


def test_the_manifest_is_what_minisign_itself_verifies(filled: Library, tmp_path: Path) -> None:
    bundled(filled, tmp_path / "out")
    manifest = tmp_path / "out" / "bundle.json"
    verify = ["minisign", "-V", "-P", site_key(filled).public, "-m", str(manifest)]
    assert "isomanager bundle" in subprocess.run(verify, capture_output=True, text=True, check=True).stdout
    assert site_key_file(filled).stat().st_mode & 0o777 == 0o600
    secret = site_key_file(filled).read_bytes().splitlines()[1]
    assert not any(secret in one.read_bytes() for one in (tmp_path / "out").rglob("*") if one.is_file())
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert subprocess.run(verify, capture_output=True, check=False).returncode != 0
    # and minisign signs with that key
    signing = ["minisign", "-S", "-s", str(site_key_file(filled)), "-m", str(manifest)]
    subprocess.run(signing, check=True, capture_output=True, input=b"\n")
    subprocess.run(verify, check=True, capture_output=True)


def test_the_standard_tools_read_the_archive(filled: Library, tmp_path: Path) -> None:
    bundled(filled, tmp_path / "out.tar.zst")
    subprocess.run(["zstd", "-q", "-d", "out.tar.zst"], cwd=tmp_path, check=True)
    subprocess.run(["tar", "-xf", "out.tar"], cwd=tmp_path, check=True)
    for copy in everything(filled).values():
        assert (tmp_path / "images" / (copy.sha256 or "")).stat().st_size == copy.size


@FORMS
def test_nobody_elses_bundle_is_taken_in_unless_told(
    filled: Library, island: Library, tmp_path: Path, form: str
) -> None:
    place = tmp_path / form
    bundled(filled, place)
    with pytest.raises(Refused) as foreign:
        taken_in(island, place)
    assert foreign.value.code == "foreign-signed"
    assert everything(island) == {}
    told = taken_in(island, place, unsigned=True)
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}, "receipts prove these by themselves"
    assert Assurance.SIGNED in {one.assurance for one in everything(island).values()}


def test_a_manifest_that_was_changed_never_passes(filled: Library, island: Library, tmp_path: Path) -> None:
    place = tmp_path / "out"
    bundled(filled, place)
    manifest = place / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"default"', '"elsewhere"'))
    for unsigned in (False, True):
        with pytest.raises(Refused) as changed:
            taken_in(island, place, site_key(filled).public, unsigned=unsigned)
        assert changed.value.code == "bad-signature"
    (place / "bundle.json.minisig").unlink()
    with pytest.raises(Refused) as nobody:
        taken_in(island, place, site_key(filled).public)
    assert nobody.value.code == "unsigned"


def test_images_that_are_not_what_the_manifest_says_stay_out(filled: Library, island: Library, tmp_path: Path) -> None:
    place = tmp_path / "out"
    bundled(filled, place)
    for image in (place / "images").iterdir():
        image.write_bytes(b"x" + image.read_bytes()[1:])
    told = taken_in(island, place, site_key(filled).public)
    assert {(one.outcome, one.code) for one in told} == {(OutcomeKind.FAILED, "wrong-digest")}
    assert everything(island) == {}


def test_a_damaged_image_ends_the_export_and_leaves_no_bundle(
    filled: Library, repository: Path, tmp_path: Path
) -> None:
    copy = next(iter(everything(filled).values()))
    file = repository / copy.path
    file.write_bytes(b"x" + file.read_bytes()[1:])
    for form in ("out", "out.tar", "out.tar.zst"):
        with pytest.raises(StoreError, match="receipt says"):
            bundled(filled, tmp_path / form)
    assert not (tmp_path / "out" / "bundle.json").exists()
    assert list(tmp_path.glob("*.tar*")) == []
    assert list(tmp_path.glob(".out*")) == []


@FORMS
def test_an_export_that_was_stopped_goes_on_and_never_two_at_a_time(
    filled: Library, island: Library, tmp_path: Path, form: str
) -> None:
    place, refused = tmp_path / form, []
    plan = plan_bundle(filled, [], "default", frozenset())
    assert len(plan.going) > 1

    def first_image_through(done: int, total: int | None) -> None:
        if not refused:
            with pytest.raises(LeaseLost) as busy:
                write_bundle(filled, plan, place)
            refused.append(busy.value.message)
        if done == total:
            filled.stop.set()

    with pytest.raises(Cancelled):
        write_bundle(filled, plan, place, progress=first_image_through)
    assert not place.is_file()
    assert not (place / "bundle.json").exists()
    filled.stop.clear()
    kept, *rest = bundled(filled, place)
    assert (kept.reason, kept.bytes) == ("an earlier run wrote it", 0)
    assert all(one.bytes for one in rest)
    told = taken_in(island, place, site_key(filled).public)
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}
    assert str(place) in refused[0]


def test_an_image_in_a_folder_that_is_damaged_there_is_written_again(
    filled: Library, island: Library, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    bundled(filled, place)
    image = next((place / "images").iterdir())
    image.write_bytes(b"x" + image.read_bytes()[1:])
    told = bundled(filled, place)
    assert sorted(bool(one.bytes) for one in told) == [False, True]
    told = taken_in(island, place, site_key(filled).public)
    assert {one.outcome for one in told} == {OutcomeKind.PUBLISHED}


def test_a_folder_with_the_name_of_an_archive_is_refused(filled: Library, tmp_path: Path) -> None:
    (tmp_path / "out.tar").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        bundled(filled, tmp_path / "out.tar")
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file"):
        bundled(filled, tmp_path / "out")


def test_an_export_holds_its_images_against_a_prune(filled: Library, tmp_path: Path) -> None:
    copy = next(iter(everything(filled).values()))
    tried: list[str] = []

    def meanwhile(_done: int, _total: int | None) -> None:
        try:
            retire(filled, copy, "a test")
        except IsoManagerError as wrong:
            tried.append(wrong.message)

    write_bundle(filled, plan_bundle(filled, [], "default", frozenset()), tmp_path / "out.tar", progress=meanwhile)
    assert tried
    assert all("being read" in one for one in tried)


def test_keys_of_a_bundle_count_only_where_the_catalogue_pins_them(
    filled: Library, island: Library, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    bundled(filled, place)
    carried = {one.stem for one in (place / "keys").iterdir()}
    assert carried
    pinless = [one.model_copy(update={"proof": (), "offers": ()}) for one in island.catalogue.products]
    object.__setattr__(island.catalogue, "products", tuple(pinless))
    taken_in(island, place, site_key(filled).public)
    assert not any(island.keyring.has(one) for one in carried)
    assert Assurance.SIGNED not in {one.assurance for one in everything(island).values()}


@FORMS
def test_an_import_that_was_interrupted_goes_on(filled: Library, island: Library, tmp_path: Path, form: str) -> None:
    place = tmp_path / form
    bundled(filled, place)
    key = site_key(filled).public
    with bundle_source(island, place, keys=[key]) as source:
        first, *_ = plan_import(island, source, "default")
        take_in_bundled(island, source, first)
    assert len(everything(island)) == 1
    recover(island)
    assert sorted(one.outcome.value for one in taken_in(island, place, key)) == ["current", "published"]


def _evil(make: Callable[[tarfile.TarFile], None], place: Path) -> Path:
    with tarfile.open(place, "w") as archive:
        make(archive)
    return place


def test_hostile_archives_are_refused(filled: Library, island: Library, tmp_path: Path) -> None:
    key = site_key(filled).public
    bundled(filled, tmp_path / "good")
    good = tmp_path / "good"

    def head(archive: tarfile.TarFile) -> None:
        for name in ("bundle.json", "bundle.json.minisig"):
            archive.add(good / name, name)

    def link(archive: tarfile.TarFile) -> None:
        head(archive)
        told = tarfile.TarInfo("keys/x")
        told.type, told.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(told)

    def traversal(archive: tarfile.TarFile) -> None:
        head(archive)
        archive.add(good / "bundle.json", "../../etc/passwd")

    def giant(archive: tarfile.TarFile) -> None:
        told = tarfile.TarInfo("bundle.json")
        told.size = 1 << 40
        archive.fileobj.write(told.tobuf(tarfile.GNU_FORMAT))  # type: ignore[union-attr]

    def long_name(archive: tarfile.TarFile) -> None:
        head(archive)
        archive.add(good / "bundle.json", "x" * 3000)

    for make in (link, traversal, giant, long_name, head, lambda archive: None):
        with pytest.raises(Refused) as refused:
            taken_in(island, _evil(make, tmp_path / "evil.tar"), key)
        assert refused.value.code == "bad-bundle"
    assert everything(island) == {}


def test_archives_that_end_early_or_are_damaged_are_refused(filled: Library, island: Library, tmp_path: Path) -> None:
    key = site_key(filled).public
    for name in ("out.tar", "out.tar.zst"):
        bundled(filled, tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        for cut in (len(whole) // 2, 700, 3):
            (tmp_path / name).write_bytes(whole[:cut])
            assert refused_codes(island, tmp_path / name, key) <= {"bad-bundle"}
            assert refused_codes(island, tmp_path / name, key)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_bundle_of_a_newer_form_is_told_from_a_broken_one() -> None:
    now = datetime.now(UTC)
    known = Manifest(made_at=now, key="", images=(), files=()).model_dump(mode="json")
    for newer in ({**known, "schema_version": 2}, {**known, "chapters": []}):
        with pytest.raises(Refused, match="bring this one up to date"):
            read_manifest(json.dumps(newer).encode())
    with pytest.raises(Refused) as broken:
        read_manifest(b"{}")
    assert "up to date" not in str(broken.value)


def test_what_is_no_file_is_refused_instead_of_waited_for(island: Library, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(UsageError, match="neither a folder nor a file"):
        taken_in(island, tmp_path / "pipe.tar")


def refused_codes(library: Library, place: Path, key: str) -> set[str]:
    """Why the bundle, or images of it, were refused."""
    try:
        told = taken_in(library, place, key)
    except Refused as wrong:
        return {wrong.code}
    return {one.code for one in told if one.outcome is OutcomeKind.FAILED}


def test_manifests_that_lie_about_names_are_refused(filled: Library, island: Library, tmp_path: Path) -> None:
    place = tmp_path / "out"
    bundled(filled, place)
    good = json.loads((place / "bundle.json").read_text())
    (place / "bundle.json.minisig").unlink()
    lies = [
        {**good, "files": [{**good["files"][0], "name": "images/../../x"}]},
        {**good, "files": [*good["files"], good["files"][-1]]},
        {**good, "images": []},
        {**good, "files": [{**one, "size": 1 << 60} for one in good["files"]]},
        {**good, "schema_version": 2},
        [],
    ]
    for lie in lies:
        (place / "bundle.json").write_text(json.dumps(lie))
        with pytest.raises(Refused) as refused:
            taken_in(island, place, unsigned=True)
        assert refused.value.code == "bad-bundle"


def test_a_folder_is_refused_where_it_leads_out_of_itself(filled: Library, island: Library, tmp_path: Path) -> None:
    place = tmp_path / "out"
    bundled(filled, place)
    shutil.move(place / "keys", tmp_path / "elsewhere")
    (place / "keys").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IsoManagerError):
        taken_in(island, place, site_key(filled).public)
