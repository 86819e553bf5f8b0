"""Images that are packed upstream: the evidence is about the packed bytes, the library holds the image."""

import bz2
import gzip
import hashlib
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.errors import Refused, StoreError
from isomanager.library.fetching import fetch
from isomanager.library.opening import Library
from isomanager.library.receiving import staging
from isomanager.library.requesting import Asked
from isomanager.library.subscribing import subscribe
from isomanager.model import ActionKind, Assurance, CopyState, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.storage.contract import Space
from isomanager.storage.local import LocalStore
from library.conftest import brought_in, planned

PRODUCT = """
id = "crate"
name = "Crate"
family = "rescue"

[source]
allow_http = true
allow_private = true

[[offers]]
strategy = "checksums"
file = 'crate-(?P<version>[0-9.]+)\\.iso\\.{kind}'
steps = [{{ url = "{base}/crate/SHA256SUMS" }}]
unpack = {{ kind = "{kind}", max = "{most}" }}

[[proof]]
document = "{{folder}}SHA256SUMS"
"""

KINDS = ["bz2", "gz", "xz", "zip"]


def pack(kind: str, image: bytes, file: Path) -> None:
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("crate.iso", image)
    else:
        file.write_bytes({"bz2": bz2.compress, "gz": gzip.compress, "xz": lzma.compress}[kind](image))


Publish = Callable[..., bytes]


@pytest.fixture
def publish(upstream: SampleUpstream) -> Publish:
    """Puts a packed image on the sample upstream, with its checksum and a product file; gives the image's own bytes."""

    def put(kind: str, most: str = "64MiB", damage: bool = False) -> bytes:
        image = next(upstream.site.www.rglob("*.iso")).read_bytes()
        folder = upstream.site.www / "crate"
        folder.mkdir(exist_ok=True)
        file = folder / f"crate-1.2.iso.{kind}"
        pack(kind, image, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        (folder / "SHA256SUMS").write_text(f"{digest}  {file.name}\n")
        if damage:
            file.write_bytes(file.read_bytes()[:-1] + b"!")
        text = PRODUCT.format(kind=kind, base=upstream.url, most=most)
        (upstream.catalogue_folder / "crate.toml").write_text(text)
        return image

    return put


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_is_held_unpacked_and_both_digests_are_on_the_receipt(
    kind: str, publish: Publish, library: Library, upstream: SampleUpstream, tmp_path: Path
) -> None:
    image = publish(kind)
    subscribe(library, Selector.parse("crate"), floor=Assurance.MIRROR)
    copy = brought_in(library)
    assert copy.path.endswith("crate.vanilla-1.2.iso")
    assert (tmp_path / "library" / copy.path).read_bytes() == image
    assert copy.assurance is Assurance.MIRROR
    (receipt,) = library.inventory.receipts(hashlib.sha256(image).hexdigest())
    packed = upstream.image(f"crate/crate-1.2.iso.{kind}")
    assert receipt.packed is not None
    assert (receipt.packed.size, receipt.packed.digests["sha256"]) == (len(packed), hashlib.sha256(packed).hexdigest())
    assert list(staging(library).list()) == []


def test_what_is_held_unpacked_is_not_fetched_again(publish: Publish, library: Library) -> None:
    publish("zip")
    subscribe(library, Selector.parse("crate"), floor=Assurance.MIRROR)
    brought_in(library)
    assert [action.kind for action in planned(library).actions] == [ActionKind.KEEP]


def refuse(library: Library) -> Refused:
    subscribe(library, Selector.parse("crate"), floor=Assurance.MIRROR)
    with pytest.raises(Refused) as refused:
        brought_in(library)
    return refused.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_file_that_is_not_what_was_announced_is_never_unpacked(
    kind: str, publish: Publish, library: Library, tmp_path: Path
) -> None:
    publish(kind, damage=True)
    assert refuse(library).code == "upstream-broken"
    assert [file for file in (tmp_path / "library").rglob("*") if file.is_file() and file.suffix == ".iso"] == []
    assert library.inventory.copies(states={CopyState.RESERVED, CopyState.RECEIVED, CopyState.HELD}) == ()
    assert [action.code for action in planned(library).actions] == ["quarantined"]
    assert list(staging(library).list()) == []


def test_an_image_that_unpacks_beyond_its_bound_is_refused_and_remembered(publish: Publish, library: Library) -> None:
    publish("xz", most="4KiB")
    assert refuse(library).code == "too-large"
    assert [action.code for action in planned(library).actions] == ["quarantined"]
    assert list(library.store("default").partials()) == []
    assert list(staging(library).list()) == []


def test_a_packed_image_is_unpacked_on_its_way_to_a_file_too(
    publish: Publish, library: Library, tmp_path: Path
) -> None:
    image = publish("gz")
    fetched = fetch(library, Asked(selector="crate"), tmp_path / "here" / "crate.iso")
    assert Path(fetched.path).read_bytes() == image
    assert [file.name for file in (tmp_path / "here").iterdir()] == ["crate.iso"]


def test_a_packed_file_is_not_given_the_room_that_another_one_was_promised(
    publish: Publish, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("zip")
    subscribe(library, Selector.parse("crate"), floor=Assurance.MIRROR)
    stage, free, of_others = staging(library), 64 << 20, LocalStore.space

    def space(store: LocalStore) -> Space:
        return Space(total=2 * free, free=free) if store.root == stage.root else of_others(store)

    monkeypatch.setattr(LocalStore, "space", space)
    with (
        library.space.reserved(stage, "other", "other.packed", free - 10, library.now()),
        pytest.raises(StoreError, match="promised to other downloads"),
    ):
        brought_in(library)
    assert brought_in(library).state is CopyState.HELD
