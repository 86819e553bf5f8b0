"""JSON and YAML documents, read with JMESPath. No number is ever made of a version: "24.10" is not 24.1."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

import jmespath
import yaml
from jmespath.exceptions import JMESPathError, JMESPathTypeError

from isomanager.catalogue.checksums import parse_checksums
from isomanager.catalogue.offer_rules import SPECIAL_FIELDS
from isomanager.catalogue.strategies.candidate import Candidate, clean_name, name_of_url
from isomanager.catalogue.strategies.checksum_list import from_entries
from isomanager.catalogue.strategies.listing import looks_like_html, no_listing
from isomanager.errors import CatalogueError, FetchRefused
from isomanager.model import ALGORITHMS, Digests

_MOST_ROWS = 100_000
_FALSE = (None, False, "false", "False", "no", "0", "")


class _TextLoader(yaml.BaseLoader):
    """Keeps every scalar a string, and refuses aliases, by which a small document can become a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


def load(text: str, url: str) -> Any:
    """The data of a JSON or YAML document; numbers with a point stay text. Raises FetchRefused when it is neither."""
    if looks_like_html(text):
        raise no_listing(url)
    try:
        if looks_like_data(text):
            return json.loads(text.lstrip("\ufeff"), parse_float=str)
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506 - a BaseLoader builds nothing but text, lists and tables
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise FetchRefused(
            f"{url} is neither JSON nor YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}.",
            code="bad-data",
            hint="Upstream's answer is broken or its form has changed.",
            url=url,
        ) from error


def looks_like_data(text: str) -> bool:
    """Whether a text is JSON by its first letter."""
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def search(expression: str, data: Any) -> Any:
    """What a JMESPath expression finds; a type upstream never had before counts as nothing found."""
    try:
        return jmespath.search(expression, data)
    except JMESPathTypeError:
        return None
    except JMESPathError as error:
        raise CatalogueError(
            f"'{expression}' cannot be used on upstream's data: {error}.", field="select", expression=expression
        ) from error


def names(text: str, url: str, select: str) -> tuple[str, ...]:
    """The texts that `select` finds, for a step that reads its names from data."""
    found = search(select, load(text, url))
    return tuple(_text(one) for one in found) if isinstance(found, list) else ()


def candidates(
    text: str, url: str, *, select: str, fields: dict[str, str], each: tuple[str, ...] = ()
) -> tuple[Candidate, ...]:
    """One candidate a row that `select` finds; rows that are texts are read as lines of a checksum document.

    `each` names the tables or lists to go down from every row; what is found there are the rows then.
    """
    rows = search(select, load(text, url))
    if not isinstance(rows, list):
        raise FetchRefused(
            f"{url} has nothing at '{select}'.",
            code="bad-data",
            hint="Upstream's answer has changed its form; the product file must follow.",
            url=url,
        )
    rows = _below(rows, each)
    lines = "\n".join(row for row in rows if isinstance(row, str))
    listed = from_entries(parse_checksums(lines), "") if lines else ()
    return (*listed, *(one for row in rows if isinstance(row, dict) for one in _candidate(row, fields, url)))


def _below(rows: list[Any], each: tuple[str, ...]) -> list[Any]:
    """The rows so many levels down: each knows the row above as `parent`, its own name or place there as `key`, and what is
    not a table as `value`. JMESPath cannot look up, and a GitHub asset's release or a simplestreams item's version is above it.
    """
    for level in each:
        above = [row for row in rows if isinstance(row, dict)]
        rows = [_child(row, key, one) for row in above for key, one in _children(row.get(level))][:_MOST_ROWS]
    return rows


def _children(table: Any) -> list[tuple[str, Any]]:
    if isinstance(table, dict):
        return [(str(key), one) for key, one in table.items()]
    return [(str(place), one) for place, one in enumerate(table)] if isinstance(table, list) else []


def _child(parent: dict[str, Any], key: str, one: Any) -> dict[str, Any]:
    return {**(one if isinstance(one, dict) else {"value": one}), "key": key, "parent": parent}


def _candidate(row: dict[str, Any], fields: dict[str, str], url: str) -> tuple[Candidate, ...]:
    said = {name: search(expression, row) for name, expression in fields.items()}
    link = _text(said.get("url"))
    name = clean_name(_text(said.get("file"))) or name_of_url(link)
    if name is None:
        return ()
    size = _text(said.get("size"))
    torrent = _text(said.get("torrent"))
    found = Candidate(
        name=name,
        url=urljoin(url, link) if link else "",
        groups={key: _text(value) for key, value in said.items() if key not in SPECIAL_FIELDS},
        version=_text(said.get("version")),
        size=int(size) if size.isdecimal() else None,
        digests=_digests(said),
        available=said.get("available") not in _FALSE if "available" in fields else True,
        prerelease=said.get("prerelease") not in _FALSE,
        torrent=urljoin(url, torrent) if torrent else "",
        info_hash=_text(said.get("info_hash")),
    )
    return (found,)


def _digests(said: dict[str, Any]) -> Digests:
    """The digests a row claims: one field an algorithm, or `digest` as `sha256:HEX` (GitHub's assets, OCI)."""
    claimed = {algorithm: _text(said.get(algorithm)).lower() for algorithm in ALGORITHMS}
    algorithm, _, digest = _text(said.get("digest")).lower().partition(":")
    told = {algorithm: digest} | {name: value for name, value in claimed.items() if value}
    return {name: value for name, value in told.items() if name in ALGORITHMS and value}


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)
