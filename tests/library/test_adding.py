"""Product files of the user's own: checked before they are kept, tried after."""

from __future__ import annotations

import json

import pytest

from isomanager.catalogue.drafting import Draft
from isomanager.errors import CatalogueError, UsageError
from isomanager.library.adding import add_product, definition, draft_definition, remove_product
from isomanager.library.opening import Library
from isomanager.library.resolving import resolve_selector
from isomanager.library.surveying import examine
from isomanager.model import Assurance, Expectation, Selector
from isomanager.sample.upstream import SampleUpstream

TINY = {
    "id": "tiny",
    "name": "Tiny",
    "family": "custom",
    "homepage": None,
    "file": r"tiny-(?P<version>[\d.]+)\.iso",
    "offers": [{"strategy": "listing", "steps": [{"url": "https://tiny.example/"}]}],
}


@pytest.mark.parametrize(
    ("image", "checksums", "signature", "like", "assurance"),
    [
        ("beacon/iso/beacon-ve_9.2-1.iso", "beacon/iso/SHA256SUMS", "", "sample-beacon", Assurance.MIRROR),
        (
            "orchard/26.04/orchard-26.04.1-live-server-amd64.iso",
            "orchard/26.04/SHA256SUMS",
            "orchard/26.04/SHA256SUMS.gpg",
            "sample-orchard/server",
            Assurance.SIGNED,
        ),
        (
            "lantern/stable/lantern-2.9.4.iso",
            "lantern/stable/lantern-2.9.4.iso.sha256",
            "",
            "sample-lantern",
            Assurance.MIRROR,
        ),
    ],
    ids=["flat", "signed, in folders", "a digest beside each"],
)
def test_a_few_answers_make_a_product_that_resolves(
    library: Library,
    upstream: SampleUpstream,
    image: str,
    checksums: str,
    signature: str,
    like: str,
    assurance: Assurance,
) -> None:
    draft = Draft(
        id="mine",
        example=f"{upstream.url}/{image}",
        checksums=f"{upstream.url}/{checksums}",
        signature=f"{upstream.url}/{signature}" if signature else "",
        key=upstream.key_fingerprint if signature else "",
    )
    library.keyring.accept(upstream.key_fingerprint, upstream.site.key.public)
    add_product(library, draft_definition(draft), "the answers")
    (ours,), (theirs,) = (resolve_selector(library, Selector.parse(one)) for one in ("mine", like))
    assert isinstance(ours, Expectation)
    assert ours.offer.filename == theirs.offer.filename
    assert ours.assurance is assurance
    assert examine(library, Selector(product="mine")).health.status == "unconfirmed"


def test_json_is_kept_as_toml(library: Library) -> None:
    added = add_product(library, definition(json.dumps(TINY), "tiny.json"), "tiny.json")
    assert added.file == str(library.settings.own_products / "tiny.toml")
    assert library.catalogue.product("Tiny").id == "tiny"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"family": "linus"}, "family", "is wrong"),
        ({"offers": []}, "the whole file", "needs offers"),
        ({"colour": "red"}, "colour", "not a field"),
        ({"file": "(?P<version"}, "pattern", "not valid"),
        ({"name": "Debian"}, "name", "already a name of"),
        ({"aliases": ["sample-beacon"]}, "aliases", "already a name of"),
    ],
)
def test_a_wrong_definition_is_told_field_and_reason_and_is_not_kept(
    library: Library, change: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(CatalogueError, match=r"tiny\.json") as refused:
        add_product(library, definition(json.dumps(TINY | change), "tiny.json"), "tiny.json")
    assert refused.value.data["field"] == field
    assert words in refused.value.message
    assert not library.settings.own_products.exists()


def test_what_is_no_json_is_told_where(library: Library) -> None:
    with pytest.raises(CatalogueError, match="line 1, column 8"):
        definition('{"id": }', "tiny.json")


def test_ones_own_product_is_replaced_only_when_that_is_said(library: Library) -> None:
    text = definition(json.dumps(TINY), "tiny.json")
    assert add_product(library, text, "tiny.json").replaces == ""
    with pytest.raises(UsageError, match="already") as refused:
        add_product(library, text, "tiny.json")
    assert "--force" in refused.value.hint
    assert add_product(library, text, "tiny.json", replace=True).replaces == "your own earlier one"


def test_a_bundled_product_may_be_replaced_and_comes_back_when_that_is_removed(library: Library) -> None:
    bundled = library.catalogue.product("debian")
    text = definition(json.dumps(TINY | {"id": "debian", "name": "My Debian"}), "debian.json")
    assert add_product(library, text, "debian.json").replaces == f"the bundled {bundled.name}"
    assert library.catalogue.product("debian").name == "My Debian"
    remove_product(library, "debian")
    assert library.catalogue.product("debian") == bundled


def test_a_bundled_product_cannot_be_removed(library: Library) -> None:
    with pytest.raises(UsageError, match="not a product that you added"):
        remove_product(library, "debian")


def test_a_product_of_ones_own_that_cannot_be_read_any_more_can_be_removed(library: Library) -> None:
    file = library.settings.own_products / "broken.toml"
    file.parent.mkdir(parents=True)
    file.write_text("id = ")
    with pytest.raises(CatalogueError):
        _ = library.catalogue
    assert remove_product(library, "broken") == file
    assert library.catalogue.products
