"""The choice among candidates. Pure, and the same for every upstream; a choice that cannot be made says why, and what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from isomanager.catalogue.offer_rules import OfferRule
from isomanager.catalogue.patterns import first_match, match_whole
from isomanager.catalogue.product import Product
from isomanager.catalogue.strategies.candidate import Candidate
from isomanager.catalogue.templates import fill
from isomanager.catalogue.walking import RELEASE_NAMES, Way
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import ResolveError
from isomanager.version import Version

_PACKINGS = (".bz2", ".gz", ".xz", ".zip")
_MOST_NAMED = 8


@dataclass(frozen=True)
class Found:
    """A candidate that the entry's patterns understand: its version, and how well it suits the flavor (0 is best)."""

    candidate: Candidate
    version: Version
    is_pre_release: bool
    preference: int = 0

    @property
    def is_alias(self) -> bool:
        """Whether the name is a moving one (`latest`), the same for every release."""
        return bool(self.candidate.groups.get("alias"))


def understood(candidates: Iterable[Candidate], offer: OfferRule, way: Way, wanted: Wanted) -> tuple[Found, ...]:
    """The candidates that are the wanted flavor, architecture, language and edition, with their versions read."""
    read = (_read(candidate, offer, way, wanted) for candidate in candidates)
    return tuple(one for one in read if one is not None)


def _read(candidate: Candidate, offer: OfferRule, way: Way, wanted: Wanted) -> Found | None:
    groups = first_match(offer.file, candidate.name) if offer.file else {}
    if groups is None:
        return None
    placed = first_match(offer.address, candidate.url) if offer.address else {}
    if placed is None:
        return None
    groups = placed | groups
    told = (
        way.values | _defaults(offer, wanted) | candidate.groups | {name: text for name, text in groups.items() if text}
    )
    told = dict.fromkeys(groups, "") | told
    preference = _preference(told, wanted)
    text = candidate.version or _version_text(told, offer, wanted.product, way)
    if preference is None or not any(letter.isalnum() for letter in text) or not _is_for(told, wanted):
        return None
    version = wanted.version(text)
    announces = candidate.prerelease or _announces(version, wanted.product)
    return Found(replace(candidate, groups=told), version, announces, preference)


def _defaults(offer: OfferRule, wanted: Wanted) -> dict[str, str]:
    values = {name: texts[0] for name, texts in wanted.flavor.vars.items() if texts}
    return {name: fill(text, values) for name, text in offer.defaults.items()}


def _preference(told: dict[str, str], wanted: Wanted) -> int | None:
    """How well the named groups suit the flavor: 0 is best, None not at all."""
    rank = 0
    for name, values in wanted.flavor.match.items():
        if told.get(name, "") not in values:
            return None
        rank += values.index(told.get(name, ""))
    return rank


def _is_for(told: dict[str, str], wanted: Wanted) -> bool:
    product = wanted.product
    architecture = told.get("arch", "")
    language, edition = told.get("language", ""), told.get("edition", "")
    return (
        (not architecture or product.our_architecture(architecture) in (wanted.architecture, "any"))
        and (not language or not wanted.language or product.our_language(language) == wanted.language)
        and (not wanted.edition or edition.casefold() == wanted.edition.casefold())
    )


def _version_text(told: dict[str, str], offer: OfferRule, product: Product, way: Way) -> str:
    """The version a name tells; a name without one, or with a shorter one than the way, has the way's."""
    named = next((told[name] for name in RELEASE_NAMES if told.get(name)), "")
    if not named:
        return ""
    text = fill(offer.version or product.version.text, told | {"version": named})
    longer = way.release and told.get("alias") and Version(way.release).starts_with(Version(text))
    return way.release if longer else text


def _announces(version: Version, product: Product) -> bool:
    pattern = product.version.pre
    return version.is_pre_release or bool(pattern and match_whole(pattern, version.text) is not None)


def series_of(version: Version, product: Product) -> Version:
    """The release series a version lies in: its first parts, as many as the product says."""
    return Version(series_text(version.text, product.version.series), version.epoch)


def series_text(text: str, parts: int) -> str:
    """The first `parts` dotted parts of a version as upstream spells them: `24.04` of `24.04.3`."""
    return ".".join(text.replace("-", ".").replace("_", ".").replace(" ", ".").split(".")[:parts])


def choose(
    found: Sequence[Found],
    wanted: Wanted,
    offer: OfferRule,
    way: Way,
    *,
    below: Version | None = None,
    torrents: bool = False,
) -> Found:
    """The newest of `found` that the selector accepts, of a series before `below` if given; one of which there is only a torrent
    where `torrents` says that those can be fetched.

    Raises ResolveError: beta-only, no-release, unavailable, torrent-only, not-an-iso, ambiguous, implausible, not-found.
    """
    fitting = [one for one in found if _is_accepted(one.version, wanted, offer, below)]
    if not fitting:
        announcing = [one for one in found if _announces_what_is_asked(one, wanted)]
        raise _only_announced(announcing, wanted, way) if announcing else _nothing(found, wanted, way)
    images = [one for one in fitting if _is_image(one.candidate.name, wanted.flavor.endings)]
    if not images:
        raise _refusal("not-an-iso", wanted, way, fitting, "what upstream offers is not an ISO image")
    released = [one for one in images if wanted.allows_pre_release or not one.is_pre_release]
    if not released:
        raise _only_announced(images, wanted, way)
    available = [one for one in released if one.candidate.available]
    if not available:
        raise _refusal(
            "unavailable", wanted, way, released, "upstream still lists it, and says it can no longer be had"
        )
    chosen = _newest(_without_aliases(available), wanted, way)
    if chosen.candidate.torrent_only and not torrents:
        raise _refusal("torrent-only", wanted, way, [chosen], "upstream gives only a torrent of it")
    _check_plausible(chosen, wanted, way)
    return chosen


def _is_accepted(version: Version, wanted: Wanted, offer: OfferRule, below: Version | None) -> bool:
    product, rule = wanted.product, wanted.rule
    # a named pre-release has further parts of its own: 10.3-beta is 10.3-beta-1
    announced = rule.wants_pre_release and version.starts_with(Version(rule.exact))
    return (
        (wanted.accepts(version) or announced)
        and offer.when.accepts(version)
        and (wanted.channel != "lts" or match_whole(product.version.lts, version.text) is not None)
        and (below is None or series_of(version, product) < below)
    )


def _is_image(name: str, endings: tuple[str, ...]) -> bool:
    lowered = name.lower()
    packing = next((ending for ending in _PACKINGS if lowered.endswith(ending)), "")
    return lowered.removesuffix(packing).endswith(endings)


def _without_aliases(found: list[Found]) -> list[Found]:
    """A moving name gives way to the real one that has the same digest."""
    real = [one for one in found if not one.is_alias]
    known = {digest for one in real for digest in one.candidate.digests.items()}
    return real + [one for one in found if one.is_alias and not known.intersection(one.candidate.digests.items())]


def _newest(found: list[Found], wanted: Wanted, way: Way) -> Found:
    newest = max(one.version for one in found)
    best = [one for one in found if one.version == newest]
    rank = min((one.is_alias, one.candidate.torrent_only, one.preference) for one in best)
    equal = {
        one.candidate.name: one for one in best if (one.is_alias, one.candidate.torrent_only, one.preference) == rank
    }
    if len(equal) > 1:
        raise _refusal("ambiguous", wanted, way, list(equal.values()), "several files fit equally well")
    return next(iter(equal.values()))


def _check_plausible(chosen: Found, wanted: Wanted, way: Way) -> None:
    size, bounds = chosen.candidate.size, wanted.flavor.size
    if size is None or bounds is None or bounds[0] <= size <= bounds[1]:
        return
    raise ResolveError(
        f"{chosen.candidate.name} is said to be {size} bytes, which {wanted.product.name} ({wanted.flavor_id}) never is.",
        code="implausible",
        hint=f"Plausible is {bounds[0] >> 20} to {bounds[1] >> 20} MiB. Upstream's document may be wrong: {way.url}",
        filename=chosen.candidate.name,
        size=size,
        document=way.url,
    )


def _only_announced(found: list[Found], wanted: Wanted, way: Way) -> ResolveError:
    """`no-release` when the named release has its place, and only pre-releases in it; else `beta-only`."""
    asked = wanted.rule.exact
    has_its_place = asked and Version(asked) in map(Version, way.releases)
    if has_its_place and any(_announced(one, Version(asked)) for one in found if not one.is_alias):
        return _refusal(
            "no-release", wanted, way, found, f"{asked} has not been released; there is only what announces it"
        )
    return _refusal(
        "beta-only", wanted, way, found, "there are only pre-releases; name one, or use the channel preview"
    )


def _announces_what_is_asked(one: Found, wanted: Wanted) -> bool:
    asked = wanted.rule.exact
    return bool(asked) and not wanted.rule.wants_pre_release and one.is_pre_release and _announced(one, Version(asked))


def _announced(one: Found, release: Version) -> bool:
    """Whether a pre-release announces this very release: 14.0-RC4 announces 14.0, 3.25.0_rc1 announces 3.25."""
    words = [place for place, (kind, _, _) in enumerate(one.version.tokens) if kind < 0]
    announced = one.version.tokens[: words[0]] if words else one.version.tokens
    width = len(release.tokens)
    return announced[:width] == release.tokens and all(number == 0 for _, number, _ in announced[width:])


def _nothing(found: Sequence[Found], wanted: Wanted, way: Way) -> ResolveError:
    versions = sorted({one.version for one in found}, reverse=True)
    told = ", ".join(map(str, versions[:_MOST_NAMED])) or "nothing of this flavor and architecture"
    return ResolveError(
        f"{wanted} is not in {way.url or 'the catalogue'}.",
        hint=f"There is {told}.",
        document=way.url,
        versions=[str(version) for version in versions[:_MOST_NAMED]],
    )


def _refusal(code: str, wanted: Wanted, way: Way, found: Sequence[Found], why: str) -> ResolveError:
    newest = sorted(found, key=lambda one: one.version, reverse=True)[:_MOST_NAMED]
    names = [one.candidate.name for one in newest]
    refusal = ResolveError(
        f"{wanted}: {why} ({', '.join(names)}).",
        code=code,
        document=way.url,
        filenames=names,
        versions=list(dict.fromkeys(str(one.version) for one in newest)),
    )
    if code == "torrent-only":
        refusal.hint = "`isomanager download` fetches it by BitTorrent: pip install 'isomanager[torrent]'."
        refusal.data["torrents"] = [one.candidate.torrent for one in newest]
    return refusal


def counted(candidates: Sequence[Candidate], found: Sequence[Found]) -> dict[str, object]:
    """What a document gave, in the fields of a Look."""
    versions = sorted({one.version for one in found}, reverse=True)
    told = tuple(str(version) for version in versions[:_MOST_NAMED])
    return {"candidates": len(candidates), "fitting": len(found), "versions": told}


def why_chosen(chosen: Found, found: Sequence[Found], one: Wanted) -> str:
    """Why this candidate: what it is newest among, and what was passed over for it."""
    newer = sorted({other.version for other in found if other.version > chosen.version}, reverse=True)
    passed = f"; passed over: {', '.join(map(str, newer[:_MOST_NAMED]))}" if newer else ""
    return f"the newest that {one} accepts{passed}"
