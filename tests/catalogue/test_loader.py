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
