"""Real bootable images, served the way vendors serve them, are what the documents beside them say."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pycdlib
import pytest
from pysequoia import Cert, Sig, verify

from isomanager.sample.faults import Fault, FaultKind
from isomanager.sample.server import SampleServer

if TYPE_CHECKING:
    from real_isos import RealSite


def test_every_image_is_bootable(real_images: dict[str, Path]) -> None:
    assert len(real_images) == 4
    for image in real_images.values():
        opened = pycdlib.PyCdlib()
        opened.open(str(image))
        assert opened.eltorito_boot_catalog.initial_entry.boot_indicator == 0x88
        opened.close()


def test_they_come_over_http_as_the_signed_documents_say(real_site: RealSite, real_upstream: SampleServer) -> None:
    with httpx.Client(base_url=real_upstream.url, trust_env=False, verify=False) as client:
        cert = Cert.from_bytes(client.get(f"/keys/{real_site.key.fingerprint}.asc").content)
        sums = client.get("/memtest/6.10/SHA256SUMS").content
        signature = Sig.from_bytes(client.get("/memtest/6.10/SHA256SUMS.gpg").content)
        assert verify(sums, lambda _ids: [cert], signature=signature).valid_sigs
        signed = sums + (verify(client.get("/grub/iso/CHECKSUM").content, lambda _ids: [cert]).bytes or b"")
        signed += client.get("/ipxe/ipxe-1.0.0.iso.sha256").content
        for one in real_site.published:
            content = client.get(f"/{one.release.path}").content
            assert len(content) == one.size
            assert hashlib.sha256(content).hexdigest().encode() in signed


def test_a_real_image_can_be_broken_on_demand(real_site: RealSite, real_upstream: SampleServer) -> None:
    path = f"/{real_site.published[0].release.path}"
    real_upstream.faults.add(Fault(FaultKind.TRUNCATE, path, at=1 << 20))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(real_upstream.url + path, trust_env=False, verify=False)
