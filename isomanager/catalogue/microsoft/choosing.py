"""The choices within the download connector's answers: edition, language, architecture, version, digest. Pure.

Languages are compared for equality with both of Microsoft's names, never by their beginnings: English is not English
International. What was asked for and is not there is refused with what there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from isomanager.catalogue.microsoft.day_links import KnownLinks, LinkedFile
from isomanager.catalogue.microsoft.download_page import DownloadPage, PublishedDigest
from isomanager.catalogue.microsoft.naming_files import contradictions, told_by_name
from isomanager.catalogue.microsoft.replies import REFUSED_ADDRESS, Links, Sku, blocked
from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.product import plain_language
from isomanager.catalogue.telling import version_text
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError
from isomanager.version import Version

_IN_MULTI_EDITION = frozenset(
    f"{name}{variant}"
    for name in ("home", "pro", "education", "proeducation", "proforworkstations", "homesinglelanguage")
    for variant in ("", "n")
)
"""What an image called multi-edition holds, by plain names."""

_MESSAGE_CODE = re.compile(r"\b\d{3}-\d{6}\b")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?", re.IGNORECASE)


def message_code(message: str) -> str:
    """The code in one of Microsoft's messages, or ""."""
    found = _MESSAGE_CODE.search(message)
    return found[0] if found else ""


def edition(page: DownloadPage | None, offer: OfferRule, wanted: Wanted) -> str:
    """Microsoft's id of the edition: read from the page, or the last known one where no page can be had."""
    asked = plain_language(wanted.edition)
    last_known = offer.defaults.get("edition_id", "")
    if page is None:
        if last_known and (not asked or asked in _IN_MULTI_EDITION):
            return last_known
        raise _no_edition(wanted, [])
    several = [one for one in page.options if "multi-edition" in one.text.lower()]
    if not asked or (several and asked in _IN_MULTI_EDITION):
        return (several or list(page.options))[0].id
    called = plain_language(f"Windows {offer.defaults.get('version', '')} {wanted.edition}")
    named = [one for one in page.options if plain_language(one.text.partition("(")[0]) == called]
    if len(named) != 1:
        raise _no_edition(wanted, [one.text for one in page.options])
    return named[0].id


def _no_edition(wanted: Wanted, options: list[str]) -> ResolveError:
    return ResolveError(
        f"{wanted.product.name} ({wanted.flavor_id}) is not offered as '{wanted.edition or 'multi-edition'}'.",
        code="edition-not-offered",
        hint=f"The page offers {'; '.join(options)}." if options else "The download page is needed for it.",
        editions=options,
    )


def names_of(wanted: Wanted) -> frozenset[str]:
    """The wanted language under every name that means it, as they are compared."""
    theirs = wanted.product.map.language.get(wanted.language, ())
    return frozenset(map(plain_language, (wanted.language, *theirs)))


def sku(skus: tuple[Sku, ...], wanted: Wanted) -> Sku:
    """The one entry for the wanted language. ResolveError: language-not-offered, with those there are; ambiguous."""
    names = names_of(wanted)
    by_name = [one for one in skus if plain_language(one.language) in names]
    found = by_name or [one for one in skus if plain_language(one.localized) in names]
    if not found:
        raise ResolveError(
            f"{wanted.product.name} ({wanted.flavor_id}) is not offered in '{wanted.language}'.",
            code="language-not-offered",
            hint=f"Offered are {', '.join(one.language for one in skus)}.",
            asked=wanted.language,
            languages=[one.language for one in skus],
        )
    if len({one.id for one in found}) > 1:
        told = ", ".join(f"{one.language} / {one.localized} ({one.id})" for one in found)
        raise ResolveError(f"Several entries mean the language '{wanted.language}': {told}.", code="ambiguous")
    return found[0]


def checked(links: Links, wanted: Wanted, chosen: Sku) -> Links:
    """The links, if they are for the language that was asked for. ResolveError(implausible) otherwise."""
    names = names_of(wanted) | {plain_language(chosen.language), plain_language(chosen.localized)}
    for link in links.links:
        said = [plain_language(name) for name in (link.language, link.localized) if name]
        if said and not names.intersection(said):
            raise ResolveError(
                f"Microsoft was asked for {chosen.language} and gives a link to {link.language or link.localized}.",
                code="implausible",
                hint="Nothing of it is taken. Ask again tomorrow.",
            )
    return links


def file_of(known: KnownLinks, offer: OfferRule, wanted: Wanted) -> LinkedFile:
    """The file for the wanted architecture. ResolveError: architecture-not-offered, or implausible when its name says that it
    is something else than was asked for."""
    fitting = [one for one in known.files if (one.architecture or wanted.architecture) == wanted.architecture]
    if not fitting:
        there = sorted({one.architecture for one in known.files})
        raise ResolveError(
            f"{wanted.product.name} in {known.language} is not offered for {wanted.architecture}.",
            code="architecture-not-offered",
            hint=f"Offered are {', '.join(there) or 'no files at all'}.",
            architectures=there,
        )
    against = contradictions(fitting[0].filename, offer, wanted)
    if against:
        raise ResolveError(
            f"{wanted} was asked for, and the link leads to {fitting[0].filename}: {', '.join(against)}. It is not taken.",
            code="implausible",
            hint="Microsoft's answer does not fit the question; ask again tomorrow.",
            filename=fitting[0].filename,
            contradictions=list(against),
        )
    return fitting[0]


def told_by_file(file: LinkedFile, offer: OfferRule, wanted: Wanted) -> dict[str, str]:
    """What the file's name tells of its version."""
    told = told_by_name(file.filename, offer, wanted) or {}
    return {name: text for name, text in told.items() if text}


def version(offer: OfferRule, wanted: Wanted, told: Mapping[str, str], release: str) -> Version:
    """The version that the entry, the page (`release`) and the names of product or file make together."""
    groups = {"version": offer.defaults.get("version", ""), "release": release, **told}
    return wanted.version(version_text(wanted.product.version, groups))


def can_be(found: Version, wanted: Wanted) -> bool:
    """Whether the version asked for may be `found`, of which not every part need be known yet."""
    asked = wanted.rule.exact
    return not asked or found.starts_with(Version(asked)) or Version(asked).starts_with(found)


def digest(page: DownloadPage, wanted: Wanted) -> str:
    """The SHA-256 that the page publishes for the wanted image, or ""."""
    return digest_among(page.digests, wanted, wanted.architecture)


def digests_by_language(page: DownloadPage, wanted: Wanted) -> dict[str, str]:
    """Every SHA-256 of the page for the wanted architecture, by language as the page spells it."""
    return {one.language: one.sha256 for one in page.digests if one.architecture in ("", wanted.architecture)}


def digest_among(digests: Iterable[PublishedDigest], wanted: Wanted, architecture: str) -> str:
    """The one of `digests` for the wanted language and an architecture; "" when there is none.

    A page that gives two of them is refused (implausible): one is wrong, and nobody can tell which.
    """
    names = names_of(wanted)
    ours = [one for one in digests if plain_language(one.language) in names]
    exact = [one for one in ours if one.architecture == architecture]
    found = {one.sha256 for one in exact or [one for one in ours if not one.architecture]}
    if len(found) > 1:
        raise ResolveError(
            f"Microsoft's page gives {len(found)} different digests for {wanted.language} ({architecture}).",
            code="implausible",
            digests=sorted(found),
        )
    return next(iter(found), "")


def is_still_told(known: KnownLinks, published: str, wanted: Wanted) -> bool:
    """Whether what is known of an image is still what the page speaks of."""
    before = next((one.sha256 for one in known.files if one.architecture in ("", wanted.architecture)), "")
    return not published or not before or published == before


def expiry(links: Links) -> datetime | None:
    """When the links end: as the reply says (ISO 8601, seven decimals), else as the addresses say (`P1`, unix seconds)."""
    found = _MOMENT.fullmatch(links.expires)
    if found is not None:
        zone = (found[2] or "Z").upper().replace("Z", "+00:00")
        return datetime.fromisoformat(found[1] + zone)
    for link in links.links:
        (seconds, *_) = parse_qs(urlsplit(link.url).query).get("P1", [""])
        if seconds.isdecimal() and 9 < len(seconds) < 12:
            return datetime.fromtimestamp(int(seconds), UTC)
    return None


def as_refusal(wrong: IsoManagerError) -> IsoManagerError:
    """A 403 of the connector is a refusal of this address, in another form than its own."""
    if isinstance(wrong, FetchRefused) and wrong.data.get("status") == 403:
        return blocked("403 Forbidden", status=403, type=REFUSED_ADDRESS, url=wrong.data.get("url", ""))
    return wrong


def is_worth_another_session(wrong: IsoManagerError) -> bool:
    """Whether a new session may fare better: the handshake was not accepted, or the answer was no answer."""
    if isinstance(wrong, FetchRefused):
        return wrong.code in ("empty", "bad-data")
    return wrong.code == "blocked" and bool(wrong.data.get("retry"))
