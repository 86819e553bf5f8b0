"""From the words in which other programs and people name an image to a title."""

from __future__ import annotations

import re
import unicodedata

from isomanager.catalogue.naming import named
from isomanager.catalogue.product import Product
from isomanager.catalogue.wanted import epoch_of, usual_spelling
from isomanager.errors import ResolveError, UsageError
from isomanager.library.opening import Library
from isomanager.model import VANILLA, Family, Selector, Title, architecture
from isomanager.version import Version

_UNKNOWN_VERSION = "0"


def title_of(
    library: Library,
    name: str,
    *,
    family: str = "",
    flavor: str = "",
    version: str = "",
    architecture_text: str = "",
    language: str = "",
    edition: str = "",
) -> Title:
    """The title for these words: a product of the catalogue by whatever name means it (`WindowsServer2025` too, of which flavor
    and version count where none are given); any other name is a custom image.

    UsageError for a name or version of which nothing can be made.
    """
    meaning = _meaning(library, name, family)
    product = meaning[0] if meaning else None
    known = _family(family) or Family.CUSTOM
    return Title(
        family=product.family if product else known,
        product=product.id if product else slug(name),
        flavor=_flavor(product, flavor or (meaning[1].flavor if meaning else "")),
        version=_version(meaning, version.strip()),
        architecture=product.our_architecture(architecture_text or "x86_64")
        if product
        else architecture(architecture_text or "any"),
        language=product.our_language(language) if product else language,
        edition=edition,
    )


def _meaning(library: Library, name: str, family: str) -> tuple[Product, Selector] | None:
    """What the catalogue makes of a name; nothing of what people say they have made themselves (`Windows-Custom`)."""
    if family.lower().endswith("custom"):
        return None
    try:
        return named(library.catalogue, name)
    except (ResolveError, UsageError):
        return None


def _version(meaning: tuple[Product, Selector] | None, version: str) -> Version:
    """The version in the product's terms; the one that the name says where none is given."""
    if meaning is None:
        return Version(version or _UNKNOWN_VERSION)
    product, selector = meaning
    text = usual_spelling(product, version) or selector.rule.exact or _UNKNOWN_VERSION
    return Version(text, epoch_of(product, text))


def _family(text: str) -> Family | None:
    lowered = text.strip().lower()
    return Family(lowered) if lowered in list(Family) else None


def _flavor(product: Product | None, flavor: str) -> str:
    """The product's own name of a flavor that it has; another one is kept as it was written."""
    wanted = slug(flavor) if flavor else ""
    if product is None or not wanted:
        return wanted or (product.first_flavor if product else VANILLA)
    named = {slug(name): key for key, one in product.flavors.items() for name in (key, *one.aliases)}
    return named.get(wanted, wanted)


def slug(text: str) -> str:
    """A name in lower-case letters, digits and dashes; UsageError when nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    told = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")
    if not told:
        raise UsageError(f"'{text}' cannot name an image: it has no letter or digit.", text=text)
    return told
