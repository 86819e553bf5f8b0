"""A product file names a metalink: its mirrors help when the image is fetched, take over where the vendor fails, and prove nothing."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from certificates import self_signed
from domain_update import update
from isomanager.library.opening import Library
from isomanager.library.sourcing import WRONG_BYTES
from isomanager.library.subscribing import subscribe
from isomanager.model import Assurance, Outcome, OutcomeKind, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import Settings, load_settings
from library.conftest import held
from library.quarry import image_of
from transfer.serving import Asked, Reply, Script, ScriptedServer, scripted

IMAGE = image_of(4)
NAME = "metal-1.0.iso"
PRODUCT = """
id = "metal"
name = "Metal"
family = "linux"

[source]
allow_http = true
allow_private = true

[[offers]]
strategy = "checksums"
file = 'metal-(?P<version>[0-9.]+)\\.iso'
steps = [{{ url = "{base}/metal/SHA256SUMS" }}]
metalink = {{ url = "{{url}}.meta4" }}

[[proof]]
document = "{{folder}}SHA256SUMS"
"""


def giving(content: bytes) -> Script:
    """A mirror that has these bytes, and gives parts of them."""

    def script(asked: Asked) -> Reply:
        if "range" not in asked.headers:
            return Reply(headers={"Accept-Ranges": "bytes"}, body=content)
        first, _, last = asked.headers["range"].removeprefix("bytes=").partition("-")
        end = int(last) + 1 if last else len(content)
        told = {"Content-Range": f"bytes {first}-{end - 1}/{len(content)}", "Accept-Ranges": "bytes"}
        return Reply(206, told, content[int(first) : end])

    return script


class Metal:
    """The vendor, and the mirrors that its metalink names."""

    def __init__(self, upstream: SampleUpstream, certificate: Path) -> None:
        self._upstream, self._folder, self._certificate = upstream, upstream.site.www / "metal", certificate
        self._folder.mkdir()
        (upstream.catalogue_folder / "metal.toml").write_text(PRODUCT.format(base=upstream.url))
        (self._folder / NAME).write_bytes(IMAGE)
        (self._folder / "SHA256SUMS").write_text(f"{hashlib.sha256(IMAGE).hexdigest()}  {NAME}\n")
        self._running = ExitStack()

    def mirrored(self, *contents: bytes) -> list[ScriptedServer]:
        """Mirrors with these contents, in this order in the metalink."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._certificate)
        mirrors = [self._running.enter_context(scripted(giving(content), tls)) for content in contents]
        urls = "".join(f'<url priority="{rank}">{one.url}/{NAME}</url>' for rank, one in enumerate(mirrors, 1))
        told = f'<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="{NAME}">{urls}</file></metalink>'
        (self._folder / f"{NAME}.meta4").write_text(told)
        return mirrors

    def close(self) -> None:
        self._running.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def metal(upstream: SampleUpstream, certificate: Path) -> Iterator[Metal]:
    running = Metal(upstream, certificate)
    yield running
    running.close()


@pytest.fixture
def trusting(metal: Metal, certificate: Path) -> Iterator[Library]:
    with Library(Settings(**{**load_settings().model_dump(), "ca_file": certificate})) as opened:
        yield opened


def brought(library: Library) -> Outcome:
    """What an update made of the image."""
    subscribe(library, Selector.parse("metal"), floor=Assurance.MIRROR)
    return next(one for one in update(library) if one.title is not None)


def held_bytes(library: Library, outcome: Outcome) -> bytes:
    return (Path(library.store("default").url) / outcome.path).read_bytes()


def test_a_mirror_takes_over_where_the_vendor_breaks_off(
    metal: Metal, trusting: Library, upstream: SampleUpstream
) -> None:
    (mirror,) = metal.mirrored(IMAGE)
    upstream.fault("truncate", f"*{NAME}", at=1 << 20)
    outcome = brought(trusting)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert held_bytes(trusting, outcome) == IMAGE
    assert sum(one.bytes for one in outcome.sources) == len(IMAGE)
    assert mirror.asked[0].first > 0


def test_a_mirror_that_lags_is_passed_over(metal: Metal, trusting: Library, upstream: SampleUpstream) -> None:
    lagging, mirror = metal.mirrored(IMAGE[:-1], IMAGE)
    upstream.fault("truncate", f"*{NAME}", at=1)
    outcome = brought(trusting)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert held_bytes(trusting, outcome) == IMAGE
    assert (bool(lagging.asked), bool(mirror.asked)) == (True, True)


def test_a_mirror_that_lies_is_found_out_and_the_next_one_asked(
    metal: Metal, trusting: Library, upstream: SampleUpstream
) -> None:
    liar, mirror = metal.mirrored(IMAGE[:5] + b"lies" + IMAGE[9:], IMAGE)
    upstream.fault("truncate", f"*{NAME}", at=1)
    outcome = brought(trusting)
    assert outcome.outcome is OutcomeKind.PUBLISHED
    assert held_bytes(trusting, outcome) == IMAGE
    assert [one.url for one in outcome.sources if one.code == WRONG_BYTES] == [f"{liar.url}/{NAME}"]
    assert mirror.asked


def test_where_every_mirror_lies_nothing_is_held(metal: Metal, trusting: Library, upstream: SampleUpstream) -> None:
    metal.mirrored(b"l" * len(IMAGE), b"m" * len(IMAGE))
    upstream.fault("truncate", f"*{NAME}", at=1)
    outcome = brought(trusting)
    assert outcome.outcome in (OutcomeKind.FAILED, OutcomeKind.QUARANTINED)
    assert held(trusting) == ()
