"""Keys are fetched, kept, and fetched again: from the vendor, its web key directory, a keyserver, each a real server."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from certificates import self_signed
from isomanager.errors import UsageError
from isomanager.library.opening import Library
from isomanager.library.refreshing_keys import refresh_keys
from isomanager.library.resolving import resolve_selector
from isomanager.model import Assurance, Expectation, Refusal, Selector
from isomanager.sample.upstream import SampleUpstream
from isomanager.settings import load_settings
from isomanager.trust.certificates import read_certificates
from library.conftest import Clock
from transfer.serving import Asked, Reply, scripted

BUILT = Path(__file__).parents[1] / "documents" / "trust"
PRODUCT = """
id = "quill"
name = "Quill"
family = "linux"

[source]
allow_http = true
allow_private = true

[flavors.vanilla]
size = ["1KiB", "1GiB"]
endings = [".img"]

[[offers]]
strategy = "fixed"
url = "{base}/quill/sample-1.0.img"
version = "1.0"

[[proof]]
document = "{base}/quill/CHECKSUM"
entry = "sample-1.0.iso"
signature = {{ kind = "openpgp", url = "{base}/quill/CHECKSUM.asc" }}
keys = ["{pin}"]

[keys]
{pin} = [{addresses}]
"""


class Quill:
    """A vendor whose key is the built one that expired, was renewed, and in the end revoked."""

    def __init__(self, upstream: SampleUpstream) -> None:
        self.upstream = upstream
        self.folder = upstream.site.www / "quill"
        self.folder.mkdir()
        (self.folder / "sample-1.0.img").write_bytes(b"\0" * 4096)
        (self.folder / "CHECKSUM").write_bytes((BUILT / "CHECKSUM").read_bytes())
        self.pin = read_certificates(self.material("expiring"))[0].fingerprint
        self.sign("before-expiry")
        self.product(f'"{upstream.url}/quill/key.asc"')

    @staticmethod
    def material(name: str) -> bytes:
        return (BUILT / f"{name}.key.asc").read_bytes()

    def sign(self, name: str) -> None:
        (self.folder / "CHECKSUM.asc").write_bytes((BUILT / f"{name}.asc").read_bytes())

    def publish(self, name: str) -> None:
        (self.folder / "key.asc").write_bytes(self.material(name))

    def product(self, addresses: str) -> None:
        text = PRODUCT.format(base=self.upstream.url, pin=self.pin, addresses=addresses)
        (self.upstream.catalogue_folder / "quill.toml").write_text(text)

    @property
    def asked_for_key(self) -> int:
        return sum(one.path.endswith("/key.asc") for one in self.upstream.requests)


@pytest.fixture
def quill(upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch) -> Quill:
    monkeypatch.setenv("ISOMANAGER_KEYSERVERS", "[]")
    return Quill(upstream)


@contextmanager
def opened(clock: Clock) -> Iterator[Library]:
    with Library(load_settings(), clock=clock) as library:
        yield library


def resolved(library: Library) -> Expectation | Refusal:
    (judged,) = resolve_selector(library, Selector.parse("quill"))
    return judged


def code(judged: Expectation | Refusal) -> str:
    return judged.code if isinstance(judged, Refusal) else ""


def test_a_stale_copy_is_fetched_again_and_the_signature_is_good_then(quill: Quill, clock: Clock) -> None:
    quill.publish("expiring")
    with opened(clock) as library:
        assert isinstance(resolved(library), Expectation)
    quill.sign("after-expiry")
    quill.publish("extended")
    with opened(clock) as library:
        judged = resolved(library)
        assert isinstance(judged, Expectation)
        assert judged.assurance is Assurance.SIGNED


def test_a_key_that_stays_stale_is_asked_for_once_a_day(quill: Quill, clock: Clock) -> None:
    quill.publish("expiring")
    quill.sign("after-expiry")
    for _ in range(3):
        with opened(clock) as library:
            assert code(resolved(library)) == "expired-key"
    assert quill.asked_for_key == 1
    clock.pass_(hours=25)
    with opened(clock) as library:
        assert code(resolved(library)) == "expired-key"
    assert quill.asked_for_key == 2


def test_a_refresh_brings_a_revocation_and_says_so(quill: Quill, clock: Clock) -> None:
    quill.publish("extended")
    with opened(clock) as library:
        (first,) = refresh_keys(library, ["quill"])
        assert (first.outcome, first.products) == ("new", ("quill",))
        assert refresh_keys(library, ["quill"])[0].outcome == "unchanged"
        assert isinstance(resolved(library), Expectation)
        quill.publish("revoked")
        (again,) = refresh_keys(library, [quill.pin.lower()])
        assert (again.outcome, again.changes) == ("changed", ("the key has been revoked",))
        assert code(resolved(library)) == "revoked-key"


def test_a_revocation_stays_when_the_vendor_s_copy_forgets_it(quill: Quill, clock: Clock) -> None:
    quill.publish("revoked")
    with opened(clock) as library:
        refresh_keys(library, ["quill"])
    quill.publish("extended")
    with opened(clock) as library:
        assert refresh_keys(library, ["quill"])[0].outcome == "unchanged"
        assert code(resolved(library)) == "revoked-key"


def test_a_renewal_is_told_with_its_dates(quill: Quill, clock: Clock) -> None:
    quill.publish("expiring")
    with opened(clock) as library:
        refresh_keys(library, ["quill"])
        quill.publish("extended")
        (told,) = refresh_keys(library, ["quill"])
        assert told.changes == ("the key expires on 2099-01-01 instead of on 2024-06-01",)


def test_another_key_at_the_vendor_s_address_is_never_taken(
    quill: Quill, clock: Clock, upstream: SampleUpstream
) -> None:
    (quill.folder / "key.asc").write_bytes(upstream.site.key.public)
    with opened(clock) as library:
        (told,) = refresh_keys(library, ["quill"])
        assert told.outcome == "failed"
        assert "other keys only" in next(iter(told.failed.values()))
        assert code(resolved(library)) == "unknown-key"


def test_a_keyserver_helps_where_the_vendor_does_not(
    quill: Quill, clock: Clock, upstream: SampleUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [f"{upstream.url}/quill/{{fingerprint}}"]
    monkeypatch.setenv("ISOMANAGER_KEYSERVERS", json.dumps(servers))
    (quill.folder / quill.pin).write_bytes(quill.material("extended"))
    with opened(clock) as library:
        assert isinstance(resolved(library), Expectation)
        assert library.keyring.has(quill.pin)


def test_a_web_key_directory_gives_the_key_of_a_mail_address(
    quill: Quill, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("ISOMANAGER_CA_FILE", str(certificate))
    (key,) = read_certificates(quill.material("extended"))

    def directory(asked: Asked) -> Reply:
        return Reply(body=key.material) if "/hu/" in asked.path and "l=releases" in asked.path else Reply(status=404)

    with scripted(directory, context) as server:
        quill.product(f'"releases@127.0.0.1:{server.server_port}"')
        with opened(clock) as library:
            (told,) = refresh_keys(library, ["quill"])
            assert told.outcome == "new"
            # the advanced method's host does not exist: the direct one answered
            assert [url.partition(":")[2][:13] for url in told.failed] == ["//openpgpkey."]
            assert [one.path.partition("hu/")[0] for one in server.asked] == ["/.well-known/openpgpkey/"]
            assert isinstance(resolved(library), Expectation)


def test_offline_nobody_is_asked_and_the_day_s_chance_is_kept(quill: Quill, clock: Clock) -> None:
    from isomanager.catalogue.documents import SavedDocuments

    quill.publish("expiring")
    with opened(clock) as library:
        refresh_keys(library, ["quill"])
    clock.pass_(days=2)
    quill.sign("after-expiry")
    quill.publish("extended")
    base = f"{quill.upstream.url}/quill"
    saved: dict[str, Any] = {f"{base}/{one}": quill.folder / one for one in ("CHECKSUM", "CHECKSUM.asc")}
    with opened(clock) as library:
        (judged,) = resolve_selector(library, Selector.parse("quill"), SavedDocuments(saved))
        assert code(judged) == "expired-key"
        assert isinstance(resolved(library), Expectation)


def test_a_name_that_means_no_key_is_refused(quill: Quill, clock: Clock) -> None:
    with opened(clock) as library, pytest.raises(UsageError, match="neither a product nor"):
        refresh_keys(library, ["nothing-of-the-kind"])


def test_a_damaged_note_of_the_last_time_costs_one_fetch(quill: Quill, clock: Clock) -> None:
    quill.publish("extended")
    with opened(clock) as library:
        library.settings.keys_folder.mkdir(parents=True)
        (library.settings.keys_folder / "refreshed.json").write_text("[1")
        assert refresh_keys(library, ["quill"])[0].outcome == "new"
