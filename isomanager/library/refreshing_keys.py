"""Refresh keys: fetch pinned keys again and merge them, so that revocations, renewals and new subkeys arrive."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.product import Product
from isomanager.errors import Cancelled, IsoManagerError, ResolveError, UsageError
from isomanager.library.opening import Library
from isomanager.library.pinned_keys import is_fetched, pinned_by, pinned_keys
from isomanager.model import Offer, Value
from isomanager.storage.durable import make_folders, replace_durably
from isomanager.trust.certificates import Certificate, normalised
from isomanager.trust.evidence import FETCHED_KEYS
from isomanager.trust.key_changes import describe_changes
from isomanager.trust.keyring import MAX_KEY_BYTES
from isomanager.trust.urls import without_secrets

_log = logging.getLogger(__name__)

_AGAIN_AFTER = timedelta(days=1)
_TIMES = "refreshed.json"


Outcome = Literal["new", "changed", "unchanged", "failed"]


class KeyRefresh(Value):
    """What became of one key: `changes` in plain words; `failed` says by address why it gave nothing."""

    fingerprint: str
    products: tuple[str, ...]
    outcome: Outcome
    changes: tuple[str, ...] = ()
    failed: dict[str, str] = Field(default_factory=dict)


def refresh_keys(library: Library, names: Sequence[str] = ()) -> tuple[KeyRefresh, ...]:
    """Fetch the keys of these products, or with these fingerprints, again; without names every pinned key that is here.

    UsageError for a name that is neither a product nor a pinned key.
    """
    pinned = pinned_by(library.catalogue.products)
    wanted = _chosen(library, names, pinned) if names else [one for one in pinned if library.keyring.has(one)]
    return tuple(_refresh(library, one, pinned[one]) for one in dict.fromkeys(wanted))


def _chosen(library: Library, names: Sequence[str], pinned: dict[str, list[str]]) -> Iterable[str]:
    for name in names:
        if normalised(name) in pinned:
            yield normalised(name)
            continue
        try:
            product = library.catalogue.product(name)
        except ResolveError as wrong:
            raise UsageError(
                f"'{name}' is neither a product nor the fingerprint of a key that a product pins.",
                hint="`isomanager keys list --all` shows them.",
            ) from wrong
        yield from (one for one in pinned_keys(product) if is_fetched(one))


def _refresh(library: Library, fingerprint: str, products: Sequence[str]) -> KeyRefresh:
    before, was_here = library.keyring.certificate(fingerprint), library.keyring.has(fingerprint)
    failed: dict[str, IsoManagerError] = {}
    gave = [
        _fetch(
            library,
            library.catalogue.product(one),
            fingerprint,
            library.documents(library.catalogue.product(one)),
            failed,
        )
        for one in products
    ]
    _note(library, [fingerprint])
    changes = _changes(library, fingerprint, before) if was_here or not any(gave) else ("it is here now",)
    return KeyRefresh(
        fingerprint=fingerprint,
        products=tuple(products),
        outcome=_outcome(any(gave), was_here, bool(changes)),
        changes=changes,
        failed={url: wrong.message for url, wrong in failed.items()},
    )


def _outcome(gave: bool, was_here: bool, changed: bool) -> Outcome:
    if not gave:
        return "failed"
    if not was_here:
        return "new"
    return "changed" if changed else "unchanged"


def _fetch(
    library: Library,
    product: Product,
    fingerprint: str,
    documents: DocumentSource,
    failed: dict[str, IsoManagerError],
) -> bool:
    """Ask every address, for one may know of a revocation that another does not; whether any gave the key."""
    gave = False
    for url in product.key_urls(fingerprint, library.settings.keyservers):
        told = without_secrets(url)
        if told in failed:
            continue
        try:
            library.keyring.accept(fingerprint, documents.fetch(url, max_bytes=MAX_KEY_BYTES).content)
            gave = True
        except Cancelled:
            raise
        except IsoManagerError as wrong:
            failed[told] = wrong
    return gave


def _changes(library: Library, fingerprint: str, before: Certificate | None) -> tuple[str, ...]:
    after = library.keyring.certificate(fingerprint)
    return describe_changes(before, after) if after else ()


def refresh_stale(library: Library, product: Product, offer: Offer, documents: DocumentSource) -> bool:
    """Fetch the offer's pinned keys again of which a copy is here, each at most once a day; whether any has changed.

    For a signature that our copy cannot judge: the vendor may have renewed its key, or signs with a new subkey.
    """
    due = [one for one in _pins(offer) if library.keyring.has(one) and _is_due(library, one)]
    changed = False
    for fingerprint in due:
        before, failed = library.keyring.certificate(fingerprint), dict[str, IsoManagerError]()
        gave = _fetch(library, product, fingerprint, documents, failed)
        if not gave and all(wrong.code == "document-missing" for wrong in failed.values()):
            continue  # offline: nobody was asked
        _note(library, [fingerprint])
        told = _changes(library, fingerprint, before)
        _log.info("The key %s was fetched again: %s", fingerprint, "; ".join(told) or "nothing has changed")
        changed = changed or bool(told)
    return changed


def _pins(offer: Offer) -> list[str]:
    pins = (
        pin
        for proof in offer.proofs
        if proof.signature is not None and proof.signature.kind in FETCHED_KEYS
        for pin in proof.signers
    )
    return list(dict.fromkeys(normalised(pin) for pin in pins))


def refreshed_at(library: Library) -> dict[str, datetime]:
    """When each key was last asked for anew, by fingerprint."""
    try:
        told = json.loads((library.settings.keys_folder / _TIMES).read_text("utf-8"))
        return {str(name): datetime.fromisoformat(moment) for name, moment in told.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # a note that cannot be read costs one fetch


def _is_due(library: Library, fingerprint: str) -> bool:
    last = refreshed_at(library).get(fingerprint)
    return last is None or not timedelta() <= library.now() - last < _AGAIN_AFTER


def _note(library: Library, fingerprints: Sequence[str]) -> None:
    if fingerprints:
        told = refreshed_at(library) | dict.fromkeys(fingerprints, library.now())
        text = json.dumps({name: moment.isoformat() for name, moment in sorted(told.items())}, indent=1)
        make_folders(library.settings.keys_folder)
        replace_durably(library.settings.keys_folder / _TIMES, text.encode())
