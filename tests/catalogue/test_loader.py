"""Reading product files, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from isomanager.catalogue.loader import Catalogue, load_catalogue, load_product
from isomanager.errors import CatalogueError, ResolveError

GOOD = """
id = "tiny"
name = "Tiny OS"
family = "linux"
aliases = ["TinyOS 2"]

[[offers]]
strategy = "checksums"
file = 'tiny-(?P<version>[\\d.]+)\\.iso'
steps = [{ url = "https://tiny.example/SHA256SUMS" }]
"""


def written(folder: Path, text: str, name: str = "tiny.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_one_product_is_found_by_its_id_without_reading_the_others() -> None:
    catalogue = load_catalogue()
    found, none = catalogue.by_id("debian"), catalogue.by_id("nobody-made-this")
    assert (found.id if found else "", none) == ("debian", None)
    assert "products" not in vars(catalogue)
    assert found in catalogue.products
    assert catalogue.by_id("debian") == found


def test_a_users_product_joins_the_bundled_ones(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    catalogue = load_catalogue([tmp_path])
    assert catalogue.product("tiny-os").id == "tiny"
    assert catalogue.product("ubuntu").id == "ubuntu"


def test_a_users_product_replaces_the_bundled_one_of_its_id(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace('"tiny"', '"ubuntu"'), "ubuntu.toml")
    assert load_catalogue([tmp_path]).product("ubuntu").name == "Tiny OS"


@pytest.mark.parametrize("name", ["Arch", "ARCHLINUX", "arch_linux", "Arch Linux", "arch-linux"])
def test_a_product_is_found_by_any_spelling(catalogue: Catalogue, name: str) -> None:
    assert catalogue.product(name).id == "archlinux"


def test_an_unknown_product_is_told_the_nearest_names(catalogue: Catalogue) -> None:
    with pytest.raises(ResolveError) as refused:
        catalogue.product("ubunto")
    assert refused.value.code == "unknown-product"
    assert "ubuntu" in refused.value.hint


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (('family = "linux"', 'family = "linus"'), "family", "is wrong"),
        (('name = "Tiny OS"\n', ""), "name", "is missing"),
        (("strategy =", "strategie ="), "offers.1.strategy", "is missing"),
        (('id = "tiny"', 'id = "tiny"\ncolour = "red"'), "colour", "not a field"),
        (('"checksums"', '"guess"'), "offers.1.strategy", "is wrong"),
        (("https://", "http://"), "the whole file", "use https"),
        (("(?P<version>[\\d.]+)", "(?P<version>(?=x))"), "pattern", "not valid"),
        (('"tiny"', '"huge"'), "id", "file is called"),
        (('id = "tiny"', 'id = "tiny'), "", "not valid TOML"),
        (("[[offers]]", '[flavors.a]\nsize = ["1 parsec", "2GiB"]\n[[offers]]'), "flavors.a.size.1", "not a size"),
        (("[[offers]]", '[[proof]]\nkeys = ["DEADBEEF"]\n[[offers]]'), "proof.1.keys.1", "fingerprint"),
        (("strategy = ", 'select = "a["\nstrategy = '), "select", "JMESPath"),
        (('family = "linux"', 'family = "linux"\nchannels = ["lts"]'), "the whole file", "version.lts"),
    ],
)
def test_a_wrong_file_is_told_where_and_why(tmp_path: Path, change: tuple[str, str], field: str, words: str) -> None:
    file = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(CatalogueError) as refused:
        load_product(file)
    assert refused.value.data["field"] == field
    assert words in refused.value.message
    assert str(file) in refused.value.message


def test_an_unreadable_file_is_a_catalogue_error(tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_product(file)


@pytest.mark.parametrize(
    ("told", "field", "there_is"),
    [
        (
            "mirrors = [{ replaces = 'https://tiny.example/', base = 'https://m.example/{nope}/' }]",
            "mirrors.1.base",
            "plain",
        ),
        ("mirrors = [{ replaces = 'https://{host}/', base = 'https://m.example/' }]", "mirrors.1.replaces", "plain"),
        ("zsync = '{url}{nope}'", "zsync", "{url}"),
        ("zsync = '{url}{}'", "zsync", "{url}"),
        ("proof = [{ document = '{folder}{nope}' }]", "proof.1.document", "{folder}"),
        (
            "proof = [{ document = '{sums}', keys = '"
            + 40 * "A"
            + "', signature = { kind = 'openpgp', url = '{nope}' } }]",
            "proof.1.signature.url",
            "{document}",
        ),
    ],
)
def test_a_name_that_nothing_fills_is_told_when_the_file_is_read(
    tmp_path: Path, told: str, field: str, there_is: str
) -> None:
    file = written(tmp_path, GOOD.replace("\n[[offers]]", f"{told}\n[[offers]]"))
    with pytest.raises(CatalogueError) as refused:
        load_product(file)
    assert refused.value.data["field"] == field
    assert there_is in refused.value.hint


@pytest.mark.parametrize(
    "line", ['url = "https://tiny.example/{nope}"', 'sums = "{nope}"', 'torrent = { url = "{nope}" }']
)
def test_an_entry_may_name_its_own_groups_and_nothing_unheard_of(tmp_path: Path, line: str) -> None:
    good = GOOD.replace("tiny-(?P<version>", "(?P<kind>tiny)-(?P<version>")
    assert load_product(written(tmp_path, good + line.replace("nope", "kind"))).id == "tiny"
    with pytest.raises(CatalogueError, match="nope") as refused:
        load_product(written(tmp_path, good + line))
    assert "{kind}" in refused.value.hint


def test_a_step_knows_nothing_of_the_file_that_it_leads_to(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as refused:
        load_product(written(tmp_path, GOOD.replace("/SHA256SUMS", "/{folder}/SHA256SUMS")))
    assert refused.value.data["field"] == "offers.1.steps.1.url"
    assert "{arch}" in refused.value.hint
