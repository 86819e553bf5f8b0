"""Which releases a product has, from documents that list releases without files. File names are never built from these."""

from __future__ import annotations

from collections.abc import Iterator

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.patterns import match_whole
from isomanager.catalogue.product import Product, ReleaseList
from isomanager.catalogue.selection import series_of
from isomanager.catalogue.strategies.listing import links, looks_like_html, no_listing
from isomanager.errors import ResolveError
from isomanager.model import Value
from isomanager.version import Version


class Release(Value):
    """A release as upstream lists it; `supported` is None where upstream does not say."""

    version: Version
    series: str
    codename: str = ""
    supported: bool | None = None
    lts: bool = False


def releases(product: Product, documents: DocumentSource) -> tuple[Release, ...]:
    """Every release upstream lists, oldest first. Raises ResolveError when the product names no such list, or it is empty."""
    if not product.releases:
        raise ResolveError(
            f"{product.name}'s upstream has no list of releases that the catalogue knows.", product=product.id
        )
    found: list[Release] = []
    for listed in product.releases:
        text = documents.fetch(listed.url).text
        found += [_release(one, product) for one in _rows(listed, text)]
    if not found:
        raise ResolveError(f"{product.releases[0].url} lists no release of {product.name}.", product=product.id)
    return tuple(sorted(found, key=lambda one: one.version))


def latest(found: tuple[Release, ...], *, lts: bool = False) -> Release | None:
    """The newest release, or the newest long-term one."""
    return max((one for one in found if one.lts or not lts), key=lambda one: one.version, default=None)


def _rows(listed: ReleaseList, text: str) -> Iterator[dict[str, str]]:
    if listed.form == "listing":
        names = (link.name for link in links(text, listed.url))
        found = (match_whole(listed.pick, name) or match_whole(listed.pick, f"{name}/") for name in names)
        yield from (groups for groups in found if groups is not None)
        return
    for stanza in stanzas(text, listed.url):
        version = stanza.get(listed.version, "").split(" ")[0]
        if version:
            codename, supported = stanza.get(listed.codename, ""), stanza.get(listed.supported, "")
            yield {"version": version, "codename": codename, "supported": supported}


def stanzas(text: str, url: str) -> Iterator[dict[str, str]]:
    """The stanzas of a deb822 document (`Field: value` lines, blank lines between; continuation lines are left out)."""
    if looks_like_html(text):
        raise no_listing(url)
    stanza: dict[str, str] = {}
    for line in [*text.splitlines(), ""]:
        name, colon, value = line.partition(":")
        if not line.strip():
            if stanza:
                yield stanza
            stanza = {}
        elif colon and not line.startswith((" ", "\t")):
            stanza[name] = value.strip()


def _release(row: dict[str, str], product: Product) -> Release:
    version = Version(row["version"])
    said = row.get("supported", "")
    return Release(
        version=version,
        series=series_of(version, product).text,
        codename=row.get("codename", ""),
        supported=said == "1" if said else None,
        lts=bool(product.version.lts) and match_whole(product.version.lts, version.text) is not None,
    )
