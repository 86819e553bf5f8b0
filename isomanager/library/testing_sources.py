"""Whether sources answer, whether they have an image, and how fast they are: asked now, and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from isomanager.errors import FetchRefused, IsoManagerError, Refused, UsageError
from isomanager.library.opening import Library
from isomanager.library.requesting import Asked, judge_request
from isomanager.library.site_keys import trusted_sites
from isomanager.library.sourcing import places_of, source_policy
from isomanager.model import Expectation, SourceRecord, Value
from isomanager.storage.index import SIGNATURE, SUMS
from isomanager.transfer.answers import refuse_nonsense, whole_size
from isomanager.transfer.bodies import Body
from isomanager.transfer.documents import HttpDocuments, Manners
from isomanager.transfer.http import open_stream
from isomanager.transfer.limits import Limits
from isomanager.trust.minisign import verify_minisign
from isomanager.trust.urls import without_secrets

MEASURED = 16 << 20
"""So many bytes are fetched to measure a source."""

_NOT_THERE = (401, 403, 404)
_MAX_SIGNATURE, _MAX_SUMS = 4096, 64 << 20


class SourceCheck(Value):
    """How one source did. `speed` in bytes a second, None where nothing was measured."""

    name: str
    url: str
    ok: bool
    speed: float | None = None
    told: str = ""


def check_sources(library: Library, names: Sequence[str], image: str) -> tuple[SourceCheck, ...]:
    """Ask the sources `names` (none means all of the user's). With `image`, a selector, they are asked for that image.

    InventoryError for an unknown name; what is wrong with a source is its result.
    """
    sources = [library.inventory.source(name) for name in names] or list(library.inventory.sources())
    expectation = judge_request(library, Asked(selector=image)) if image else None
    if expectation is not None and not expectation.digests:
        raise UsageError(f"There is no digest for {image}: no source but the vendor's own is asked for it.")
    return tuple(_check(library, one, expectation) for one in sources if one.base)


def _check(library: Library, source: SourceRecord, expectation: Expectation | None) -> SourceCheck:
    url = source.base
    try:
        if expectation is None:
            speed, told = None, _reach(library, source)
        else:
            url = _address(library, source, expectation)
            speed, told = _measure(library, source, url, expectation), ""
        result = SourceCheck(name=source.name, url=without_secrets(url), ok=True, speed=speed, told=told)
    except IsoManagerError as wrong:
        result = SourceCheck(name=source.name, url=without_secrets(url), ok=False, told=wrong.message)
    library.inventory.remember_source(source.name, speed=result.speed, told="" if result.ok else result.told)
    return result


def _reach(library: Library, source: SourceRecord) -> str:
    """A folder that may not be listed answers too."""
    address = f"{source.base.rstrip('/')}/"
    try:
        with open_stream(library.client, "GET", address, policy=source_policy(source), stop=library.stop) as response:
            told = f"answers {response.status_code}"
    except FetchRefused as refused:
        if refused.data.get("status") not in _NOT_THERE:
            raise
        told = f"answers {refused.data['status']} for the folder itself"
    return told + _signed_by(library, source)


def _signed_by(library: Library, source: SourceRecord) -> str:
    """Who signed the sums of a source that is a repository of another isomanager; "" where nobody did.

    Refused (bad-signature) where a site that is trusted here signed other sums than there are.
    """
    base, manners = source.base.rstrip("/"), Manners(patience=library.settings.document_patience, stop=library.stop)
    documents = HttpDocuments(library.client, source_policy(source), manners)
    try:
        signature = documents.fetch(f"{base}/{SIGNATURE}", max_bytes=_MAX_SIGNATURE).content
        sums = documents.fetch(f"{base}/{SUMS}", max_bytes=_MAX_SUMS).content
    except FetchRefused as refused:
        if refused.data.get("status") not in _NOT_THERE:
            raise
        return ""
    result = verify_minisign(sums, signature, trusted_sites(library))
    if result.valid:
        return f"; its {SUMS} are signed by the site {result.primary_fingerprint}"
    if result.reason == "unknown-key":
        return f"; its {SUMS} are signed by a site that the setting site_keys does not name"
    raise Refused(f"The signature of its {SUMS} does not hold. {result.note}", code="bad-signature")


def _address(library: Library, source: SourceRecord, expectation: Expectation) -> str:
    found = next((one.url for one in places_of(library, expectation).addresses if one.source == source.name), None)
    if found is None:
        raise UsageError(f"{source.name} maps to no address for {expectation.offer.filename}.")
    return found


def _measure(library: Library, source: SourceRecord, url: str, expectation: Expectation) -> float:
    headers = {"Range": f"bytes=0-{MEASURED - 1}"}
    limits = Limits.of(library.settings)
    with open_stream(
        library.client, "GET", url, policy=source_policy(source), headers=headers, stop=library.stop
    ) as response:
        size = whole_size(response.status_code, response.headers)
        refuse_nonsense(
            without_secrets(url),
            response.headers,
            size,
            expected_size=expectation.size,
            max_bytes=limits.max_bytes,
        )
        body, buffer, began = Body(response, without_secrets(url), limits), memoryview(bytearray(1 << 20)), monotonic()
        while body.read < MEASURED and body.readinto(buffer):
            pass
        return body.read / max(monotonic() - began, 0.001)
