"""Reads product files: those the package brings, and the user's own in the same format."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.patterns import check_pattern
from isomanager.catalogue.placeholders import check_placeholders
from isomanager.catalogue.product import Product
from isomanager.catalogue.wanted import plain_name
from isomanager.errors import CatalogueError, ResolveError


@dataclass(frozen=True)
class Catalogue:
    """Every product there is: the user's `own`, and those the package brings, each in the file of `bundled` that its id names.

    A user's product replaces a bundled one of the same id. Bundled files are read when they are needed: reading all of them takes
    longer than many a command.
    """

    own: tuple[Product, ...] = ()
    bundled: Mapping[str, Traversable] = field(default_factory=dict)

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """All of them, in order of family and id."""
        products = {product_id: _bundled_product(file) for product_id, file in self.bundled.items()}
        products |= {product.id: product for product in self.own}
        return tuple(sorted(products.values(), key=lambda one: (one.family, one.id)))

    @cached_property
    def _by_name(self) -> dict[str, Product]:
        named = {plain_name(name): product for product in self.products for name in product.names}
        return named | {plain_name(product.id): product for product in self.products}

    @cached_property
    def _by_id(self) -> dict[str, Product]:
        return {product.id: product for product in self.products}

    @cached_property
    def _read(self) -> dict[str, Product]:
        return {product.id: product for product in self.own}

    def by_id(self, product_id: str) -> Product | None:
        """The product of exactly this id, or None; no other one is read for it."""
        if "products" in self.__dict__:
            return self._by_id.get(product_id)
        if product_id not in self._read and product_id in self.bundled:
            self._read[product_id] = _bundled_product(self.bundled[product_id])
        return self._read.get(product_id)

    def find(self, name: str) -> Product | None:
        """The product with this id, name or alias, or None."""
        return self._by_name.get(plain_name(name))

    def product(self, name: str) -> Product:
        """The product with this id, name or alias, whatever the case; blanks, dashes and underscores do not count.

        Raises ResolveError(code="unknown-product") with the nearest names in the hint.
        """
        found = self.find(name)
        if found is not None:
            return found
        close = difflib.get_close_matches(plain_name(name), self._by_name, n=3, cutoff=0.6)
        near = list(dict.fromkeys(self._by_name[one].id for one in close))
        raise ResolveError(
            f"The catalogue has no product '{name}'.",
            code="unknown-product",
            hint=f"Did you mean {', '.join(near)}?" if near else "`isomanager catalogue list` shows what there is.",
            product=name,
        )


def load_catalogue(folders: Sequence[Path] = ()) -> Catalogue:
    """The bundled products and those in `folders` (a user's product replaces a bundled one of the same id).

    Every `*.toml` below a folder is a product file, named after its id. Raises CatalogueError naming file and field.
    """
    own = tuple(load_product(file) for folder in folders for file in sorted(folder.rglob("*.toml")))
    return Catalogue(own, {file.name.removesuffix(".toml"): file for file in _bundled_files()})


def load_product(file: Path) -> Product:
    """One product file of the user's, checked in full: fields, patterns, expressions. Raises CatalogueError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file} cannot be read: {error}.", file=str(file), field="") from error
    product = read_product(text, str(file), stem=file.stem)
    check_expressions(product, str(file))
    return product


def read_product(text: str, name: str, *, stem: str = "") -> Product:
    """A product from TOML `text`; `name` is what errors call the file, `stem` what its id must be."""
    try:
        product = Product.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name} is not valid TOML: {error}.", file=name, field="") from error
    except ValidationError as error:
        raise _explained(error, name) from error
    if stem and product.id != stem:
        raise CatalogueError(
            f"{name}: id is '{product.id}', but the file is called '{stem}.toml'.",
            hint="Name the file after the id.",
            file=name,
            field="id",
        )
    return product


def check_expressions(product: Product, name: str) -> None:
    """Compile every pattern and JMESPath expression of a product, and look at every name that its addresses use. Raises
    CatalogueError naming the file."""
    import jmespath  # here, because reading the bundled catalogue must stay fast
    from jmespath.exceptions import JMESPathError

    for pattern in product.patterns:
        try:
            check_pattern(pattern)
        except CatalogueError as error:
            raise CatalogueError(f"{name}: {error.message}", hint=error.hint, file=name, field="pattern") from error
    for expression in product.selections:
        try:
            jmespath.compile(expression)
        except JMESPathError as error:
            raise CatalogueError(
                f"{name}: '{expression}' is not a JMESPath expression: {error}.", file=name, field="select"
            ) from error
    check_placeholders(product, name)


def summary(product: Product) -> dict[str, Any]:
    """What `catalogue list --json` prints of a product."""
    proofs = [*product.proof, *(proof for offer in product.offers for proof in offer.proof)]
    signatures = [proof.signature.kind.value for proof in proofs if proof.signature is not None]
    return {
        "id": product.id,
        "name": product.name,
        "family": product.family.value,
        "aliases": [name for name in product.names if name != product.name],
        "flavors": list(product.flavors),
        "default_flavor": product.first_flavor,
        "architectures": list(product.architectures),
        "channels": list(product.channels),
        "strategy": "identify-only" if product.identify_only else product.offers[0].strategy,
        "checksum": _checksum_form(product.offers, bool([proof for proof in proofs if proof.document])),
        "signature": signatures[0] if signatures else "none",
        "status": "identify-only" if product.identify_only else product.status,
    }


def _checksum_form(offers: tuple[OfferRule, ...], has_document: bool) -> str:
    if not offers:
        return "none"
    if has_document or offers[0].strategy == "checksums":
        return "document"
    return "fields" if offers[0].strategy in ("api", "rss", "page", "download-connector") else "none"


def _bundled_files() -> Iterator[Traversable]:
    root = files("isomanager.catalogue") / "products"
    for family in sorted(root.iterdir(), key=lambda entry: entry.name):
        if family.is_dir():
            yield from (file for file in sorted(family.iterdir(), key=lambda entry: entry.name) if _is_toml(file))


def _is_toml(file: Traversable) -> bool:
    return file.name.endswith(".toml")


def _bundled_product(file: Traversable) -> Product:
    return read_product(file.read_text(encoding="utf-8"), file.name, stem=file.name.removesuffix(".toml"))


def _explained(error: ValidationError, name: str) -> CatalogueError:
    """The first of pydantic's complaints, in plain words."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(piece + 1) if isinstance(piece, int) else piece for piece in first["loc"]) or "the whole file"
    told = {
        "extra_forbidden": "is not a field of a product file",
        "missing": "is missing",
    }.get(first["type"], f"is wrong: {first['msg'].removeprefix('Value error, ')}")
    more = error.error_count() - 1
    return CatalogueError(
        f"{name}: {field} {told}.",
        hint=f"There {'is one more fault' if more == 1 else f'are {more} more faults'} in the file." if more else "",
        file=name,
        field=field,
    )
