"""Where one file can be had, and in which order: the user's own sources, the vendor, its mirrors. Pure."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, unquote, urlsplit

from isomanager.errors import UsageError
from isomanager.model import MIRRORS, VENDOR, Offer, SourceRecord

FIELDS = (
    "host",
    "path",
    "file",
    "family",
    "product",
    "flavor",
    "version",
    "architecture",
    "language",
    "edition",
    "layout",
)
"""What a template may name."""
WAYS = ("path", "name", "layout")
_OF_ADDRESSES = ("host", "path", "file")
"""Those that an address alone tells."""
_AILING = 3
_RECOVERY = timedelta(days=1)
_CHOICE = f"{', '.join(WAYS)}, or a template of {', '.join('{' + name + '}' for name in FIELDS)}"
_USUAL = {VENDOR: 1_000, MIRRORS: 2_000}
"""Where vendor and mirrors come as long as nobody says: after every source of the user's."""
_UNUSABLE = ("://", "\\", "\n", "\r")


@dataclass(frozen=True)
class Address:
    """One place to fetch a file from. `source` is the name of a source of the user's, or `vendor`, or `mirrors`."""

    url: str
    source: str


def require_usable(record: SourceRecord) -> SourceRecord:
    """The record, if its base is an address without secrets and its mapping means something. UsageError otherwise."""
    try:
        parts = urlsplit(record.base)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable:
        raise UsageError("The base of a source is an address that begins with https:// or http:// and names a host.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "The base of a source holds no user, password or query: it is stored and shown.",
            hint="Give credentials to the web server by address of this machine, or name a proxy in the environment.",
        )
    if "{" in record.base or "}" in record.base:
        raise UsageError(
            "The base of a source is a plain address: nothing is filled in there.",
            hint=f"Say with --maps what stands below it: {_CHOICE}.",
        )
    if record.maps not in WAYS:
        _require_template(record.maps)
    return record


def _require_template(text: str) -> None:
    try:
        parsed = [(name, form, turned) for _, name, form, turned in string.Formatter().parse(text) if name is not None]
    except ValueError:
        parsed = []
    if not parsed or any(name not in FIELDS or form or turned for name, form, turned in parsed):
        raise UsageError(
            f"'{text}' says nothing of where images stand.",
            hint=f"Use {_CHOICE}.",
        )


def address_at(record: SourceRecord, offer: Offer, layout_path: str) -> str | None:
    """Where `record` has the offer's file; None where its mapping has no answer. `layout_path` is its path in our layout."""
    title = offer.title
    told = _told_by(offer.urls[0] if offer.urls else "") | {
        "file": offer.filename,
        "layout": layout_path,
        "family": title.family.value,
        "product": title.product,
        "flavor": title.flavor,
        "version": title.version.text,
        "architecture": title.architecture,
        "language": title.language,
        "edition": title.edition,
    }
    return _below(record, told)


def document_at(record: SourceRecord, url: str) -> str | None:
    """Where `record` has the vendor's document that stands at `url`; None where it is no copy of the vendor's tree."""
    named = {name for _, name, _, _ in string.Formatter().parse(record.maps) if name is not None}
    is_copy = record.maps == "path" or ("path" in named and named <= set(_OF_ADDRESSES))
    return _below(record, _told_by(url)) if is_copy and not urlsplit(url).query else None


def _told_by(url: str) -> dict[str, str]:
    vendor = urlsplit(url)
    path = unquote(vendor.path).lstrip("/")
    return {"host": vendor.hostname or "", "path": path, "file": path.rpartition("/")[2]}


def _below(record: SourceRecord, told: Mapping[str, str]) -> str | None:
    """The address below the source's own that its mapping makes of what is told; None for none that may be followed."""
    below = told.get({"path": "path", "name": "file", "layout": "layout"}.get(record.maps, ""))
    found = below if below is not None else record.maps.format_map(told)
    steps = found.split("/")
    if not found.strip("/") or any(one in (".", "..") for one in steps) or any(one in found for one in _UNUSABLE):
        return None
    return f"{record.base.rstrip('/')}/{quote(found.lstrip('/'))}"


def in_order(sources: Sequence[SourceRecord], offer: Offer, layout_path: str, now: datetime) -> tuple[Address, ...]:
    """Every address of the offer's file, the preferred first. Sources that failed again and again lately come last."""
    order = dict(_USUAL) | {one.name: one.priority for one in sources}
    placed = [(one, address_at(one, offer, layout_path)) for one in sources if one.base]
    ranked = [(ails(one, now), order[one.name], Address(url, one.name)) for one, url in placed if url]
    ranked += [(False, order[VENDOR], Address(url, VENDOR)) for url in offer.urls[:1]]
    ranked += [(False, order[MIRRORS], Address(url, MIRRORS)) for url in offer.urls[1:]]
    found: dict[str, Address] = {}
    for _, _, address in sorted(ranked, key=lambda one: one[:2]):
        found.setdefault(address.url, address)
    return tuple(found.values())


def ails(record: SourceRecord, now: datetime) -> bool:
    """Whether a source failed again and again lately."""
    recently = record.seen_at is not None and now - record.seen_at < _RECOVERY
    return recently and record.failures >= _AILING
