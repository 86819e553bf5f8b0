"""Real bootable images from Debian packages, laid out as vendors do, through the flow."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flow_runs import Given
from flows.update import update
from isomanager.model import Assurance
from isomanager.sample.server import SampleServer
from real_isos import real_images, real_site, real_upstream  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from real_isos import RealSite

pytestmark = pytest.mark.prefect

_HEAD = """
id = "{id}"
name = "{name}"
family = "rescue"
[source]
allow_http = true
allow_private = true
[keys]
"{key}" = "{base}/keys/{key}.asc"
"""

_MEMTEST = """
default_flavor = "x64"
[flavors.x64]
match = {{ build = "x64" }}
[flavors.ia32]
match = {{ build = "ia32" }}
architectures = ["i686"]
[map.architecture]
x86_64 = ["x64"]
i686 = ["ia32"]
[[offers]]
strategy = "checksums"
file = 'memtest86\\+-(?P<version>[\\d.]+)-(?P<build>(?P<arch>x64|ia32))\\.iso'
[[offers.steps]]
url = "{base}/memtest/"
pick = '(?P<series>[\\d.]+)'
[[offers.steps]]
url = "{{series}}/SHA256SUMS"
[[proof]]
document = "{{folder}}SHA256SUMS"
keys = "{key}"
signature = {{ kind = "openpgp", url = "{{document}}.gpg" }}
"""

_IPXE = """
[[offers]]
strategy = "listing"
file = 'ipxe-(?P<version>[\\d.]+)\\.iso'
steps = [{{ url = "{base}/ipxe/" }}]
[[proof]]
document = "{{url}}.sha256"
"""

_GRUB = """
[[offers]]
strategy = "listing"
file = 'grub-rescue-(?P<version>[\\d.]+)-(?P<arch>amd64)\\.iso'
steps = [{{ url = "{base}/grub/iso/" }}]
[[proof]]
document = "{{folder}}CHECKSUM"
keys = "{key}"
signature = {{ kind = "clearsigned" }}
"""


@pytest.fixture
def given(
    real_upstream: SampleServer,  # noqa: F811
    real_site: RealSite,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Given:
    """A library whose catalogue leads to the real images."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, text in {"real-memtest": _MEMTEST, "real-ipxe": _IPXE, "real-grub": _GRUB}.items():
        values = {"id": name, "name": name.title(), "base": real_upstream.url, "key": real_site.key.fingerprint}
        product = _HEAD.split("[source]")[0] + text.split("[", 1)[0] + "[source]" + _HEAD.split("[source]")[1]
        product += "[" + text.split("[", 1)[1]
        (folder / f"{name}.toml").write_text(product.format(**values))
    monkeypatch.setenv("ISOMANAGER_CATALOGUE_FOLDERS", f'["{folder.as_posix()}"]')
    return Given(tmp_path)


def test_they_are_fetched_proved_and_byte_for_byte_what_the_packages_hold(
    given: Given,
    real_images: dict[str, Path],  # noqa: F811
) -> None:
    given.subscription("real-memtest/x64", "real-memtest/ia32", "real-ipxe", "real-grub")
    report = update()
    assert {one.outcome.value for one in report.outcomes} == {"published"}
    held = {(copy.title.product, copy.title.flavor): copy for copy in given.copies()}
    assert {name: copy.assurance for name, copy in held.items()} == {
        ("real-memtest", "x64"): Assurance.SIGNED,
        ("real-memtest", "ia32"): Assurance.SIGNED,
        ("real-grub", "vanilla"): Assurance.SIGNED,
        ("real-ipxe", "vanilla"): Assurance.MIRROR,
    }
    fetched = {(given.repository / copy.path).read_bytes() for copy in held.values()}
    assert fetched == {image.read_bytes() for image in real_images.values()}
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=given.repository, capture_output=True)
    assert checked.returncode == 0
    assert {one.outcome.value for one in update().outcomes} == {"current"}
