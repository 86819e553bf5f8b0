"""Which keys the catalogue pins, for which products, and what is known of those that are here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from isomanager.catalogue.product import Product
from isomanager.catalogue.proof_rules import ProofRule
from isomanager.model import Title, Value
from isomanager.trust.certificates import Certificate
from isomanager.trust.keyring import Keyring
from isomanager.trust.public_keys import PublicKey
from isomanager.version import Version


class KnownKey(Value):
    """A key that is here or pinned. `kind` is openpgp, rsa, or ed25519 (signify and minisign: the pin is the key itself);
    `subkeys` are fingerprints; `here` whether signatures can be checked with it now.
    """

    fingerprint: str
    kind: str
    products: tuple[str, ...]
    here: bool
    users: tuple[str, ...] = ()
    subkeys: tuple[str, ...] = ()
    revoked: bool = False
    expires_at: datetime | None = None
    refreshed_at: datetime | None = None


def pinned_keys(product: Product) -> tuple[str, ...]:
    """Every fingerprint that any of the product's proofs pins."""
    listed = [key for proof in proof_rules(product) for key in proof.keys]
    by_name = [
        key for one in proof_rules(product) for named in one.keys_by.values() for many in named.values() for key in many
    ]
    return tuple(dict.fromkeys([*listed, *by_name]))


def keys_for(product: Product, title: Title) -> frozenset[str]:
    """The keys that may vouch for this title: those for every release, and those for its own (Fedora 43's not for 44)."""
    found: set[str] = set()
    for rule in proof_rules(product):
        found.update(rule.keys)
        for by_value in rule.keys_by.values():
            for value, keys in by_value.items():
                if title.version.starts_with(Version(value)):
                    found.update(keys)
    return frozenset(found)


def pinned_for(product: Product, fingerprint: str) -> tuple[str, ...]:
    """What the product pins a key for: `every release`, or values such as `major 43`; nothing when it does not pin it."""
    found: list[str] = []
    for rule in proof_rules(product):
        found += ["every release"] if fingerprint in rule.keys else []
        for name, by_value in rule.keys_by.items():
            found += [f"{name} {value}" for value, keys in by_value.items() if fingerprint in keys]
    return tuple(dict.fromkeys(found))


def proof_rules(product: Product) -> list[ProofRule]:
    """The proofs of the product and those of its offers entries."""
    return [*product.proof, *(proof for offer in product.offers for proof in offer.proof)]


def is_fetched(pin: str) -> bool:
    """Whether a pin is a fingerprint whose key has to be fetched; a signify or minisign key is pinned whole."""
    return re.fullmatch(r"[0-9A-F]+", pin) is not None


def pinned_by(products: Iterable[Product]) -> dict[str, list[str]]:
    """Ids of products by the fingerprints that they pin."""
    found: dict[str, list[str]] = {}
    for product in products:
        for fingerprint in pinned_keys(product):
            if is_fetched(fingerprint):
                found.setdefault(fingerprint, []).append(product.id)
    return found


def known_keys(
    keyring: Keyring, products: Iterable[Product], refreshed: dict[str, datetime], *, every: bool = False
) -> tuple[KnownKey, ...]:
    """The keys that are here, with who pins them; `every`: also those that are pinned and not here, and those pinned whole."""
    products = tuple(products)
    pinned = pinned_by(products)
    here = [_of_certificate(one, pinned, refreshed) for one in keyring.certificates()]
    here += [_of_public(one, pinned, refreshed) for one in keyring.public_keys()]
    if not every:
        return tuple(here)
    known = {one.fingerprint for one in here}
    rest = [
        KnownKey(fingerprint=one, kind="openpgp" if len(one) == 40 else "rsa", products=tuple(names), here=False)
        for one, names in sorted(pinned.items())
        if one not in known
    ]
    return (*here, *rest, *_whole(products))


def _whole(products: tuple[Product, ...]) -> Iterable[KnownKey]:
    found: dict[str, list[str]] = {}
    for product in products:
        for pin in pinned_keys(product):
            if not is_fetched(pin):
                found.setdefault(pin, []).append(product.id)
    return (KnownKey(fingerprint=pin, kind="ed25519", products=tuple(names), here=True) for pin, names in found.items())


def _of_certificate(one: Certificate, pinned: dict[str, list[str]], refreshed: dict[str, datetime]) -> KnownKey:
    return KnownKey(
        fingerprint=one.fingerprint,
        kind="openpgp",
        products=tuple(pinned.get(one.fingerprint, ())),
        here=True,
        users=one.users,
        subkeys=tuple(key.fingerprint for key in one.keys[1:]),
        revoked=one.primary.revoked,
        expires_at=one.primary.expires_at,
        refreshed_at=refreshed.get(one.fingerprint),
    )


def _of_public(one: PublicKey, pinned: dict[str, list[str]], refreshed: dict[str, datetime]) -> KnownKey:
    return KnownKey(
        fingerprint=one.fingerprint,
        kind="rsa",
        products=tuple(pinned.get(one.fingerprint, ())),
        here=True,
        refreshed_at=refreshed.get(one.fingerprint),
    )
