"""A second look at bytes that the evidence refuses: is one address wrong, or is what upstream publishes?

Bytes that are not what was announced are fetched once more, from another address where there is one. If that gives what was
announced, the first address was wrong. If it gives the very same other bytes, upstream is broken: no address serves what its
document says. That is worth a transfer, because it is remembered until the document changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from isomanager.errors import FetchRefused, Refused, TransientError
from isomanager.model import Expectation, Offer, Received
from isomanager.transfer.download import Request
from isomanager.trust.urls import without_secrets

_log = logging.getLogger(__name__)

_MOST_LOOKS = 2
_SMALLEST_IMAGE = 1 << 20


def look_again(
    expectation: Expectation,
    request: Request,
    received: Received,
    fetch: Callable[[Request], Received],
    discard: Callable[[], None],
) -> Received:
    """What was announced, if another address or another try gives it; else the last bytes that came, with `refused` telling what
    each look gave. `discard` lets go of the bytes that lie there."""
    if not differs(expectation, received) or not _is_upstream_s_claim(expectation.offer):
        return received
    for url in _addresses(request, received)[:_MOST_LOOKS]:
        if _agreed(received):
            break
        told = without_secrets(url)
        _log.warning("%s: what came is not what upstream announced; it is fetched from %s", request.final, told)
        discard()
        try:
            again = fetch(replace(request, urls=(url,)))
        except (TransientError, FetchRefused) as wrong:
            _log.warning("%s: no second look at it: %s", request.final, wrong)
            continue
        received = again.model_copy(update={"refused": (*received.refused, _look(received))})
        if not differs(expectation, received):
            break
    return received


def differs(expectation: Expectation, received: Received) -> bool:
    """Whether the received bytes lack a digest that the evidence demands."""
    taken = received.proved_bytes.digests
    return any(taken.get(name) != digest for name, digest in expectation.digests.items())


def _is_upstream_s_claim(offer: Offer) -> bool:
    # a digest that a person gave says nothing about upstream
    return bool(offer.proofs or offer.digests)


def _addresses(request: Request, received: Received) -> list[str]:
    """Other addresses first; the one that was asked last, which may have been one of several."""
    others = [url for url in request.urls if without_secrets(url) != received.url]
    return [*others, *(url for url in request.urls if url not in others)]


def _look(received: Received) -> tuple[str, str]:
    return received.url, received.proved_bytes.digests.get("sha256", "")


def _agreed(received: Received) -> bool:
    """Whether two looks gave the same other bytes."""
    return any(digest == _look(received)[1] for _, digest in received.refused)


def broken_size(expectation: Expectation, wrong: FetchRefused) -> Refused | None:
    """The refusal for a file that has another size at every address than its checksum document says; None when what is there is no
    image at all."""
    got = wrong.data.get("got")
    if wrong.code != "wrong-size" or not isinstance(got, int) or not _is_upstream_s_claim(expectation.offer):
        return None
    low, high = expectation.offer.size_range or (_SMALLEST_IMAGE, 1 << 62)
    if not low <= got <= high:
        return None
    name = expectation.offer.filename
    return Refused(
        f"Upstream is broken: it says that {name} has {expectation.size} bytes, and serves {got} bytes.",
        code="upstream-broken",
        hint="Nothing is fetched until what upstream publishes changes. Its vendor may be glad to hear of it.",
        expected=expectation.size,
        got=got,
    )
