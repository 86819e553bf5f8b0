"""Importing inventories into a real library: files read, receipts written, nothing believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from isomanager.errors import Refused, StoreError, UsageError
from isomanager.inventory.exchange.reading import parse_listing
from isomanager.inventory.searching import CopySearch
from isomanager.library.adopting import Adoptable, adopt
from isomanager.library.exporting import export_pieces, write_whole
from isomanager.library.importing import import_step, plan_listing
from isomanager.library.naming import title_of
from isomanager.library.opening import Library
from isomanager.library.recovering import recover
from isomanager.model import Assurance, CopyState, Outcome, OutcomeKind
from isomanager.storage.receipts import RECEIPTS
from isomanager.version import Version

IMAGE = b"an image " * 1000
SHA256 = hashlib.sha256(IMAGE).hexdigest()


@pytest.fixture
def file(repository: Path, library: Library) -> Path:
    assert library.store("default")
    there = repository / "Old" / "ubuntu-22.04.iso"
    there.parent.mkdir(parents=True)
    there.write_bytes(IMAGE)
    return there


def seed(*isos: dict[str, Any], root: str = "") -> bytes:
    return json.dumps({"version": "1.0", "repository": {"path": root}, "isos": isos}).encode()


def an_iso(**told: Any) -> dict[str, Any]:
    plain = {
        "name": "Ubuntu",
        "type": "Linux",
        "version": "22.04",
        "architecture": "x64",
        "filePath": "Old/ubuntu-22.04.iso",
    }
    return {**plain, "metadata": {"flavor": "server"}, "hash": {"algorithm": "SHA256", "value": SHA256.upper()}, **told}


def brought_in(library: Library, document: bytes, *, move: bool = False, replace: bool = False) -> list[Outcome]:
    steps = plan_listing(library, parse_listing(document, "given.json"), repository="default", replace=replace)
    return [import_step(library, one, repository="default", place="given.json", move=move) for one in steps]


def test_a_listed_file_is_read_and_becomes_a_proved_copy(library: Library, file: Path, repository: Path) -> None:
    (told,) = brought_in(library, seed(an_iso()))
    assert (told.outcome, told.path, told.assurance) == (OutcomeKind.PUBLISHED, "Old/ubuntu-22.04.iso", "pinned")
    (copy,) = library.inventory.search(CopySearch())
    assert str(copy.title) == "ubuntu/server@22.04 x86_64"
    (receipt,) = library.inventory.receipts(SHA256)
    assert (receipt.assurance, receipt.size) == (Assurance.PINNED, len(IMAGE))
    assert "given.json" in receipt.reasons[0]
    assert len(list((repository / RECEIPTS).iterdir())) == 1
    assert file.read_bytes() == IMAGE


def test_importing_again_changes_nothing(library: Library, file: Path) -> None:
    brought_in(library, seed(an_iso()))
    (told,) = brought_in(library, seed(an_iso()))
    assert told.outcome is OutcomeKind.CURRENT
    assert library.inventory.statistics(CopySearch()).count == 1


def test_a_file_can_be_put_where_the_layout_wants_it(library: Library, file: Path, repository: Path) -> None:
    (told,) = brought_in(library, seed(an_iso()), move=True)
    assert told.path == "Linux/Ubuntu - Server/ubuntu.server-22.04.iso"
    assert (repository / told.path).read_bytes() == IMAGE
    assert not file.exists()
    (again,) = brought_in(library, seed(an_iso(filePath=told.path)), move=True)
    assert (again.outcome, again.path) == (OutcomeKind.CURRENT, told.path)


def test_never_believes_a_digest_that_the_bytes_do_not_have(library: Library, file: Path) -> None:
    (told,) = brought_in(library, seed(an_iso(hash={"algorithm": "SHA256", "value": "0" * 64})))
    assert (told.outcome, told.code) == (OutcomeKind.FAILED, "wrong-digest")
    assert library.inventory.statistics(CopySearch()).count == 0
    assert file.read_bytes() == IMAGE


def test_without_a_digest_the_file_is_taken_in_and_proves_nothing(library: Library, file: Path) -> None:
    (told,) = brought_in(library, seed(an_iso(hash=None, fileSize=len(IMAGE))))
    assert (told.outcome, told.assurance) == (OutcomeKind.PUBLISHED, "none")


def test_paths_of_another_system_are_understood_and_hostile_ones_are_refused(library: Library, file: Path) -> None:
    inside = an_iso(filePath="E:\\ISOLibrary\\Old\\ubuntu-22.04.iso")
    outside = [an_iso(filePath=path) for path in ("../x.iso", "E:\\Other\\x.iso", "/etc/passwd", ".isomanager/x.iso")]
    first, *others = brought_in(library, seed(inside, *outside, root="E:\\ISOLibrary"))
    assert first.outcome is OutcomeKind.PUBLISHED
    assert {(one.outcome, one.code) for one in others} == {(OutcomeKind.FAILED, "outside-repository")}


def test_replacing_forgets_rows_and_leaves_files(library: Library, file: Path, repository: Path) -> None:
    brought_in(library, seed(an_iso()))
    (repository / "new.iso").write_bytes(b"new")
    new = an_iso(name="My Lab Image", type="Windows-Custom", filePath="new.iso", hash=None)
    told = brought_in(library, seed(new), replace=True)
    assert [one.outcome for one in told] == [OutcomeKind.PUBLISHED, OutcomeKind.RETIRED]
    (copy,) = library.inventory.search(CopySearch())
    assert (copy.title.family, copy.title.product) == ("custom", "my-lab-image")
    assert file.exists()


@pytest.mark.parametrize("form", ["json", "isomanager", "csv", "xml"])
def test_what_is_exported_is_imported_into_an_empty_library(
    library: Library, file: Path, form: Any, tmp_path: Path
) -> None:
    brought_in(library, seed(an_iso()))
    text = "".join(export_pieces(library, CopySearch(), form))
    (copy,) = library.inventory.search(CopySearch())
    library.inventory.transition(copy.id, CopyState.GONE, expected=CopyState.HELD, reason="the database was lost")
    (told,) = brought_in(library, text.encode())
    assert (told.outcome, told.path) == (OutcomeKind.PUBLISHED, copy.path)
    (back,) = library.inventory.search(CopySearch())
    assert (back.title, back.sha256) == (copy.title, copy.sha256)


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "inventory.json"
    assert write_whole(file, ["old"]) == 3

    def broken() -> Any:
        yield "new"
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_whole(file, broken())
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


def test_a_file_of_another_size_is_refused_before_it_is_read(library: Library, file: Path) -> None:
    title = title_of(library, "ubuntu", version="22.04")
    with pytest.raises(Refused) as wrong:
        adopt(library, Adoptable("default", "Old/ubuntu-22.04.iso", title, size=1))
    assert wrong.value.code == "wrong-size"
    with pytest.raises(StoreError, match="is not in"):
        adopt(library, Adoptable("default", "none.iso", title))


def test_a_crash_while_adopting_leaves_the_file_and_no_lie(
    library: Library, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after it announced the copy: the next run proves the file by its receipt, and holds it."""
    adoptable = Adoptable("default", "Old/ubuntu-22.04.iso", title_of(library, "ubuntu", version="22.04"))

    class Died(BaseException):
        pass

    def dies(*_given: Any, **_told: Any) -> None:
        raise Died

    monkeypatch.setattr(type(library.inventory), "record_published", dies)
    with pytest.raises(Died):
        adopt(library, adoptable)
    monkeypatch.undo()
    assert recover(library)
    (copy,) = library.inventory.search(CopySearch())
    assert (copy.state, copy.sha256) == (CopyState.HELD, SHA256)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ({"name": "Debian", "version": "13", "architecture_text": "arm64"}, "debian/netinst@13 aarch64"),
        ({"name": "Ubuntu", "flavor": "Server", "version": "24.04"}, "ubuntu/server@24.04 x86_64"),
        ({"name": "Lab Image №7", "family": "Linux-Custom"}, "lab-image-no7/vanilla@0 any"),
    ],
)  # fmt: skip
def test_names_become_titles(library: Library, words: dict[str, str], title: str) -> None:
    assert str(title_of(library, **words)) == title
    assert Version("0") == title_of(library, "x").version


def test_never_forgets_everything_for_a_document_that_names_no_file(library: Library, file: Path) -> None:
    brought_in(library, seed(an_iso()))
    for document in (seed(), seed(an_iso(filePath="")), seed(an_iso(filePath="/elsewhere/x.iso"))):
        with pytest.raises(UsageError, match="everything would be forgotten"):
            brought_in(library, document, replace=True)
    assert library.inventory.statistics(CopySearch()).count == 1


def test_a_document_may_call_the_repository_by_another_name_unless_it_speaks_of_several(
    library: Library, file: Path
) -> None:
    line = f"Ubuntu,linux,22.04,Old/ubuntu-22.04.iso,{SHA256}"
    names = "name,type,version,path,sha256,repository\r\n"
    with pytest.raises(UsageError, match="images of hq, nas, and none of default"):
        brought_in(library, f"{names}{line},nas\r\n{line},hq\r\n".encode())
    (told,) = brought_in(library, f"{names}{line},hq\r\n".encode())
    assert told.outcome is OutcomeKind.PUBLISHED
