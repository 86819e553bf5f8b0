"""The library file: repositories, sources, sites and subscriptions as one TOML or YAML document, read and written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from isomanager.catalogue.fields import parse_size
from isomanager.catalogue.globs import expand, is_glob
from isomanager.catalogue.loader import Catalogue
from isomanager.catalogue.matching import canonical
from isomanager.catalogue.naming import meant
from isomanager.catalogue.toml_text import to_toml
from isomanager.errors import ConfigurationError, PermanentError
from isomanager.model import RepositoryRecord, Selector, Site, SourceRecord, Subscription, Value

Form = Literal["toml", "yaml"]
_LARGEST = 4 << 20
_ASKED = ("architectures", "languages", "editions")
_OURS = {"id", "created_at", "selector", "speed", "failures", "told", "seen_at"}
"""What the library notes itself: no file declares it."""


class Declared(Value):
    """What a file declares; None for a table that it does not have."""

    repositories: tuple[RepositoryRecord, ...] | None = None
    sources: tuple[SourceRecord, ...] | None = None
    sites: tuple[Site, ...] | None = None
    subscriptions: tuple[Subscription, ...] | None = None


_TABLES: dict[str, type[Value]] = {"repositories": RepositoryRecord, "sources": SourceRecord, "sites": Site}


def form_of(name: str) -> Form:
    """The form that a file's name says: YAML by `.yaml` or `.yml`, else TOML."""
    return "yaml" if name.lower().endswith((".yaml", ".yml")) else "toml"


def read_library(text: str, name: str, form: Form, catalogue: Catalogue, now: datetime) -> Declared:
    """What the `text` declares; `name` is what errors call the file. ConfigurationError names file, table, place and field."""
    if len(text) > _LARGEST:
        raise ConfigurationError(f"{name} is larger than {_LARGEST} characters: that is no library file.")
    whole = _parsed(text, name, form)
    known = (*_TABLES, "subscriptions")
    unknown = next((one for one in whole if one not in known), None)
    if unknown is not None:
        raise ConfigurationError(
            f"{name}: '{unknown}' is no table of a library file.", hint=f"It has {', '.join(known)}."
        )
    told: dict[str, Any] = {
        table: tuple(_record(kind, one, f"{name}: {table}.{place}", now) for place, one in _rows(whole, table, name))
        for table, kind in _TABLES.items()
        if table in whole
    }
    if "subscriptions" in whole:
        told["subscriptions"] = tuple(
            kept
            for place, one in _rows(whole, "subscriptions", name)
            for kept in _subscriptions(one, f"{name}: subscriptions.{place}", catalogue, now)
        )
    return Declared(**told)


def _parsed(text: str, name: str, form: Form) -> Mapping[str, Any]:
    try:
        whole = tomllib.loads(text) if form == "toml" else _yaml(text)
    except (ValueError, RecursionError) as wrong:
        raise ConfigurationError(f"{name} is not valid {form.upper()}: {wrong}") from wrong
    if not isinstance(whole, Mapping):
        raise ConfigurationError(f"{name} is no library file: it holds no tables.")
    return whole


def _yaml(text: str) -> Any:
    import yaml  # most library files are TOML

    class Plain(yaml.SafeLoader):
        """Without aliases, by which a small text can mean an endless one."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.events.AliasEvent):
                raise yaml.YAMLError("aliases are not allowed")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader=Plain) or {}  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as wrong:
        raise ValueError(str(wrong)) from wrong


def _rows(whole: Mapping[str, Any], table: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    rows = whole[table] if whole[table] is not None else []
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(one, Mapping) for one in rows):
        raise ConfigurationError(
            f"{name}: {table} is no list of tables.", hint=f"Write [[{table}]] above each of them."
        )
    return [(place, dict(one)) for place, one in enumerate(rows, start=1)]


def _record(kind: type[Value], fields: dict[str, Any], place: str, now: datetime) -> Value:
    ours = next((one for one in fields if one in _OURS), None)
    if ours is not None:
        raise ConfigurationError(f"{place}.{ours} is not for a file to say.", hint="Leave it out.")
    try:
        return kind.model_validate({**fields, "created_at": now})
    except ValidationError as wrong:
        raise _explained(wrong, place) from wrong


def _subscriptions(fields: dict[str, Any], place: str, catalogue: Catalogue, now: datetime) -> tuple[Subscription, ...]:
    """One subscription, or those that a condition over the catalogue means now."""
    text = fields.pop("select", None)
    if not isinstance(text, str):
        raise ConfigurationError(f"{place}.select is missing.", hint="Such as select = 'ubuntu/server@lts'.")
    ways = {name: _texts(fields.pop(name, []), f"{place}.{name}") for name in _ASKED}
    try:
        if is_glob(text):
            selectors = expand(catalogue, text, **ways).selectors
        else:
            selectors = (canonical(*meant(catalogue, Selector.parse(text, **ways))),)
        if isinstance(fields.get("under"), str):
            fields["under"] = parse_size(fields["under"])
    except (PermanentError, ValueError) as wrong:
        field = "select" if isinstance(wrong, PermanentError) else "under"
        raise ConfigurationError(f"{place}.{field}: {wrong}") from wrong
    if isinstance(fields.get("keep"), int):
        fields["keep"] = {"last": fields["keep"]}
    plain = _record(_Unnamed, fields, place, now)
    return tuple(Subscription(**{**dict(plain), "id": "declared", "selector": one}) for one in selectors)


class _Unnamed(Subscription):
    """A subscription's fields, checked before its selectors are known."""

    id: str = ""
    selector: Selector = Selector(product="none")


def _texts(given: Any, place: str) -> tuple[str, ...]:
    listed = (given,) if isinstance(given, str) else given
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        raise ConfigurationError(f"{place} is no list of texts.")
    return tuple(listed)


def _explained(wrong: ValidationError, place: str) -> ConfigurationError:
    """The first of pydantic's complaints, in plain words."""
    first = wrong.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the whole entry"
    told = {"extra_forbidden": "is no field of this table", "missing": "is missing"}
    said = told.get(first["type"], f"is wrong: {first['msg'].removeprefix('Value error, ')}")
    return ConfigurationError(f"{place}.{field} {said}.", field=field)


def subscription_fields(one: Subscription) -> dict[str, Any]:
    """A subscription as a file declares it: what is usual is left out."""
    selector = one.selector
    asked = {name: sorted(getattr(selector, name)) for name in _ASKED if getattr(selector, name)}
    rest = one.model_dump(mode="json", exclude_defaults=True, exclude={"id", "created_at", "selector"})
    return {"select": str(selector), **asked, **rest}


def plain_fields(record: Value) -> dict[str, Any]:
    """A repository, source or site as a file declares it."""
    return record.model_dump(mode="json", exclude_defaults=True, exclude=_OURS)


def write_library(declared: Declared, form: Form) -> str:
    """The text of a library file that declares this; reading it gives the same again."""
    tables: dict[str, Any] = {table: [plain_fields(one) for one in getattr(declared, table) or ()] for table in _TABLES}
    tables["subscriptions"] = [subscription_fields(one) for one in declared.subscriptions or ()]
    if form == "toml":
        return to_toml(tables)
    import yaml

    return yaml.safe_dump(tables, sort_keys=False, allow_unicode=True)
