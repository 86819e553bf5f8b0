"""Which releases a product has, from documents that list releases without files. File names are never built from these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.patterns import match_whole
from isomanager.catalogue.product import Product, ReleaseList
from isomanager.catalogue.selection import series_of
from isomanager.catalogue.strategies.listing import links, looks_like_html, no_listing
from isomanager.catalogue.wanted import epoch_of, wanted
from isomanager.errors import FetchRefused, IsoManagerError, ResolveError, TransientError
from isomanager.model import Selector, Value
from isomanager.version import Version


class Release(Value):
    """A release as upstream lists it; `supported` is None where upstream does not say, else whether it is out and maintained.
    `line` is the line of the product it belongs to, where a product has several (leap, tumbleweed).
    """

    version: Version
    series: str
    codename: str = ""
    supported: bool | None = None
    lts: bool = False
    line: str = ""


def releases(product: Product, documents: DocumentSource) -> tuple[Release, ...]:
    """Every release upstream lists, oldest first. Raises ResolveError when the product names no such list, or it is empty."""
    if not product.releases:
        raise ResolveError(
            f"{product.name}'s upstream has no list of releases that the catalogue knows.", product=product.id
        )
    found = [one for listed in product.releases for one in listed_releases(listed, product, documents)]
    if not found:
        raise ResolveError(f"{product.releases[0].url} lists no release of {product.name}.", product=product.id)
    return tuple(sorted(found, key=lambda one: one.version))


def listed_releases(listed: ReleaseList, product: Product, documents: DocumentSource) -> tuple[Release, ...]:
    """The releases in one list, in its order."""
    text = documents.fetch(listed.url).text
    return tuple(_release(one, product, listed.line) for one in _rows(listed, text))


def latest(found: tuple[Release, ...], *, lts: bool = False) -> Release | None:
    """The newest release, or the newest long-term one."""
    return max((one for one in found if one.lts or not lts), key=lambda one: one.version, default=None)


def newest_listed(product: Product, selector: Selector, documents: DocumentSource) -> Version | None:
    """The newest listed release that the selector accepts; None when the product has no list, or none in it fits.

    Of several lists one is enough. Raises what the last of them said when none can be read.
    """
    one = wanted(product, selector)[0]
    found: list[Version] = []
    wrong: IsoManagerError | None = None
    for listed in (*product.releases, *product.witnesses):
        if listed.line not in ("", one.flavor_id):
            continue
        try:
            rows = tuple(_rows(listed, documents.fetch(listed.url).text))
        except (ResolveError, FetchRefused, TransientError) as error:
            wrong = error
            continue
        found += [one.version(row["version"]) for row in rows if _is_version(row["version"])]
    if not found and wrong is not None:
        raise wrong
    fitting = [version for version in found if one.accepts(version)]
    return max(fitting, default=None)


def _is_version(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def _rows(listed: ReleaseList, text: str) -> Iterator[dict[str, str]]:
    if listed.form == "listing":
        names = (link.name for link in links(text, listed.url))
        found = (match_whole(listed.pick, name) or match_whole(listed.pick, f"{name}/") for name in names)
        yield from (groups for groups in found if groups is not None)
        return
    for stanza in _tables(listed, text):
        version = stanza.get(listed.version, "").split(" ")[0]
        if version:
            codename, supported = stanza.get(listed.codename, ""), stanza.get(listed.supported, "")
            yield {"version": version, "codename": codename, "supported": supported}


def _tables(listed: ReleaseList, text: str) -> Iterable[dict[str, str]]:
    if listed.form == "deb822":
        return stanzas(text, listed.url)
    from isomanager.catalogue.strategies import api  # most lists need no JMESPath

    rows = api.search(listed.select, api.load(text, listed.url))
    found = (row for row in rows or () if isinstance(row, dict))
    return ({name: "" if value is None else str(value) for name, value in row.items()} for row in found)


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


_SUPPORTED = ("1", "Stable", "Supported", "True", "true")


def _release(row: dict[str, str], product: Product, line: str) -> Release:
    text = row["version"]
    version = Version(text, epoch_of(product, text))
    said = row.get("supported", "")
    return Release(
        version=version,
        series=series_of(version, product).text,
        codename=row.get("codename", ""),
        supported=said in _SUPPORTED if said else None,
        line=line,
        lts=bool(product.version.lts) and match_whole(product.version.lts, version.text) is not None,
    )
