"""The site on disk: what vendors publish is consistent at every instant, and reproducible."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pysequoia import Cert, Sig, verify

from isomanager.errors import UsageError
from isomanager.sample.site import Site, open_site
from isomanager.sample.vendors import VENDORS

from isomanager.sample.signing import SigningKey  # isort: skip


@pytest.fixture
def site(site_folder: Path) -> Site:
    return open_site(site_folder)


def digests_in(sums: str) -> dict[str, str]:
    return {name.lstrip("*"): digest for digest, name in (line.split(maxsplit=1) for line in sums.splitlines())}


def signer_of(site: Site, content: bytes, signature: bytes | None = None) -> tuple[bytes | None, str]:
    cert = Cert.from_file(str(site.www / "keys" / f"{site.key.fingerprint}.asc"))
    proved = verify(content, lambda _ids: [cert], signature=Sig.from_bytes(signature) if signature else None)
    return proved.bytes, proved.valid_sigs[0].certificate.upper()


def test_every_vendor_publishes_images_between_which_its_rules_must_choose(site: Site) -> None:
    versions = {vendor: {one.release.version for one in site.state.of(vendor)} for vendor in VENDORS}
    assert versions == {
        "orchard": {"24.04.2", "24.04.3", "26.04.1", "26.10", "27.04-beta"},
        "granite": {"43", "44", "45 Beta"},
        "beacon": {"9.0-1", "9.2-1", "12.1-1"},
        "lantern": {"2.9.4", "2.10.1"},
        "driftwood": {"14.5", "15.1", "15.2-RC1"},
    }


def test_the_two_builds_of_a_site_have_the_same_images_and_checksums(site: Site, tmp_path: Path) -> None:
    other = open_site(tmp_path / "other", scale=site.state.scale)
    assert other.state.published == site.state.published
    assert (other.www / "orchard/24.04/SHA256SUMS").read_bytes() == (site.www / "orchard/24.04/SHA256SUMS").read_bytes()
    assert other.key.fingerprint != site.key.fingerprint


def test_what_is_remembered_is_what_stands_there(site: Site) -> None:
    for one in site.state.published:
        content = (site.www / one.release.path).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (one.sha256, one.size)


def test_the_detached_signature_verifies_against_the_served_key(site: Site) -> None:
    folder = site.www / "orchard" / "24.04"
    sums, signature = (folder / "SHA256SUMS").read_bytes(), (folder / "SHA256SUMS.gpg").read_bytes()
    assert signer_of(site, sums, signature)[1] == site.key.fingerprint
    with pytest.raises(RuntimeError):
        signer_of(site, sums + b"0" * 64 + b" *orchard-99.04-desktop-amd64.iso\n", signature)


@pytest.mark.parametrize("name", ["*-CHECKSUM", "CHECKSUM.SHA256-*"])
def test_the_clearsigned_documents_verify_and_hold_the_digests(site: Site, name: str) -> None:
    known = {one.release.name: one.sha256 for one in site.state.published}
    documents = list(site.www.rglob(name))
    assert len(documents) > 2
    for document in documents:
        text, signer = signer_of(site, document.read_bytes())
        assert signer == site.key.fingerprint
        assert text is not None
        lines = [line for line in text.decode().splitlines() if line.startswith("SHA256 (")]
        assert lines
        for line in lines:
            named, digest = line.removeprefix("SHA256 (").split(") = ")
            assert known[named] == digest


def test_the_api_says_sizes_as_strings_and_betas_with_a_space(site: Site) -> None:
    site.serve_at("http://127.0.0.1:1")
    rows = json.loads((site.www / "granite" / "releases.json").read_bytes())
    assert "45 Beta" in {row["version"] for row in rows}
    assert all(isinstance(row["size"], str) for row in rows)
    assert all(row["link"].startswith("http://127.0.0.1:1/granite/linux/releases/") for row in rows)


@pytest.mark.parametrize(
    ("vendor", "version"),
    [("orchard", "26.04.2"), ("granite", "45"), ("beacon", "9.3-1"), ("lantern", "2.10.2"), ("driftwood", "15.2")],
)
def test_the_next_release_is_newer_signed_and_complete(site: Site, vendor: str, version: str) -> None:
    before = site.state.published
    released = site.publish_point_release(vendor)
    assert {one.version for one in released} == {version}
    assert set(site.state.published) - set(before) == {one for one in site.state.published if one.release in released}
    newest = max(one.released_at for one in released)
    assert newest < datetime.now(UTC)
    assert all((site.www / one.path).is_file() for one in released)


def test_releases_follow_each_other(site: Site) -> None:
    assert [site.publish_point_release("orchard")[0].version for _ in range(3)] == ["26.04.2", "26.04.3", "26.04.4"]
    listed = digests_in((site.www / "orchard/26.04/SHA256SUMS").read_text())
    assert "orchard-26.04.1-live-server-amd64.iso" in listed
    assert "orchard-26.04.4-live-server-amd64.iso" in listed


def test_a_point_release_leaves_other_folders_alone(site: Site) -> None:
    before = (site.www / "orchard/24.04/SHA256SUMS.gpg").read_bytes()
    site.publish_point_release("orchard")
    assert (site.www / "orchard/24.04/SHA256SUMS.gpg").read_bytes() == before


def test_the_alias_leads_to_the_newest_release(site: Site) -> None:
    assert site.state.aliases()["lantern/lantern-latest.iso"] == "lantern/stable/lantern-2.10.1.iso"
    site.publish_point_release("lantern")
    assert site.state.aliases()["lantern/lantern-latest.iso"] == "lantern/stable/lantern-2.10.2.iso"


def test_a_respin_keeps_name_and_size_and_changes_bytes_digest_and_date(site: Site) -> None:
    path = "orchard/26.04/orchard-26.04.1-live-server-amd64.iso"
    before, dated = (site.www / path).read_bytes(), (site.www / path).stat().st_mtime
    site.respin(path)
    after = (site.www / path).read_bytes()
    assert after != before
    assert len(after) == len(before)
    assert (site.www / path).stat().st_mtime > dated
    sums = (site.www / "orchard/26.04/SHA256SUMS").read_bytes()
    assert digests_in(sums.decode())["orchard-26.04.1-live-server-amd64.iso"] == hashlib.sha256(after).hexdigest()
    assert signer_of(site, sums, (site.www / "orchard/26.04/SHA256SUMS.gpg").read_bytes())[1] == site.key.fingerprint


def test_a_site_is_reused_with_its_key_and_what_was_published_since(site: Site) -> None:
    site.publish_point_release("beacon")
    again = open_site(site.folder)
    assert again.key.fingerprint == site.key.fingerprint
    assert again.state == site.state


def test_a_site_whose_building_was_interrupted_is_built_again(site: Site) -> None:
    expected = site.state.published
    (site.folder / "site.json").unlink()
    (site.www / "orchard/26.10/orchard-26.10-desktop-amd64.iso").unlink()
    assert open_site(site.folder, scale=0.02).state.published == expected
    assert (site.www / "orchard/26.10/orchard-26.10-desktop-amd64.iso").is_file()


def test_an_unknown_vendor_or_path_is_refused_with_what_there_is(site: Site) -> None:
    with pytest.raises(UsageError, match="It has orchard, granite"):
        site.publish_point_release("windows")
    with pytest.raises(UsageError, match="no image at"):
        site.respin("orchard/none.iso")


def test_a_reader_never_sees_a_checksum_of_a_file_that_is_not_there(site: Site) -> None:
    """While one thread publishes, whatever the sums name stands there with that digest."""
    folder, done = site.www / "orchard" / "26.04", threading.Event()

    def publish() -> None:
        for _ in range(4):
            site.publish_point_release("orchard")
        done.set()

    publisher = threading.Thread(target=publish)
    publisher.start()
    readings = list(readings_until(folder, done))
    publisher.join()
    assert [reading for reading in readings if reading] == []
    assert len(readings) > 1


def readings_until(folder: Path, done: threading.Event) -> Iterator[list[str]]:
    """For each reading the names whose file is missing or is not what the sums say; the last one is taken after the end."""
    last = False
    while not last:
        last = done.is_set()
        listed = digests_in((folder / "SHA256SUMS").read_text())
        yield [name for name, digest in listed.items() if digest != digest_of(folder / name)]


def digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def test_the_secret_key_is_kept_from_others_and_is_not_served(site: Site) -> None:
    assert (site.folder / "private" / "key.pgp").stat().st_mode & 0o077 == 0
    assert b"PRIVATE" not in site.key.public
    assert SigningKey.kept_in(site.folder / "private" / "key.pgp").fingerprint == site.key.fingerprint
