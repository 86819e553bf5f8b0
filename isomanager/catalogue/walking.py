"""The way down from an upstream's front door to the documents that list files, newest release first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from isomanager.catalogue.offer_rules import Step
from isomanager.catalogue.patterns import match_whole, search_all
from isomanager.catalogue.remembering import Remembering
from isomanager.catalogue.strategies import api, listing
from isomanager.catalogue.templates import expand
from isomanager.catalogue.wanted import Wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError
from isomanager.version import Version

_MOST_PICKS = 6
"""So many releases are looked into before giving up: the newest ones may not have the wanted file yet, or any more."""

RELEASE_NAMES = ("version", "release", "series")
"""The groups of a `pick` that say which release a directory belongs to, the most telling first."""


@dataclass(frozen=True)
class Way:
    """A document that should list files, and what the way there has told (named groups, texts)."""

    url: str
    values: dict[str, str]

    @property
    def release(self) -> str:
        """The release that the way itself names, or ""."""
        return next(iter(self.releases), "")

    @property
    def releases(self) -> tuple[str, ...]:
        """Every release that a level of the way names."""
        return tuple(self.values[name] for name in RELEASE_NAMES if self.values.get(name))


@dataclass
class Walk:
    """Walks the steps of one offers entry; what went wrong on the way is kept in `complaints`, never dropped."""

    steps: tuple[Step, ...]
    wanted: Wanted
    documents: Remembering
    complaints: list[IsoManagerError] = field(default_factory=list)

    def ways(self) -> Iterator[Way]:
        """Every document to look into, best first, each once."""
        seen: set[str] = set()
        for way in self._below(0, "", {}):
            if way.url not in seen:
                seen.add(way.url)
                yield way

    def _below(self, level: int, base: str, told: dict[str, str]) -> Iterator[Way]:
        step = self.steps[level]
        for template in step.url:
            for address in expand(template, self._values(told)):
                url = urljoin(base, address)
                if level + 1 == len(self.steps):
                    yield Way(url, told)
                    continue
                for groups in self._groups(step, url):
                    yield from self._below(level + 1, url, told | groups)

    def _groups(self, step: Step, url: str) -> Iterator[dict[str, str]]:
        """What one level tells: first what the selector itself says, then what the level lists."""
        asked = self.wanted.rule.exact
        straight = match_whole(step.direct, asked) if step.direct and asked else None
        if straight is not None:
            yield {"picked": asked, **_with_codename(straight, self.wanted)}
        if not step.pick and not step.search:
            return
        try:
            found = self._picked(step, url)
        except (FetchRefused, ResolveError) as error:
            self.complaints.append(error)
            return
        named = [_with_codename(groups, self.wanted) for groups in found]
        yield from ranked(named, self.wanted)[:_MOST_PICKS]

    def _picked(self, step: Step, url: str) -> list[dict[str, str]]:
        try:
            document = self.documents.fetch(url)
        except ResolveError:
            # only saved documents are allowed, and this one is not saved: what is saved below it tells what it would list
            saved = self.documents.saved_below(url)
            if not saved:
                raise
            return picked(step.pick, saved)
        if step.search:
            return _searched(step.search, document.text, url)
        if step.select:
            return picked(step.pick, api.names(document.text, url, step.select))
        found = picked(step.pick, tuple(link.name for link in listing.links(document.text, document.final_url or url)))
        if not found and not listing.is_listing(document.text):
            raise listing.no_listing(url)
        return found

    def _values(self, told: dict[str, str]) -> dict[str, tuple[str, ...]]:
        values = starting_values(self.wanted) | {name: (text,) for name, text in told.items()}
        if self.wanted.product.codenames:  # an address with a name that nothing has told is none
            values = {"series": (), "codename": ()} | values
        return {name: tuple(text for text in texts if text or name != "codename") for name, texts in values.items()}


def _with_codename(groups: dict[str, str], wanted: Wanted) -> dict[str, str]:
    """The groups with the release that a code name stands for, or with the code name of the release ("" for none)."""
    product = wanted.product
    if not product.codenames:
        return groups
    named = groups.get("codename", "")
    if named in product.codenames:
        return {"series": product.codenames[named], **groups}
    release = next((groups[name] for name in RELEASE_NAMES if groups.get(name)), "")
    return groups | {"codename": named or product.codename(wanted.version(release).text if release else "")}


def _searched(pattern: str, text: str, url: str) -> list[dict[str, str]]:
    """Where `pattern` occurs in the text at `url`; a text that does not tell what it should is an error, never "no release"."""
    found = search_all(pattern, text)
    if found:
        return found
    if listing.looks_like_html(text):
        raise listing.no_listing(url)
    raise FetchRefused(
        f"{url} does not tell the release any more.",
        code="bad-data",
        hint="Upstream's text has changed its form; the product file must follow.",
        url=url,
    )


def starting_values(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    """What addresses can name from the start; a list stands for alternatives."""
    return {
        "product": (wanted.product.id,),
        "flavor": (wanted.flavor_id,),
        "architecture": (wanted.architecture,),
        "arch": wanted.product.upstream_architecture(wanted.architecture),
        "language": wanted.product.map.language.get(wanted.language, (wanted.language,)),
        "edition": (wanted.edition,),
        **wanted.flavor.vars,
    }


def picked(patterns: tuple[str, ...], names: tuple[str, ...]) -> list[dict[str, str]]:
    """The groups of every name that the first useful pattern fits; `picked` is the name itself.

    A listing may or may not write a directory's closing slash, so a pattern may or may not have one.
    """
    for pattern in patterns:
        found = [{"picked": name, **groups} for name in names if (groups := _match_entry(pattern, name)) is not None]
        if found:
            return found
    return []


def _match_entry(pattern: str, name: str) -> dict[str, str] | None:
    plain = match_whole(pattern, name)
    return plain if plain is not None else match_whole(pattern, f"{name}/")


def ranked(found: list[dict[str, str]], wanted: Wanted) -> list[dict[str, str]]:
    """Those that can hold what is wanted, newest release first, pre-releases after every release unless one is asked for."""
    ours = [groups for groups in found if _is_for(groups, wanted)]
    versions = [(groups, _release(groups, wanted)) for groups in ours]
    fitting = [(groups, version) for groups, version in versions if version is None or _can_hold(version, wanted)]
    compared = [(groups, version) for groups, version in fitting if version is not None]
    compared.sort(key=lambda one: one[1], reverse=True)
    if not wanted.allows_pre_release:
        compared.sort(key=lambda one: one[1].is_pre_release)
    return [groups for groups, _ in compared] + [groups for groups, version in fitting if version is None]


def _is_for(groups: dict[str, str], wanted: Wanted) -> bool:
    architecture = groups.get("arch", "")
    ours = not architecture or wanted.product.our_architecture(architecture) in (wanted.architecture, "any")
    return ours and all(groups.get(name, values[0]) in values for name, values in wanted.flavor.match.items())


def _release(groups: dict[str, str], wanted: Wanted) -> Version | None:
    text = next((groups[name] for name in RELEASE_NAMES if groups.get(name)), "")
    return wanted.version(text) if any(letter.isalnum() for letter in text) else None


def _can_hold(release: Version, wanted: Wanted) -> bool:
    asked = wanted.rule.exact
    lts = wanted.product.version.lts
    if wanted.channel == "lts" and match_whole(lts, release.text) is None:
        return False
    return not asked or release.starts_with(Version(asked)) or Version(asked).starts_with(release)
