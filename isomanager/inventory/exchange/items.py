"""One image as an inventory of any program tells it, and the bounds that a document from elsewhere must keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from isomanager.errors import InventoryError
from isomanager.model import ALGORITHMS, Copy, Digests, Receipt, Value

Form = Literal["json", "isomanager", "simple", "csv", "xml"]
FORMS: tuple[Form, ...] = get_args(Form)
"""`json` is schema 1.0 of the PowerShell module ISOManager; `isomanager` has everything, receipts too; `simple` what is held in six
fields."""

MAX_BYTES = 256 << 20
MAX_ITEMS = 1_000_000
_MAX_TEXT = 4096
_POWERSHELL = re.compile(r"/Date\((\d{1,14})(?:[+-]\d{4})?\)/")
_HEX = re.compile(r"[0-9a-f]+")
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}


def _plain(text: Any) -> Any:
    """A number where a text belongs is taken as it was written; nothing at all is an empty text."""
    if text is None:
        return ""
    return str(text) if isinstance(text, int) and not isinstance(text, bool) else text


def _without_controls(text: str) -> str:
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text):
        raise ValueError("it has a control character")
    if not text.isascii():
        text.encode()  # half a letter can be written in JSON, and kept nowhere
    return text.strip()


def _moment(told: Any) -> Any:
    """A time as Windows PowerShell writes it into JSON, too: `/Date(1736089800000)/`, or an object with that as its value."""
    if isinstance(told, dict):
        told = told.get("value") or told.get("DateTime")
    found = _POWERSHELL.fullmatch(told) if isinstance(told, str) else None
    return datetime.fromtimestamp(int(found[1]) / 1000, UTC) if found else told


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Text = Annotated[str, BeforeValidator(_plain), AfterValidator(_without_controls), Field(max_length=_MAX_TEXT)]


def _digests(given: Digests) -> Digests:
    told = {name.lower().replace("-", ""): value.lower().strip() for name, value in given.items() if value}
    for name, value in told.items():
        if name not in ALGORITHMS:
            raise ValueError(f"'{name}' is no digest algorithm that is known")
        if len(value) != _LENGTHS[name] or not _HEX.fullmatch(value):
            raise ValueError(f"'{value[:80]}' is no {name} digest")
    return told


class Item(Value):
    """An image. `path` is as the document writes it, `size` in bytes; whatever else a document tells is in `metadata`."""

    name: Text = Field(min_length=1)
    type: Text = ""
    flavor: Text = ""
    version: Text = ""
    architecture: Text = ""
    language: Text = ""
    edition: Text = ""
    repository: Text = ""
    path: Text = ""
    size: int | None = Field(default=None, ge=0)
    digests: Annotated[Digests, AfterValidator(_digests)] = Field(default_factory=dict)
    added_at: Annotated[datetime, BeforeValidator(_moment), AfterValidator(_aware)] | None = None
    source: Text = ""
    metadata: dict[Text, Text] = Field(default_factory=dict)


class Listing(Value):
    """What a document lists. `root` is the repository's own path as the document writes it, "" when it says none.

    `copies` and `receipts` are there only when the document is one of isomanager's own.
    """

    form: Form
    root: str = ""
    items: tuple[Item, ...] = ()
    copies: tuple[Copy, ...] = ()
    receipts: tuple[Receipt, ...] = ()


def read_items(rows: Iterable[dict[str, Any]], place: str) -> Iterator[Item]:
    """The items; InventoryError(code="bad-inventory") that says which one is wrong, and why."""
    for number, row in enumerate(rows, 1):
        if number > MAX_ITEMS:
            raise bad_inventory(place, f"it lists more than {MAX_ITEMS} images")
        try:
            yield Item.model_validate(row)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise bad_inventory(place, f"image {number}, {where}: {first['msg']}") from wrong


def bad_inventory(place: str, why: str) -> InventoryError:
    """The error of a document that is no inventory, or one that nobody should believe."""
    return InventoryError(
        f"{place} cannot be imported: {why}.",
        code="bad-inventory",
        hint="Nothing was changed. `isomanager export` writes the forms that can be read.",
        document=place,
    )
