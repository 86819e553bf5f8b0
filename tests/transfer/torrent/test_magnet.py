import base64

import libtorrent
import pytest

from isomanager.errors import UsageError
from isomanager.transfer.torrent.magnet import is_magnet, read_magnet

V1, V2 = "ab" * 20, "cd" * 32


def test_a_magnet_tells_identity_name_trackers_and_peers() -> None:
    found = read_magnet(
        f"magnet:?xt=urn:btih:{V1.upper()}&dn=tiny+os.iso&tr=udp%3A%2F%2Ft.example%3A1&tr.1=https://u.example/a"
        "&x.pe=192.0.2.1:6881&x.pe=[2001:db8::1]:7&x.pe=nonsense&x.pe=h:0"
    )
    assert (found.info_hash, found.name) == (V1, "tiny os.iso")
    assert found.trackers == ("udp://t.example:1", "https://u.example/a")
    assert found.peers == (("192.0.2.1", 6881), ("2001:db8::1", 7))


def test_every_spelling_of_the_identity_is_read() -> None:
    base32 = base64.b32encode(bytes.fromhex(V1)).decode()
    for text in (
        V1,
        f" {V1.upper()} ",
        f"magnet:?xt=urn:btih:{base32}",
        f"magnet:?xt=urn:btmh:1220{V2}&xt=urn:btih:{V1}",
    ):
        assert read_magnet(text).info_hash == V1
    assert read_magnet(f"magnet:?xt=urn:btmh:1220{V2}").info_hash == V2


@pytest.mark.parametrize("info_hash", [V1, V2])
def test_its_own_address_is_one_that_libtorrent_reads(info_hash: str) -> None:
    hashes = libtorrent.parse_magnet_uri(read_magnet(info_hash).address).info_hashes
    assert info_hash in (str(hashes.v1), str(hashes.v2))


@pytest.mark.parametrize(
    "text", ["", "magnet:", "magnet:?dn=x", "magnet:?xt=urn:btih:zz", "x" * 40, "magnet:?" + "a" * 20_000]
)
def test_what_names_no_torrent_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        read_magnet(text)


def test_only_what_begins_like_one_is_meant_as_one() -> None:
    assert is_magnet("MAGNET:?xt=")
    assert not is_magnet("https://magnet.example/")
