"""When an unfinished file may be continued: only if the file upstream is provably the same."""

from __future__ import annotations

from isomanager.storage.contract import PartialRef, Store, Validators


def partial_named(store: Store, key: str) -> PartialRef | None:
    """The unfinished file named `key`, if it is there."""
    return next((ref for ref in store.partials() if ref.key == key), None)


def resume_headers(ref: PartialRef) -> dict[str, str]:
    """Range and If-Range for the rest of `ref`; empty when nothing guards the resume.

    A weak ETag guards nothing (RFC 9110, section 13.1.5); a Last-Modified date does as long as the size is known too.
    """
    etag, modified = ref.validators.etag, ref.validators.last_modified
    if etag and not etag.startswith("W/"):
        return {"Range": f"bytes={ref.front}-", "If-Range": etag}
    if modified and ref.validators.size is not None:
        return {"Range": f"bytes={ref.front}-", "If-Range": modified}
    return {}


def same_file(before: Validators, now: Validators) -> bool:
    """Whether two answers speak of the same bytes: nothing that both say differs, and a strong validator is among it."""
    pairs = [(before.etag, now.etag), (before.last_modified, now.last_modified), (before.size, now.size)]
    if any(one != other for one, other in pairs if one not in ("", None) and other not in ("", None)):
        return False
    strong = bool(before.etag) and not before.etag.startswith("W/") and before.etag == now.etag
    dated = bool(before.last_modified) and before.last_modified == now.last_modified and before.size == now.size
    return strong or dated
