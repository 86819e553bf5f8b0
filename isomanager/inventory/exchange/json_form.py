"""JSON: the schema 1.0 of the PowerShell module ISOManager, the six fields of the Django ISO Manager, and isomanager's own form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from isomanager.inventory.exchange.items import Item, Listing, bad_inventory, read_items
from isomanager.model import Copy, Digests, Receipt, Title, strongest

OWN_SCHEMA = "isomanager.inventory"
OWN_VERSION = 1
SEED_VERSION = "1.0"

_SIMPLE = ("Family", "Name", "Flavor", "Major version", "Minor version", "Patch version")


def write_seed(
    copies: Iterable[Copy], *, root: str, name: str, structure: str, now: datetime, digests: bool = True
) -> Iterator[str]:
    """Pieces of a document of schema 1.0. File paths are below `root`, in its own way of writing paths."""
    about = {"path": root, "name": name, "structure": structure}
    head = {"version": SEED_VERSION, "generated": _time(now), "repository": about}
    yield json.dumps(head, indent=2, ensure_ascii=False)[:-2] + ',\n  "isos": ['
    yield from _array((_seed_item(one, root, digests) for one in copies), indent="    ")
    yield "]\n}\n"


def _seed_item(copy: Copy, root: str, digests: bool) -> dict[str, Any]:
    title = copy.title
    told: dict[str, Any] = {
        "name": title.product,
        "type": title.family.value.capitalize(),
        "version": title.version.text,
        "architecture": title.architecture,
        "language": title.language,
        "filePath": joined(root, copy.path),
        "fileSize": copy.size,
        "downloadDate": _time(copy.created_at),
        "source": copy.source,
        "metadata": {**copy.metadata, "edition": title.edition, "flavor": title.flavor, "filename": copy.filename},
    }
    if digests and copy.sha256:
        told["hash"] = {"algorithm": "SHA256", "value": copy.sha256.upper()}
    return told


def joined(root: str, path: str) -> str:
    """A path below `root`: with backslashes where the root has them, unchanged where there is no root."""
    if not root:
        return path
    if "\\" in root:
        return root.rstrip("\\") + "\\" + path.replace("/", "\\")
    return f"{root.rstrip('/')}/{path}"


def write_simple(copies: Iterable[Copy], *, digests: bool = False) -> Iterator[str]:
    """Pieces of the plain list of what is held: family, name, flavor, version in three parts, and the checksum if asked for."""
    yield "["
    yield from _array((_simple_item(one, digests) for one in copies), indent="  ")
    yield "]\n"


def _simple_item(copy: Copy, digests: bool) -> dict[str, Any]:
    parts = (*copy.title.version.pieces[:3], None, None)[:3]
    values = (copy.title.family.value.capitalize(), copy.title.product, copy.title.flavor, *parts)
    told: dict[str, Any] = dict(zip(_SIMPLE, values, strict=True))
    return told | ({"Checksum": copy.sha256} if digests and copy.sha256 else {})


def write_own(copies: Iterable[Copy], receipts: Iterable[Receipt], *, now: datetime) -> Iterator[str]:
    """Pieces of isomanager's own form: every copy and every receipt, whole."""
    head = {"schema": OWN_SCHEMA, "version": OWN_VERSION, "generated": _time(now)}
    yield json.dumps(head, indent=2)[:-2] + ',\n  "copies": ['
    yield from _array((one.model_dump(mode="json") for one in copies), indent="    ")
    yield '],\n  "receipts": ['
    yield from _array((one.model_dump(mode="json") for one in receipts), indent="    ")
    yield "]\n}\n"


def _array(values: Iterable[Mapping[str, Any]], *, indent: str) -> Iterator[str]:
    between, after = f"\n{indent}", ""
    for value in values:
        yield between + json.dumps(value, ensure_ascii=False)
        between, after = f",\n{indent}", f"\n{indent[2:]}"
    yield after


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_json(text: str, place: str) -> Listing:
    """The listing in a JSON document of any of the three forms. InventoryError(code="bad-inventory") for anything else."""
    try:
        document = json.loads(text, parse_float=str, parse_constant=_no_number, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as wrong:
        raise bad_inventory(place, f"it is no JSON ({str(wrong)[:100]})") from wrong
    if isinstance(document, dict) and document.get("schema") == OWN_SCHEMA:
        return _read_own(document, place)
    if isinstance(document, dict) and isinstance(document.get("isos"), list | dict):
        return _read_seed(document, place)
    rows = [document] if isinstance(document, dict) and "Name" in document else document
    if isinstance(rows, list):
        return Listing(form="simple", items=tuple(read_items(_simple_rows(rows, place), place)))
    raise bad_inventory(place, "it is none of the forms that are known (isos, schema, or a list of images)")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("an object in it says something twice")
    return told


def _read_own(document: dict[str, Any], place: str) -> Listing:
    if document.get("version") != OWN_VERSION:
        raise bad_inventory(
            place, f"it is of version {document.get('version')!r}, and this isomanager reads {OWN_VERSION}"
        )
    try:
        given = {"copies": document.get("copies", []), "receipts": document.get("receipts", [])}
        # a title's version has no form of its own in JSON but the text and the epoch: the model reads both
        return Listing.model_validate({"form": "isomanager", **given})
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        raise bad_inventory(place, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from wrong


def _read_seed(document: dict[str, Any], place: str) -> Listing:
    if str(document.get("version", "")).split(".")[0] != "1":
        raise bad_inventory(place, f"its schema is {document.get('version')!r}, and {SEED_VERSION} is known")
    about = document.get("repository")
    root = about.get("path", "") if isinstance(about, dict) else ""
    isos = document["isos"]  # PowerShell writes a list of one as that one
    rows = (_seed_row(one, place) for one in (isos if isinstance(isos, list) else [isos]))
    return Listing(form="json", root=str(root), items=tuple(read_items(rows, place)))


def _seed_row(one: Any, place: str) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise bad_inventory(place, "one of its images is no object")
    plain = {"name", "type", "version", "architecture", "language", "source"}
    metadata = one.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise bad_inventory(place, f"the metadata of {str(one.get('name'))[:60]!r} is no object")
    texts = _texts(metadata)
    return {
        **{name: one[name] for name in plain if one.get(name) is not None},
        "edition": texts.pop("edition", ""),
        "flavor": texts.pop("flavor", ""),
        "path": one.get("filePath") or "",
        "size": one.get("fileSize"),
        "digests": _one_digest(one.get("hash")) | _more_digests(metadata.get("digests")),
        "added_at": one.get("downloadDate") or None,
        "metadata": texts,
    }


def _texts(metadata: dict[str, Any]) -> dict[str, str]:
    """Notes as texts; those that a repository's own inventory keeps apart from what it says itself, among them."""
    notes = metadata.get("notes")
    plain = metadata if not isinstance(notes, dict) else {**notes, **metadata, "notes": None}
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in plain.items()
        if value is not None and name != "digests"
    }


def _one_digest(told: Any) -> Digests:
    if not isinstance(told, dict):
        return {}
    algorithm = str(told.get("algorithm") or "sha256").lower().replace("-", "")
    return {algorithm: str(told["value"])} if told.get("value") else {}


def _more_digests(told: Any) -> Digests:
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _simple_rows(rows: list[Any], place: str) -> Iterator[dict[str, Any]]:
    for one in rows:
        if not isinstance(one, dict):
            raise bad_inventory(place, "one of its images is no object")
        told = {str(key).strip().lower().replace("_", " "): value for key, value in one.items()}
        parts = [told.get(f"{name} version", told.get(name)) for name in ("major", "minor", "patch")]
        version = ".".join(str(part) for part in parts if part not in (None, ""))
        checksum = told.get("checksum") or told.get("hash") or ""
        yield {
            "name": told.get("name", ""),
            "type": told.get("family") or told.get("type") or "",
            "flavor": told.get("flavor", ""),
            "version": version or told.get("version", ""),
            "architecture": told.get("architecture", ""),
            "path": told.get("path", ""),
            "digests": {_algorithm_of(str(checksum)): str(checksum)} if checksum else {},
        }


def _algorithm_of(digest: str) -> str:
    return {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}.get(len(digest.strip()), "sha256")


def item_of(copy: Copy) -> Item:
    """A copy as an item, for the forms that are tables."""
    title: Title = copy.title
    best = strongest(copy.digests)
    return Item(
        name=title.product,
        type=title.family.value,
        flavor=title.flavor,
        version=title.version.text,
        architecture=title.architecture,
        language=title.language,
        edition=title.edition,
        repository=copy.repository,
        path=copy.path,
        size=copy.size,
        digests={"sha256": copy.sha256} if copy.sha256 else {best: copy.digests[best]} if best else {},
        added_at=copy.created_at,
        source=copy.source,
        metadata={
            **copy.metadata,
            "assurance": copy.assurance.value,
            "state": copy.state.value,
            "filename": copy.filename,
        },
    )
