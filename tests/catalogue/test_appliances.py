"""What appliances and rescue systems need beyond a document for each: redirects, levels of an API, proofs, builds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isomanager.catalogue.loader import Catalogue, read_product
from isomanager.catalogue.matching import canonical, selects
from isomanager.catalogue.resolve import resolve
from isomanager.errors import FetchRefused, ResolveError
from isomanager.model import Offer, Selector, SignatureKind
from isomanager.version import Version

BUILT = Path(__file__).parent.parent / "documents" / "catalogue"
CASES: list[dict[str, Any]] = json.loads((BUILT / "cases-appliances.json").read_text(encoding="utf-8"))
VIRTIO = "https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/"
GITHUB = "https://api.github.com/repos/o/tool/releases"

TOOL = """
id = "tool"
name = "Tool"
family = "custom"
file = 'tool\\.iso'
channels = ["stable", "preview"]
[[offers]]
strategy = "api"
steps = [{ url = "https://api.github.com/repos/o/tool/releases" }]
select = "[@][] | [?!draft]"
each = "assets"
fields = { file = "name", url = "browser_download_url", digest = "digest", prerelease = "parent.prerelease" }
address = 'https://github\\.com/o/tool/releases/download/v(?P<version>\\d+\\.\\d+)/.*'
[[proof]]
"""

STREAM = """
id = "stream"
name = "Stream"
family = "custom"
file = 'images/(?:.*)|noble-(?P<kind>server)-cloudimg-amd64\\.iso'
[[offers]]
strategy = "api"
steps = [{ url = "https://images.example/streams/v1/images.json" }]
select = "[@]"
each = ["products", "versions", "items"]
fields = { file = "path", place = "path", version = "parent.key", arch = "parent.parent.arch", sha256 = "sha256", size = "size" }
url = "https://images.example/{place}"
[[proof]]
"""


def release(tag: str, digest: str | None, *, pre: bool = False, draft: bool = False) -> dict[str, Any]:
    url = f"https://github.com/o/tool/releases/download/{tag}/tool.iso"
    asset = {"name": "tool.iso", "browser_download_url": url, "digest": digest}
    return {"tag_name": tag, "prerelease": pre, "draft": draft, "assets": [asset]}


def test_a_github_asset_has_its_release_s_version_and_its_own_digest(texts: Callable[..., Any]) -> None:
    listed = [
        release("v1.9", f"sha256:{'9' * 64}"),
        release("v1.10", f"SHA256:{'A' * 64}"),
        release("v1.12", f"sha256:{'c' * 64}", draft=True),
        release("v1.11", f"sha256:{'b' * 64}", pre=True),
    ]
    tool, upstream = read_product(TOOL, "tool.toml"), texts({GITHUB: json.dumps(listed)})
    (offer,) = resolve(tool, Selector.parse("tool"), upstream)
    assert (str(offer.title.version), offer.digests) == ("1.10", {"sha256": "a" * 64})
    (offer,) = resolve(tool, Selector.parse("tool@preview"), upstream)
    assert str(offer.title.version) == "1.11"
    with pytest.raises(ResolveError) as refused:
        resolve(tool, Selector.parse("tool@1.11"), upstream)
    assert refused.value.code == "beta-only"


def test_one_release_answers_like_a_list_of_one_and_an_asset_may_have_no_digest(texts: Callable[..., Any]) -> None:
    (offer,) = resolve(
        read_product(TOOL, "tool.toml"), Selector.parse("tool"), texts({GITHUB: json.dumps(release("v1.9", None))})
    )
    assert (str(offer.title.version), offer.digests, offer.proofs) == ("1.9", {}, ())


def test_an_asset_of_another_place_is_not_taken(texts: Callable[..., Any]) -> None:
    foreign = release("v1.9", None)
    foreign["assets"][0]["browser_download_url"] = "https://evil.example/o/tool/releases/download/v9.9/tool.iso"
    with pytest.raises(ResolveError):
        resolve(read_product(TOOL, "tool.toml"), Selector.parse("tool"), texts({GITHUB: json.dumps(foreign)}))


def test_simplestreams_are_read_three_levels_down(texts: Callable[..., Any]) -> None:
    def item(digest: str) -> dict[str, Any]:
        return {"ftype": "iso", "path": "noble/noble-server-cloudimg-amd64.iso", "sha256": digest * 64, "size": 1}

    stream = {
        "format": "products:1.0",
        "products": {
            "com.example:noble:amd64": {
                "arch": "amd64",
                "versions": {"20240423": {"items": {"i": item("a")}}, "20250101.1": {"items": {"i": item("b")}}},
            },
            "com.example:noble:arm64": {"arch": "arm64", "versions": {"20260101": {"items": {"i": item("c")}}}},
        },
    }
    upstream = texts({"https://images.example/streams/v1/images.json": json.dumps(stream)})
    (offer,) = resolve(read_product(STREAM, "stream.toml"), Selector.parse("stream"), upstream)
    assert (str(offer.title.version), offer.digests["sha256"]) == ("20250101.1", "b" * 64)
    assert offer.urls == ("https://images.example/noble/noble-server-cloudimg-amd64.iso",)


def test_a_moving_address_is_resolved_to_the_release_it_leads_to(
    catalogue: Catalogue, texts: Callable[..., Any]
) -> None:
    target = f"{VIRTIO}archive-virtio/virtio-win-0.1.285-1/virtio-win-0.1.285.iso"
    upstream = texts({f"{VIRTIO}stable-virtio/virtio-win.iso": target})
    (offer,) = resolve(catalogue.product("virtio-win"), Selector.parse("virtio-win"), upstream)
    assert (offer.filename, str(offer.title.version), offer.urls[0]) == ("virtio-win-0.1.285.iso", "0.1.285-1", target)
    assert offer.pinned["sha256"].startswith("e14cf2b9")
    with pytest.raises(ResolveError):
        resolve(
            catalogue.product("virtio-win"),
            Selector.parse("virtio-win"),
            texts({f"{VIRTIO}stable-virtio/virtio-win.iso": "https://fedorapeople.org/maintenance.iso"}),
        )


def built_offer(catalogue: Catalogue, texts: Callable[..., Any], selector: str) -> Offer:
    case = next(case for case in CASES if case["selector"] == selector)
    documents = {url: (BUILT / file).read_bytes() for url, file in case["documents"].items()}
    wanted = Selector.parse(selector, architectures=(case["arch"],) if case["arch"] else ())
    (offer,) = resolve(catalogue.product(wanted.product), wanted, texts(documents))
    return offer


@pytest.mark.parametrize(
    ("selector", "kind", "over", "key"),
    [
        ("pbs", SignatureKind.OPENPGP, "document", "24B30F06ECC1836A4E5EFECBA7BCD1420BFE778E"),
        ("truenas", SignatureKind.OPENPGP, "file", "C8D62DEF767C1DB0DFF4E6EC358EAA9112CF7946"),
        ("flatcar", SignatureKind.OPENPGP, "file", "F88CFEDEFF29A5B4D9523864E25D9AED0593B34A"),
        ("security-onion", SignatureKind.OPENPGP, "file", "C804A93D36BE0C733EA196447C1060B7FE507013"),
        ("clonezilla", SignatureKind.OPENPGP, "document", "54C0821A48715DAFD61BFCAF667857D045599AFD"),
        ("gparted-live", SignatureKind.OPENPGP, "document", "EB1DD5BF6F88820BBCF5356C8E94C9CD163E3FB0"),
        ("systemrescue", SignatureKind.OPENPGP, "file", "0FF11AF081E98345594812037091115F8320B897"),
    ],
)
def test_what_upstream_signs_is_pinned_to_its_key(
    catalogue: Catalogue, texts: Callable[..., Any], selector: str, kind: SignatureKind, over: str, key: str
) -> None:
    offer = built_offer(catalogue, texts, selector)
    signed = [proof for proof in offer.proofs if proof.signature is not None]
    assert [(proof.signature.kind, proof.signature.over) for proof in signed if proof.signature] == [(kind, over)]
    assert key in signed[0].signers


def test_what_mirrors_serve_proves_nothing_by_being_served(catalogue: Catalogue, texts: Callable[..., Any]) -> None:
    for selector in ("ubcd", "supergrub2", "dban", "clonezilla"):
        assert not built_offer(catalogue, texts, selector).served_assurance
    assert built_offer(catalogue, texts, "truenas").served_assurance


def test_packed_images_say_how_they_are_packed_and_disk_images_are_no_isos(
    catalogue: Catalogue, texts: Callable[..., Any]
) -> None:
    packings = {
        selector: built_offer(catalogue, texts, selector).packing for selector in ("opnsense", "pfsense", "haos")
    }
    assert {selector: packing.kind for selector, packing in packings.items() if packing} == {
        "opnsense": "bz2",
        "pfsense": "gz",
        "haos": "xz",
    }
    case = next(case for case in CASES if case["selector"] == "shredos")
    documents = texts({url: (BUILT / file).read_bytes() for url, file in case["documents"].items()})
    (offer,) = resolve(catalogue.product("shredos"), Selector.parse("shredos"), documents)
    assert offer.filename.endswith(".iso")


def test_a_constant_file_name_is_kept_with_its_version(catalogue: Catalogue, texts: Callable[..., Any]) -> None:
    kept = {
        selector: built_offer(catalogue, texts, selector).save_as for selector in ("talos", "netboot.xyz", "hirens")
    }
    assert kept == {
        "talos": "talos-1.14.2-metal-amd64.iso",
        "netboot.xyz": "netboot.xyz-3.0.3.iso",
        "hirens": "HBCD_PE_1.0.10_x64.iso",
    }


def test_a_build_need_not_be_named(catalogue: Catalogue, texts: Callable[..., Any]) -> None:
    title = built_offer(catalogue, texts, "clonezilla@3.1.2").title
    assert str(title.version) == "3.1.2-22"
    clonezilla = catalogue.product("clonezilla")
    named = canonical(clonezilla, Selector.parse("clonezilla@3.1.2"))
    assert selects(clonezilla, named, title)
    assert not selects(clonezilla, named, title.model_copy(update={"version": Version("3.1.20-2")}))


@pytest.mark.parametrize("case", [case for case in CASES if case["documents"]], ids=lambda case: case["selector"])
def test_a_captive_portal_in_place_of_every_document_is_an_error(
    case: dict[str, Any], catalogue: Catalogue, texts: Callable[..., Any]
) -> None:
    portal = "<!DOCTYPE html><html><body><h1>Sign in to Wi-Fi</h1><a href='/login'>Log in</a></body></html>"
    selector = Selector.parse(case["selector"], architectures=(case["arch"],) if case["arch"] else ())
    with pytest.raises((FetchRefused, ResolveError)) as refused:
        resolve(catalogue.product(selector.product), selector, texts(dict.fromkeys(case["documents"], portal)))
    assert refused.value.code in ("html-instead", "manual", "bad-data")
