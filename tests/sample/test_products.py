"""The product files load, and lead the real resolver to what the vendors' own rules would choose."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import httpx
import pytest
from pysequoia import Cert, Sig, verify

from isomanager.catalogue.documents import MAX_DOCUMENT_BYTES, Located
from isomanager.catalogue.loader import Catalogue, load_catalogue
from isomanager.catalogue.resolve import resolve
from isomanager.errors import FetchRefused, ResolveError
from isomanager.model import Document, Family, Offer, Selector, SignatureKind
from isomanager.sample.upstream import SampleUpstream


class Web:
    """A DocumentSource on a plain client."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def fetch(self, url: str, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Document:
        got = self._asked("GET", url)
        return Document(url=url, final_url=str(got.url), content=got.content[: max_bytes + 1])

    def locate(self, url: str) -> Located:
        got = self._asked("HEAD", url)
        return Located(url=url, final_url=str(got.url), size=int(got.headers["content-length"]))

    def _asked(self, method: str, url: str) -> httpx.Response:
        got = self._client.request(method, url, follow_redirects=True)
        if got.status_code != 200:
            raise FetchRefused(f"{url}: {got.status_code}", code="http-status", status=got.status_code, url=url)
        return got


@pytest.fixture
def catalogue(upstream: SampleUpstream) -> Catalogue:
    return load_catalogue([upstream.catalogue_folder])


def offered(catalogue: Catalogue, client: httpx.Client, text: str) -> Offer:
    selector = Selector.parse(text)
    (offer,) = resolve(catalogue.product(selector.product), selector, Web(client))
    return offer


def test_there_is_a_product_for_each_vendor_in_its_family(catalogue: Catalogue) -> None:
    sample = {one.id: one.family for one in catalogue.products if one.id.startswith("sample-")}
    assert sample == {
        "sample-orchard": Family.LINUX,
        "sample-granite": Family.LINUX,
        "sample-beacon": Family.APPLIANCE,
        "sample-lantern": Family.RESCUE,
        "sample-driftwood": Family.BSD,
    }


CHOICES = {
    "sample-orchard": "orchard/26.10/orchard-26.10-live-server-amd64.iso",
    "sample-orchard/desktop@24.04": "orchard/24.04/orchard-24.04.3-desktop-amd64.iso",
    "sample-orchard@24.04.2": "orchard/24.04/orchard-24.04.2-live-server-amd64.iso",
    "sample-orchard@lts": "orchard/26.04/orchard-26.04.1-live-server-amd64.iso",
    "sample-orchard@preview": "orchard/27.04/orchard-27.04-beta-live-server-amd64.iso",
    "sample-orchard@previous": "orchard/26.04/orchard-26.04.1-live-server-amd64.iso",
    "sample-granite": "granite/linux/releases/44/Workstation/x86_64/iso/Granite-Workstation-Live-44-1.7.x86_64.iso",
    "sample-granite/server": "granite/linux/releases/44/Server/x86_64/iso/Granite-Server-dvd-x86_64-44-1.7.iso",
    "sample-granite@43": "granite/linux/releases/43/Workstation/x86_64/iso/Granite-Workstation-Live-43-1.6.x86_64.iso",
    "sample-granite/server@preview": (
        "granite/linux/releases/test/45_Beta/Server/x86_64/iso/Granite-Server-dvd-x86_64-45_Beta-1.3.iso"
    ),
    "sample-beacon": "beacon/iso/beacon-ve_9.2-1.iso",
    "sample-beacon@9.0": "beacon/iso/beacon-ve_9.0-1.iso",
    "sample-lantern": "lantern/stable/lantern-2.10.1.iso",
    "sample-lantern@2.9": "lantern/stable/lantern-2.9.4.iso",
    "sample-driftwood": "driftwood/ISO-IMAGES/15.1/Driftwood-15.1-RELEASE-amd64-disc1.iso",
    "sample-driftwood/bootonly@14": "driftwood/ISO-IMAGES/14.5/Driftwood-14.5-RELEASE-amd64-bootonly.iso",
    "sample-driftwood/bootonly@preview": "driftwood/ISO-IMAGES/15.2/Driftwood-15.2-RC1-amd64-bootonly.iso",
}


@pytest.mark.parametrize(("selector", "path"), CHOICES.items())
def test_the_resolver_finds_the_right_image_and_its_proof(
    upstream: SampleUpstream, client: httpx.Client, catalogue: Catalogue, selector: str, path: str
) -> None:
    offer = offered(catalogue, client, selector)
    assert offer.urls == (f"{upstream.url}/{path}",)
    assert offer.filename == path.rpartition("/")[2]
    assert proved_digest(upstream, client, offer) == hashlib.sha256(upstream.image(path)).hexdigest()


@pytest.mark.parametrize("selector", ["sample-driftwood/disc1@15.2", "sample-orchard@27.04", "sample-granite@45"])
def test_what_is_only_announced_is_not_released(client: httpx.Client, catalogue: Catalogue, selector: str) -> None:
    with pytest.raises(ResolveError):
        offered(catalogue, client, selector)


@pytest.mark.parametrize(
    ("vendor", "selector", "version"),
    [
        ("orchard", "sample-orchard@26.04", "26.04.2"),
        ("granite", "sample-granite", "45"),
        ("beacon", "sample-beacon", "9.3-1"),
        ("lantern", "sample-lantern", "2.10.2"),
        ("driftwood", "sample-driftwood", "15.2"),
    ],
)
def test_a_new_release_is_found_at_once(
    upstream: SampleUpstream, client: httpx.Client, catalogue: Catalogue, vendor: str, selector: str, version: str
) -> None:
    before = offered(catalogue, client, selector)
    released = upstream.publish(vendor)
    after = offered(catalogue, client, selector)
    assert after.title.version > before.title.version
    assert str(after.title.version) == version
    assert after.filename in {one.name for one in released}


def test_only_addresses_of_this_run_are_in_the_product_files(site_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(site_folder, tmp_path / "elsewhere")
    with SampleUpstream(site_folder) as first, SampleUpstream(tmp_path / "elsewhere") as second:
        files = {one.name: one.read_text() for one in second.catalogue_folder.iterdir()}
        assert len(files) == 5
        assert all(second.url in text and first.url not in text and "@" not in text for text in files.values())
        assert second.key_fingerprint in files["sample-orchard.toml"]


def proved_digest(upstream: SampleUpstream, client: httpx.Client, offer: Offer) -> str:
    """The digest that the offer's proof gives for its file, its signature verified where it has one."""
    (proof,) = offer.proofs
    assert proof.document is not None
    content = client.get(proof.document).raise_for_status().content
    if proof.signature is not None:
        assert proof.signers == (upstream.key_fingerprint,)
        content = verified(upstream, client, content, proof.signature.kind, proof.signature.url)
    for line in content.decode().splitlines():
        if proof.entry in line and not line.startswith("#"):
            return line.split()[-1] if " = " in line else line.split()[0]
    return content.decode().strip()


def verified(
    upstream: SampleUpstream, client: httpx.Client, content: bytes, kind: SignatureKind, url: str | None
) -> bytes:
    cert = Cert.from_bytes(client.get(f"/keys/{upstream.key_fingerprint}.asc").content)
    if kind is SignatureKind.CLEARSIGNED:
        return verify(content, lambda _ids: [cert]).bytes or b""
    assert url is not None
    verify(content, lambda _ids: [cert], signature=Sig.from_bytes(client.get(url).content))
    return content
