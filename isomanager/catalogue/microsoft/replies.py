"""The connector's replies as data, its refusals as errors. Pure.

A reply is a JSON object (or, seen from some servers, that object's text as one JSON string). A refusal has status 200 and stands
in `Errors` or in `ValidationContainer.Errors`: type 8 means that the session did not pass the handshake, 9 that this address is
refused, 10 that there is no such product for the locale.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from isomanager.catalogue.strategies.listing import looks_like_html
from isomanager.errors import FetchRefused, ResolveError

NO_SESSION, REFUSED_ADDRESS, NO_SUCH_PRODUCT = 8, 9, 10
"""The types of Microsoft's refusals."""

MESSAGE_CODE = "715-123130"
"""Under which Microsoft's pages explain a refusal of type 9."""

_MACHINES = {0: "i686", 1: "x86_64", 2: "aarch64"}
_MOST = 500
_LONGEST_TEXT = 4096
_FRONT_DOOR = re.compile(r"encountered\s+a\s+problem\s+processing\s+your\s+request", re.IGNORECASE)
"""How the server before the connector refuses an address, with a page of its own."""


@dataclass(frozen=True)
class Sku:
    """One language of an edition: Microsoft's id, its two names for the language, and what the product is called there."""

    id: str
    language: str
    localized: str
    product: str


@dataclass(frozen=True)
class Link:
    """A signed address and what it is said to lead to. `architecture` is ours, "" when the reply does not say."""

    url: str
    language: str
    localized: str
    product: str
    architecture: str


@dataclass(frozen=True)
class Links:
    """The addresses of one language, and until when they hold, as Microsoft writes it ("" when it does not say)."""

    links: tuple[Link, ...]
    expires: str


def read_reply(text: str, url: str) -> dict[str, Any]:
    """The reply's object. FetchRefused (empty, html-instead, bad-data) when it is none; ResolveError for a refusal in it."""
    if not text.strip("\ufeff \t\r\n"):
        raise FetchRefused(f"{url} answered with nothing at all.", code="empty", url=url)
    if looks_like_html(text):
        if _FRONT_DOOR.search(text):
            raise blocked("We encountered a problem processing your request", type=REFUSED_ADDRESS, url=url)
        raise FetchRefused(f"{url} answered with a web page instead of data.", code="html-instead", url=url)
    reply = _loaded(text, url)
    if isinstance(reply, str):
        reply = _loaded(reply, url)
    if not isinstance(reply, dict):
        raise _bad_data(url, "no object")
    _raise_refusal(reply, url)
    return reply


def _loaded(text: str, url: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"), parse_float=str)
    except (ValueError, RecursionError):
        raise _bad_data(url, "no JSON") from None


def _bad_data(url: str, what: str) -> FetchRefused:
    return FetchRefused(
        f"{url} answered with what is {what}.",
        code="bad-data",
        hint="Microsoft's answer is broken, or its form has changed.",
        url=url,
    )


def _raise_refusal(reply: dict[str, Any], url: str) -> None:
    container = reply.get("ValidationContainer")
    inner = container if isinstance(container, dict) else {}
    for errors in (reply.get("Errors"), inner.get("Errors"), inner.get("ErrorList")):
        if isinstance(errors, list) and errors:
            raise refusal(errors[0] if isinstance(errors[0], dict) else {"Value": errors[0]}, url)


def refusal(error: dict[str, Any], url: str) -> ResolveError:
    """The error for one of Microsoft's: `blocked` for types 8 and 9 and every unknown one, `configuration` for type 10."""
    kind = int(error["Type"]) if str(error.get("Type", "")).isdecimal() else None
    said = " ".join(str(error.get("Value") or error.get("Key") or "no reason").split())[:500]
    told: dict[str, Any] = {"type": kind, "key": str(error.get("Key", ""))[:100], "url": url}
    if kind == NO_SUCH_PRODUCT:
        return ResolveError(
            f'Microsoft has no such product for this language and locale (type 10: "{said}").',
            code="configuration",
            hint="The product file asks for an edition that is no longer offered.",
            retry=False,
            **told,
        )
    if kind == NO_SESSION:
        return ResolveError(
            f'Microsoft does not accept the session (type 8: "{said}"). It does so when the steps before the link request '
            "were not all taken, or have changed.",
            code="blocked",
            retry=True,
            **told,
        )
    return blocked(said, **told | {"type": kind if kind is not None else REFUSED_ADDRESS})


def blocked(said: str, *, message_code: str = MESSAGE_CODE, **told: Any) -> ResolveError:
    """The error of a refused address, with Microsoft's own words explained."""
    return ResolveError(
        f'Microsoft refuses downloads to this network address (message code {message_code}: "{said}"). It does so to addresses of '
        "data centres, VPNs and some countries, and to those that asked too often; asking again makes it worse.",
        code="blocked",
        retry=False,
        message_code=message_code,
        **told,
    )


def read_skus(text: str, url: str) -> tuple[Sku, ...]:
    """The languages of an edition. Raises as `read_reply`, and FetchRefused(bad-data) for a list without any."""
    skus = read_reply(text, url).get("Skus")
    rows = [one for one in skus[:_MOST] if isinstance(one, dict)] if isinstance(skus, list) else []
    found = tuple(
        Sku(_text(one, "Id"), _text(one, "Language"), _text(one, "LocalizedLanguage"), _text(one, "ProductDisplayName"))
        for one in rows
        if _text(one, "Id")
    )
    if not found:
        raise _bad_data(url, "a list of no languages")
    return found


def read_links(text: str, url: str) -> Links:
    """The signed addresses of one language. Raises as `read_reply`, and FetchRefused(bad-data) for a reply without any."""
    reply = read_reply(text, url)
    options = reply.get("ProductDownloadOptions")
    rows = [one for one in options[:_MOST] if isinstance(one, dict)] if isinstance(options, list) else []
    links = tuple(_link(one) for one in rows if _text(one, "Uri"))
    if not links:
        raise _bad_data(url, "a reply without links")
    return Links(links, _text(reply, "DownloadExpirationDatetime"))


def _link(row: dict[str, Any]) -> Link:
    kind = row.get("DownloadType")
    machine = _MACHINES.get(int(kind), "") if isinstance(kind, int | str) and str(kind).isdecimal() else ""
    return Link(
        url=_text(row, "Uri"),
        language=_text(row, "Language"),
        localized=_text(row, "LocalizedLanguage"),
        product=_text(row, "ProductDisplayName"),
        architecture=machine,
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value)[:_LONGEST_TEXT].strip() if isinstance(value, str | int) else ""
