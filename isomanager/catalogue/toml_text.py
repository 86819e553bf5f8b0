"""A product as TOML text, as a person would write it: plain fields first, then tables, one `[[table]]` for each of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from isomanager.errors import CatalogueError

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(product: Mapping[str, Any]) -> str:
    """The text of a product file; what it says is what `tomllib` reads back. Raises CatalogueError for what TOML cannot say."""
    plain = [f"{_key(name)} = {_value(name, one)}" for name, one in product.items() if not _is_table(one)]
    tables = [_table(name, one) for name, one in product.items() if _is_table(one)]
    return "\n\n".join(["\n".join(plain), *tables]) + "\n"


def _is_table(value: Any) -> bool:
    listed = isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    return listed or (isinstance(value, Mapping) and bool(value))


def _table(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"[{_key(name)}]\n{_fields(value)}"
    return "\n\n".join(f"[[{_key(name)}]]\n{_fields(one)}" for one in value)


def _fields(table: Mapping[str, Any]) -> str:
    return "\n".join(f"{_key(name)} = {_value(name, one)}" for name, one in table.items())


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _text(name)


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(name, one) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(inner)} = {_value(inner, one)}' for inner, one in value.items())} }}"
    raise CatalogueError(
        f"'{name}' is {json.dumps(value, default=str)}, which a product file cannot say.",
        hint="Leave the field out instead.",
        field=name,
    )


def _text(text: str) -> str:
    """A literal string where that is readable (patterns), else a basic one, which is spelled like JSON's."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
