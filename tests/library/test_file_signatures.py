"""Images whose vendor signs the file itself: on the way into the library, and to a plain file."""

from __future__ import annotations

import bz2
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from isomanager.errors import Refused
from isomanager.library.bundling import plan_bundle, write_bundle
from isomanager.library.fetching import fetch
from isomanager.library.opening import Library, library_in_use
from isomanager.library.receiving import staging
from isomanager.library.requesting import Asked
from isomanager.library.site_keys import site_key
from isomanager.library.subscribing import subscribe
from isomanager.library.unbundling import bundle_source, plan_import, take_in_bundled
from isomanager.model import ActionKind, Assurance, CopyState, OutcomeKind, Selector
from isomanager.sample.upstream import SampleUpstream
from library.conftest import brought_in, planned
from trust.authors import Ed25519Author, RsaAuthor

PRODUCT = """
id = "seal"
name = "Seal"
family = "appliance"

[source]
allow_http = true
allow_private = true

[[offers]]
strategy = "listing"
file = 'seal-(?P<version>[0-9.]+)\\.iso{ending}'
steps = [{{ url = "{base}/seal/" }}]
{unpack}

[[proof]]
covers = "{covers}"
signature = {{ kind = "{kind}", url = "{{url}}.sig", over = "file" }}
keys = ["{pin}"]

[keys]
{pinned} = ["{base}/seal/nothing", "{base}/seal/announcement.txt"]
"""

WAYS = ["rsa", "rsa packed", "rsa unpacked", "minisign", "minisign packed", "signify", "openpgp"]
Publish = Callable[..., bytes]


@pytest.fixture
def publish(upstream: SampleUpstream) -> Publish:
    """Puts a signed image on the sample upstream, its key in an announcement, and a product file; gives the image's bytes."""

    def put(way: str, *, damage: bool = False) -> bytes:
        kind, _, packed = way.partition(" ")
        image = next(upstream.site.www.rglob("*.iso")).read_bytes()
        folder = upstream.site.www / "seal"
        folder.mkdir(exist_ok=True)
        served = bz2.compress(image) if packed else image
        ed, rsa, key = Ed25519Author(), RsaAuthor(), upstream.site.key
        pin = {"rsa": rsa.fingerprint, "openpgp": key.fingerprint}.get(kind, ed.pin)
        sign = {"rsa": rsa.sign, "openpgp": key.detached, "minisign": ed.minisign, "signify": ed.signify}[kind]
        name = f"seal-1.2.iso{'.bz2' if packed else ''}"
        (folder / f"{name}.sig").write_bytes(sign(image if packed == "unpacked" else served))
        quoted = b"\n".join(b"# " + line for line in rsa.public.splitlines())
        (folder / "announcement.txt").write_bytes(key.public if kind == "openpgp" else b"The key is:\n\n" + quoted)
        if damage:
            served = bz2.compress(image[:-1] + b"!") if packed else image[:-1] + b"!"
        (folder / name).write_bytes(served)
        text = PRODUCT.format(
            base=upstream.url,
            kind=kind,
            covers="unpacked" if packed == "unpacked" else "file",
            pin=pin,
            pinned=pin if kind in ("rsa", "openpgp") else "0" * 40,
            ending="\\.bz2" if packed else "",
            unpack='unpack = { kind = "bz2", max = "64MiB" }' if packed else "",
        )
        (upstream.catalogue_folder / "seal.toml").write_text(text)
        return image

    return put


@pytest.mark.parametrize("way", WAYS)
def test_a_good_signature_over_the_file_makes_it_signed(
    way: str, publish: Publish, library: Library, tmp_path: Path
) -> None:
    image = publish(way)
    subscribe(library, Selector.parse("seal"))
    copy = brought_in(library)
    assert (copy.assurance, (tmp_path / "library" / copy.path).read_bytes()) == (Assurance.SIGNED, image)
    (receipt,) = library.inventory.receipts(hashlib.sha256(image).hexdigest())
    assert receipt.signer is not None
    assert any("The file itself is signed" in reason for reason in receipt.reasons)
    assert [document.url.rpartition(".")[2] for document in receipt.evidence] == ["sig"]
    assert [action.kind for action in planned(library).actions] == [ActionKind.KEEP]


@pytest.mark.parametrize("way", ["rsa", "minisign", "openpgp", "rsa packed"])
def test_a_bundle_carries_that_signature_and_it_is_checked_again(
    way: str, publish: Publish, library: Library, tmp_path: Path
) -> None:
    image = publish(way)
    subscribe(library, Selector.parse("seal"))
    brought_in(library)
    key = site_key(library, create=True).public
    write_bundle(library, plan_bundle(library, [], "default", frozenset()), tmp_path / "out.tar")
    told = {"data_folder": tmp_path / "island", "default_repository": str(tmp_path / "isos")}
    with Library(library.settings.model_copy(update=told)) as island:
        for place, unsigned in ((tmp_path / "out.tar", True), (tmp_path / "out.tar", False)):
            with bundle_source(island, place, keys=[] if unsigned else [key], unsigned=unsigned) as source:
                steps = plan_import(island, source, "default")
                outcomes = [one for step in steps for one in take_in_bundled(island, source, step)]
            assert {one.outcome for one in outcomes} <= {OutcomeKind.PUBLISHED, OutcomeKind.CURRENT}
        (copy,) = island.inventory.copies(states={CopyState.HELD})
        assert (tmp_path / "isos" / copy.path).read_bytes() == image
        assert copy.assurance is Assurance.SIGNED


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_its_signature_does_not_cover_is_refused_and_remembered(
    way: str, publish: Publish, library: Library, tmp_path: Path
) -> None:
    publish(way, damage=True)
    subscribe(library, Selector.parse("seal"))
    with pytest.raises(Refused) as refused:
        brought_in(library)
    assert refused.value.code == "bad-signature"
    assert [file for file in (tmp_path / "library").rglob("*.iso") if file.is_file()] == []
    assert library.inventory.copies(states={CopyState.RESERVED, CopyState.RECEIVED, CopyState.HELD}) == ()
    assert [action.code for action in planned(library).actions] == ["quarantined"]
    assert list(staging(library).list()) == []


@pytest.mark.parametrize("way", ["rsa packed", "minisign"])
def test_to_a_plain_file_the_signature_counts_too(way: str, publish: Publish, library: Library, tmp_path: Path) -> None:
    image = publish(way)
    fetched = fetch(library, Asked(selector="seal"), tmp_path / "here" / "seal.iso")
    assert (fetched.assurance, Path(fetched.path).read_bytes()) == ("signed", image)
    publish(way, damage=True)
    with pytest.raises(Refused):
        fetch(library, Asked(selector="seal"), tmp_path / "there" / "seal.iso")
    assert not list((tmp_path / "there").glob("*.iso"))


@pytest.mark.parametrize("way", ["rsa", "rsa packed", "rsa unpacked"])
def test_the_signature_counts_on_the_way_to_a_store_that_gives_no_unfinished_bytes_back(
    way: str, publish: Publish, on_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", on_s3)
    image = publish(way)
    with library_in_use() as library:
        subscribe(library, Selector.parse("seal"))
        copy = brought_in(library)
        assert copy.assurance is Assurance.SIGNED
        assert library.store("default").read(copy.path, 0, len(image) + 1) == image
        assert [one for one in staging(library).root.rglob("seal*") if one.is_file()] == []


@pytest.mark.parametrize("way", ["rsa", "rsa unpacked"])
def test_nothing_that_its_signature_does_not_cover_reaches_such_a_store(
    way: str, publish: Publish, on_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOMANAGER_DEFAULT_REPOSITORY", on_s3)
    publish(way, damage=True)
    with library_in_use() as library:
        subscribe(library, Selector.parse("seal"))
        with pytest.raises(Refused) as refused:
            brought_in(library)
        assert refused.value.code == "bad-signature"
        assert list(library.store("default").list()) == []
        assert list(library.store("default").partials()) == []
