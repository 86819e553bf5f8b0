"""Add and remove: product files of the user's own, checked before they are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isomanager.catalogue.drafting import Draft, drafted
from isomanager.catalogue.loader import check_expressions, read_product
from isomanager.catalogue.product import Product
from isomanager.catalogue.toml_text import to_toml
from isomanager.errors import CatalogueError, ResolveError, UsageError
from isomanager.library.opening import Library
from isomanager.model import Value
from isomanager.storage.durable import make_folders, replace_durably

MAX_DEFINITION_BYTES = 1 << 20


class Added(Value):
    """A product file that was kept, and whether it takes the place of an earlier one or of a bundled product."""

    product: str
    file: str
    replaces: str = ""


def definition(text: str, name: str) -> str:
    """A product definition as TOML: TOML stays as it is, JSON is turned into it. Raises CatalogueError for JSON that is none."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        told = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise CatalogueError(
            f"{name} is not valid JSON: {wrong.msg} in line {wrong.lineno}, column {wrong.colno}.", file=name, field=""
        ) from wrong
    return to_toml(_without_nothing(told))


def _without_nothing(value: Any) -> Any:
    """JSON's null says what TOML says by leaving the field out."""
    if isinstance(value, dict):
        return {name: _without_nothing(one) for name, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list) else value


def draft_definition(draft: Draft) -> str:
    """The product file that a person's answers make. Raises UsageError for answers that make none."""
    return to_toml(drafted(draft))


def add_product(library: Library, text: str, name: str, *, replace: bool = False) -> Added:
    """Check a product file and keep it among the user's own; `name` is what errors call it.

    Raises CatalogueError naming file and field; UsageError when the user has such a product already and `replace` is not said.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_DEFINITION_BYTES:
        raise CatalogueError(f"{name} is larger than {MAX_DEFINITION_BYTES >> 20} MiB.", file=name, field="")
    product = read_product(text, name)
    check_expressions(product, name)
    _require_own_names(library, product, name)
    file = library.settings.own_products / f"{product.id}.toml"
    if file.exists() and not replace:
        raise UsageError(
            f"You have a product '{product.id}' already, in {file}.",
            hint="Say --force to replace it, or choose another id.",
        )
    replaces = _replaced(library, product, file)
    try:
        make_folders(file.parent)
        replace_durably(file, text.encode("utf-8"))
    except OSError as wrong:
        raise UsageError(f"{file} cannot be written: {wrong.strerror}.") from wrong
    library.forget_catalogue()
    return Added(product=product.id, file=str(file), replaces=replaces)


def _require_own_names(library: Library, product: Product, name: str) -> None:
    """No two products answer to one name."""
    for field, names in (("id", (product.id,)), ("name", (product.name,)), ("aliases", product.aliases)):
        for one in names:
            other = _named(library, one)
            if other is not None and other.id != product.id:
                raise CatalogueError(
                    f"{name}: {field} '{one}' is already a name of {other.name} ({other.id}).",
                    hint=f"Choose another {field.removesuffix('es')}; an id of '{other.id}' would replace that product.",
                    file=name,
                    field=field,
                )


def _named(library: Library, name: str) -> Product | None:
    try:
        return library.catalogue.product(name)
    except ResolveError:
        return None


def _replaced(library: Library, product: Product, file: Path) -> str:
    if file.exists():
        return "your own earlier one"
    known = _named(library, product.id)
    return f"the bundled {known.name}" if known is not None else ""


def remove_product(library: Library, name: str) -> Path:
    """Let go of a product file of the user's own; what is held of it stays. It need not be readable any more.

    Raises UsageError for a product that is not among them.
    """
    own = library.settings.own_products
    files = {file.stem: file for file in own.glob("*.toml")} if own.is_dir() else {}
    file = files.get(name)
    if file is None and (known := _known_by_alias(library, name)) is not None:
        file = files.get(known)
    if file is None:
        told = ", ".join(sorted(files)) or "none"
        raise UsageError(
            f"'{name}' is not a product that you added.",
            hint=f"Yours: {told}. Bundled products stay; one of yours with the same id takes the place of a bundled one.",
        )
    file.unlink()
    library.forget_catalogue()
    return file


def _known_by_alias(library: Library, name: str) -> str | None:
    try:
        return library.catalogue.product(name).id
    except (ResolveError, CatalogueError):
        return None
