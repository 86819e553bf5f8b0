"""Resolving: which answer is taken, which is refused, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from isomanager.catalogue.loader import Catalogue, read_product
from isomanager.catalogue.product import Product
from isomanager.catalogue.resolve import resolve
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError, ServerBusy
from isomanager.model import Offer, Selector

HOST = "https://tiny.example/"
BASE = """
id = "tiny"
name = "Tiny OS"
family = "linux"
channels = ["stable", "previous", "preview", "lts"]
architectures = ["x86_64", "aarch64"]
file = 'tiny-(?P<version>[\\w.]+(?:-(?:rc|beta)\\d*)?)(?P<alias>-latest)?-(?P<arch>amd64|arm64)\\.(?:iso|img)'

[version]
series = 2
lts = '\\d*[02468]\\.04(?:\\.\\d+)*'
"""
FLAT = """
[flavors.vanilla]
size = ["1MiB", "1GiB"]
[[offers]]
strategy = "checksums"
steps = [{ url = "https://tiny.example/SHA256SUMS" }]
[[proof]]
document = "{sums}"
signature = { kind = "openpgp", url = "{document}.gpg" }
[proof.keys_by.series]
"24.04" = "843938DF228D22F7B3742BC0D94AA3F0EFE21092"
"""
DEEP = """
[[offers]]
strategy = "checksums"
steps = [
  { url = "https://tiny.example/", pick = '(?P<series>\\d+\\.\\d+)/', direct = '(?P<series>\\d+\\.\\d+)(?:\\.\\d+)*' },
  { url = "{series}/SHA256SUMS" },
]
[[offers]]
strategy = "checksums"
archive = true
steps = [
  { url = "https://old.tiny.example/", pick = '(?P<series>\\d+\\.\\d+)/', direct = '(?P<series>\\d+\\.\\d+)(?:\\.\\d+)*' },
  { url = "{series}/SHA256SUMS" },
]
"""


def product(*pieces: str) -> Product:
    return read_product(BASE + "".join(pieces), "tiny.toml")


def sums(*names: str) -> str:
    return "".join(f"{place:064x}  {name}\n" for place, name in enumerate(names))


def index(*names: str) -> str:
    return "<h1>Index of /</h1>" + "".join(f'<a href="{name}">{name}</a>' for name in names)


def answer(of: Product, text: str, upstream: Any, **more: Any) -> Offer:
    (offer,) = resolve(of, Selector.parse(text, **more), upstream)
    return offer


def code_of(of: Product, text: str, upstream: Any, **more: Any) -> str:
    with pytest.raises(IsoManagerError) as refused:
        resolve(of, Selector.parse(text, **more), upstream)
    return refused.value.code


NAMES = (
    "tiny-24.04-amd64.iso",
    "tiny-24.04.9-amd64.iso",
    "tiny-24.04.10-amd64.iso",
    "tiny-24.10-rc1-amd64.iso",
    "tiny-24.04.11-arm64.iso",
)


def test_the_order_of_a_document_never_decides(texts: Any) -> None:
    for names in permutations(NAMES):
        assert (
            answer(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": sums(*names)})).filename
            == "tiny-24.04.10-amd64.iso"
        )


def test_the_newest_is_found_for_each_architecture(texts: Any) -> None:
    upstream = texts({HOST + "SHA256SUMS": sums(*NAMES)})
    offers = resolve(product(FLAT), Selector.parse("tiny", architectures=("amd64", "arm64")), upstream)
    assert [(offer.title.architecture, str(offer.title.version)) for offer in offers] == [
        ("x86_64", "24.04.10"),
        ("aarch64", "24.04.11"),
    ]
    assert len(upstream.asked) == 1


def test_a_pre_release_is_taken_only_when_it_is_asked_for(texts: Any) -> None:
    upstream = texts({HOST + "SHA256SUMS": sums(*NAMES)})
    assert str(answer(product(FLAT), "tiny@preview", upstream).title.version) == "24.10-rc1"
    assert str(answer(product(FLAT), "tiny@24.10-rc1", upstream).title.version) == "24.10-rc1"
    assert code_of(product(FLAT), "tiny@24.10", upstream) == "beta-only"


def test_channels_select_by_the_products_own_rule(texts: Any) -> None:
    names = ("tiny-22.04.5-amd64.iso", "tiny-24.04.1-amd64.iso", "tiny-24.10-amd64.iso", "tiny-25.04-amd64.iso")
    upstream = texts({HOST + "SHA256SUMS": sums(*names)})
    told = {
        channel: str(answer(product(FLAT), f"tiny@{channel}", upstream).title.version)
        for channel in ("lts", "previous", "latest")
    }
    assert told == {"lts": "24.04.1", "previous": "24.10", "latest": "25.04"}


@pytest.mark.parametrize(
    ("text", "code"),
    [("tiny@daily", "unknown-channel"), ("tiny/server", "unknown-flavor"), ("tiny@9", "not-found")],
)
def test_what_the_product_does_not_have_is_refused_with_what_it_has(texts: Any, text: str, code: str) -> None:
    with pytest.raises(ResolveError) as refused:
        resolve(product(FLAT), Selector.parse(text), texts({HOST + "SHA256SUMS": sums(*NAMES)}))
    assert refused.value.code == code
    assert any(there in refused.value.hint for there in ("stable, previous", "vanilla", "24.04.10"))


def test_an_architecture_the_product_does_not_come_for_is_refused(texts: Any) -> None:
    assert code_of(product(FLAT), "tiny", texts({}), architectures=("s390x",)) == "not-found"


def test_an_image_of_an_impossible_size_is_implausible(texts: Any) -> None:
    text = f"# tiny-24.04-amd64.iso: 900 bytes\nSHA256 (tiny-24.04-amd64.iso) = {'a' * 64}\n"
    assert code_of(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": text})) == "implausible"


def test_what_is_no_iso_is_named_as_such(texts: Any) -> None:
    assert code_of(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": sums("tiny-24.04-amd64.img")})) == "not-an-iso"


def test_an_alias_gives_way_to_the_real_name_with_the_same_digest(texts: Any) -> None:
    real, alias = "tiny-24.04.2-amd64.iso", "tiny-24.04-latest-amd64.iso"
    text = f"{'a' * 64}  {alias}\n{'a' * 64}  {real}\n"
    assert answer(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": text})).filename == real
    assert answer(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": f"{'a' * 64}  {alias}\n"})).filename == alias


def test_two_files_that_fit_equally_well_are_ambiguous(texts: Any) -> None:
    text = sums("tiny-24.04-amd64.iso", "tiny-24.4-amd64.iso")
    assert code_of(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": text})) == "ambiguous"


def test_the_proof_names_document_signature_and_the_keys_of_the_series(texts: Any) -> None:
    offer = answer(product(FLAT), "tiny@24.04.9", texts({HOST + "SHA256SUMS": sums(*NAMES)}))
    (proof,) = offer.proofs
    assert (proof.document, proof.entry) == (HOST + "SHA256SUMS", "tiny-24.04.9-amd64.iso")
    assert proof.signature is not None
    assert proof.signature.url == HOST + "SHA256SUMS.gpg"
    assert proof.signers == ("843938DF228D22F7B3742BC0D94AA3F0EFE21092",)


def test_a_signature_without_a_pinned_key_is_not_pretended_to_prove(texts: Any) -> None:
    offer = answer(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": sums("tiny-25.04-amd64.iso")}))
    assert [(proof.signature, proof.signers) for proof in offer.proofs] == [(None, ())]


def test_a_named_version_needs_no_upper_listing(texts: Any) -> None:
    upstream = texts({HOST + "24.04/SHA256SUMS": sums(*NAMES)})
    assert answer(product(DEEP), "tiny@24.04.9", upstream).filename == "tiny-24.04.9-amd64.iso"
    assert upstream.asked == [HOST + "24.04/SHA256SUMS"]


def test_a_directory_counts_only_when_the_file_is_there(texts: Any) -> None:
    table = {
        HOST: index("24.04/", "24.10/", "25.04/", "25.10/"),
        HOST + "25.10/SHA256SUMS": sums("tiny-25.10-beta-amd64.iso"),
        HOST + "24.10/SHA256SUMS": sums("tiny-24.10-amd64.iso"),
    }
    assert str(answer(product(DEEP), "tiny", texts(table)).title.version) == "24.10"
    assert code_of(product(DEEP), "tiny@25.10", texts(table)) == "no-release"


def test_an_archive_never_answers_for_the_newest(texts: Any) -> None:
    table = {
        HOST: index("24.04/"),
        "https://old.tiny.example/": index("22.04/"),
        "https://old.tiny.example/22.04/SHA256SUMS": sums("tiny-22.04-amd64.iso"),
    }
    assert code_of(product(DEEP), "tiny", texts(table)) == "http-status"
    assert str(answer(product(DEEP), "tiny@22.04", texts(table)).title.version) == "22.04"


@pytest.mark.parametrize(
    "broken",
    ["<html>Sign in</html>", "", FetchRefused("no", code="http-status", status=403)],
    ids=["captive portal", "empty", "forbidden"],
)
def test_an_archive_never_answers_for_a_broken_upstream(texts: Any, broken: Any) -> None:
    table: Mapping[str, Any] = {
        HOST + "24.04/SHA256SUMS": broken,
        "https://old.tiny.example/24.04/SHA256SUMS": sums("tiny-24.04.1-amd64.iso"),
    }
    upstream = texts(table)
    assert code_of(product(DEEP), "tiny@24.04", upstream) in ("html-instead", "no-checksums", "http-status")
    assert not any("old." in url for url in upstream.asked)


def test_a_transient_error_is_raised_as_it_is(texts: Any) -> None:
    upstream = texts(
        {
            HOST: index("24.04/", "24.10/"),
            HOST + "24.10/SHA256SUMS": ServerBusy("later"),
            HOST + "24.04/SHA256SUMS": sums(*NAMES),
        }
    )
    with pytest.raises(ServerBusy):
        resolve(product(DEEP), Selector.parse("tiny"), upstream)


def test_the_error_says_what_every_entry_said(texts: Any) -> None:
    with pytest.raises(IsoManagerError) as refused:
        resolve(product(DEEP), Selector.parse("tiny@23.04"), texts({HOST: index("24.04/")}))
    assert any("old.tiny.example" in told for told in refused.value.data["tried"])


def test_upstream_cannot_lead_away_from_https(texts: Any) -> None:
    rows = '[{"v": "1.0", "u": "http://evil.example/tiny-1.0-amd64.iso"}]'
    entry = '[[offers]]\nstrategy = "api"\nselect = "[]"\nfields = { url = "u" }\nsteps = [{ url = "https://tiny.example/api" }]\n'
    assert code_of(product(entry), "tiny", texts({HOST + "api": rows})) == "implausible"


def test_an_oversized_document_is_refused(texts: Any) -> None:
    assert code_of(product(FLAT), "tiny", texts({HOST + "SHA256SUMS": "#" * ((16 << 20) + 1)})) == "too-large"


def test_a_redirect_reveals_the_real_name(texts: Any) -> None:
    entry = '[[offers]]\nstrategy = "redirect"\nsteps = [{ url = "https://tiny.example/latest.iso" }]\n'
    upstream = texts({HOST + "latest.iso": "https://cdn.tiny.example/24.04/tiny-24.04.3-amd64.iso"})
    offer = answer(product(entry), "tiny", upstream)
    assert (offer.filename, str(offer.title.version)) == ("tiny-24.04.3-amd64.iso", "24.04.3")


def test_a_fixed_address_carries_its_pinned_digest(texts: Any) -> None:
    entry = f'[[offers]]\nstrategy = "fixed"\nversion = "2.3.0"\nfile = "tiny\\\\.iso"\nurl = "https://tiny.example/tiny.iso"\n[known."tiny.iso"]\nsha256 = "{"a" * 64}"\nsize = "2MiB"\n'
    offer = answer(product(entry), "tiny", texts({}))
    assert (offer.filename, str(offer.title.version), offer.pinned, offer.size) == (
        "tiny.iso",
        "2.3.0",
        {"sha256": "a" * 64},
        2 << 20,
    )


def test_a_manual_product_says_how_it_is_got(texts: Any) -> None:
    entry = '[[offers]]\nstrategy = "manual"\nfacts = "Log in and download it."\n'
    with pytest.raises(ResolveError) as refused:
        resolve(product(entry), Selector.parse("tiny"), texts({}))
    assert (refused.value.code, refused.value.hint) == ("manual", "Log in and download it.")


def test_a_file_of_which_there_is_only_a_torrent_is_said_to_be_so(texts: Any) -> None:
    entry = '[[offers]]\nstrategy = "listing"\nsteps = [{ url = "https://tiny.example/" }]\n'
    upstream = texts({HOST: index("tiny-24.04-amd64.iso.torrent")})
    assert code_of(product(entry), "tiny", upstream) == "torrent-only"


def test_an_older_series_may_have_an_epoch(texts: Any) -> None:
    of = read_product(BASE.replace("[version]", "[version]\nepoch = { '42\\..*' = -1 }") + FLAT, "tiny.toml")
    upstream = texts({HOST + "SHA256SUMS": sums("tiny-42.3-amd64.iso", "tiny-15.6-amd64.iso")})
    assert str(answer(of, "tiny", upstream).title.version) == "15.6"


def test_mirrors_are_further_addresses_of_the_same_file(texts: Any) -> None:
    mirror = '[[mirrors]]\nreplaces = "https://tiny.example/"\nbase = "https://mirror.example/tiny/"\n'
    offer = answer(product(FLAT, mirror), "tiny@24.04.9", texts({HOST + "SHA256SUMS": sums(*NAMES)}))
    assert offer.urls == (HOST + "tiny-24.04.9-amd64.iso", "https://mirror.example/tiny/tiny-24.04.9-amd64.iso")


def test_saved_documents_stand_for_the_listings_above_them(catalogue: Catalogue, tmp_path: Any) -> None:
    from isomanager.catalogue.documents import SavedDocuments

    file = tmp_path / "sums"
    file.write_text(sums("ubuntu-24.04.5-live-server-amd64.iso"))
    documents = SavedDocuments({"https://releases.ubuntu.com/24.04/SHA256SUMS": file})
    (offer,) = resolve(catalogue.product("ubuntu"), Selector.parse("ubuntu/server"), documents)
    assert offer.filename == "ubuntu-24.04.5-live-server-amd64.iso"
