from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pysequoia.packet import PacketPile, Tag

from isomanager.catalogue.documents import Located, SavedDocuments
from isomanager.errors import ConfigurationError, ConnectionFailed, Refused
from isomanager.model import Document
from isomanager.trust.certificates import normalised, read_certificates
from isomanager.trust.keyring import Keyring, shipped_keys

KEY_URL = "https://vendor.example/key.asc"
OTHER_URL = "https://elsewhere.example/key.asc"


def saved(tmp_path: Path, **materials: bytes) -> SavedDocuments:
    files = {}
    for name, material in materials.items():
        file = tmp_path / name
        file.write_bytes(material)
        files[{"vendor": KEY_URL, "other": OTHER_URL}[name]] = file
    return SavedDocuments(files)


class Unreachable:
    """A source that never answers."""

    def fetch(self, url: str, *, max_bytes: int = 0) -> Document:
        raise ConnectionFailed(f"No connection to {url}.")

    def locate(self, url: str) -> Located:
        raise ConnectionFailed(f"No connection to {url}.")


def test_every_shipped_key_is_named_by_its_fingerprint_and_has_a_source() -> None:
    sources = (shipped_keys() / "SOURCES.md").read_text(encoding="utf-8")
    files = sorted(shipped_keys().glob("*.asc"))
    assert files
    for file in files:
        (certificate,) = read_certificates(file.read_bytes(), str(file))
        assert certificate.fingerprint == file.stem
        assert f"| {file.stem} |" in sources
    assert sources.count("\n| ") == len(files) + 1


def test_the_debian_and_arch_keys_are_shipped() -> None:
    ring = Keyring([shipped_keys()])
    for fingerprint in ("DF9B9C49EAA9298432589D76DA87E80D6294BE9B", "3E80CA1A8B89F69CBA57D98A76A5EF9054449A5C"):
        assert ring.find(fingerprint) is not None


def test_an_accepted_key_is_saved_by_its_fingerprint_and_found_again(vendor: Any, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    ring = Keyring([shipped_keys(), folder])
    ring.accept(vendor.fingerprint.lower(), str(vendor.cert).encode())
    assert [file.name for file in folder.iterdir()] == [f"{vendor.fingerprint}.asc"]
    assert ring.find(vendor.fingerprint) is not None
    again = Keyring([shipped_keys(), folder])
    assert again.find(vendor.fingerprint) == ring.find(vendor.fingerprint)
    assert again.holder(vendor.fingerprint) is not None


def test_material_of_another_key_is_not_accepted(vendor: Any, stranger: Any, tmp_path: Path) -> None:
    ring = Keyring([tmp_path])
    with pytest.raises(Refused) as caught:
        ring.accept(vendor.fingerprint, stranger.material)
    assert caught.value.code == "foreign-key"
    assert list(tmp_path.iterdir()) == []


def test_only_the_asked_certificate_is_taken_out_of_many(vendor: Any, stranger: Any, tmp_path: Path) -> None:
    ring = Keyring([tmp_path])
    ring.accept(vendor.fingerprint, (str(stranger.cert) + "\n" + str(vendor.cert)).encode())
    assert [one.fingerprint for one in Keyring([tmp_path]).certificates()] == [vendor.fingerprint]


def test_no_secret_key_is_ever_saved(vendor: Any, tmp_path: Path) -> None:
    ring = Keyring([tmp_path])
    ring.accept(vendor.fingerprint, str(vendor.secret).encode())
    assert b"PRIVATE" not in (tmp_path / f"{vendor.fingerprint}.asc").read_bytes()
    material = ring.find(vendor.fingerprint)
    assert material is not None
    assert all(packet.tag not in (Tag.SecretKey, Tag.SecretSubkey) for packet in PacketPile.from_bytes(material))


def test_a_refreshed_key_is_merged_with_our_copy(vendor: Any, tmp_path: Path) -> None:
    ring = Keyring([tmp_path])
    ring.accept(vendor.fingerprint, vendor.material)
    ring.accept(vendor.fingerprint, vendor.material + bytes(vendor.cert.revoke(vendor.secret.certifier())))
    ring.accept(vendor.fingerprint, vendor.material)
    (certificate,) = Keyring([tmp_path]).certificates()
    assert certificate.primary.revoked


def test_the_first_address_that_gives_the_right_key_is_enough(vendor: Any, stranger: Any, tmp_path: Path) -> None:
    documents = saved(tmp_path, other=stranger.material, vendor=vendor.material)
    ring = Keyring([tmp_path / "keys"])
    ring.obtain(vendor.fingerprint, (OTHER_URL, KEY_URL), documents)
    assert ring.find(vendor.fingerprint) is not None
    assert ring.find(stranger.fingerprint) is None


def test_a_key_that_no_address_gives_says_what_each_gave(vendor: Any, stranger: Any, tmp_path: Path) -> None:
    documents = saved(tmp_path, other=stranger.material, vendor=b"<html>gone</html>")
    with pytest.raises(Refused) as caught:
        Keyring([tmp_path / "keys"]).obtain(vendor.fingerprint, (OTHER_URL, KEY_URL), documents)
    assert caught.value.code == "unknown-key"
    assert set(caught.value.data["tried"]) == {OTHER_URL, KEY_URL}


def test_an_address_that_may_answer_later_is_no_final_word(vendor: Any, tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed):
        Keyring([tmp_path]).obtain(vendor.fingerprint, (KEY_URL,), Unreachable())


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.asc").write_text("not a key", encoding="ascii")
    with pytest.raises(ConfigurationError, match=r"broken\.asc"):
        Keyring([tmp_path]).certificates()


def test_other_files_and_interrupted_saves_are_passed_over(vendor: Any, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about", encoding="ascii")
    (tmp_path / ".abc.asc").write_text("half", encoding="ascii")
    (tmp_path / "vendor.gpg").write_bytes(vendor.material)
    assert len(Keyring([tmp_path]).certificates()) == 1


def test_a_keyring_in_memory_saves_nothing(vendor: Any, stranger: Any) -> None:
    with pytest.raises(ConfigurationError, match="in memory"):
        Keyring.of(vendor.material).accept(stranger.fingerprint, stranger.material)


def test_a_folder_that_is_not_there_holds_no_keys(tmp_path: Path) -> None:
    assert Keyring([tmp_path / "none"]).certificates() == ()


def test_fingerprints_are_compared_without_blanks_and_case() -> None:
    assert normalised(" 0xab CD\tef ") == "ABCDEF"
