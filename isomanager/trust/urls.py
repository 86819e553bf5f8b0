"""What may be said of a web address: without its secrets, and whose it is."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit, urlunsplit

_SHARED_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})


_UNREADABLE = "(an unreadable address)"


def without_secrets(url: str) -> str:
    """The address without user, password, query and fragment: fit for logs, messages and receipts. Never fails.

    A path stays one. Of what cannot be read as an address only the scheme is told: there is no knowing where in it a password
    stands.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{url.partition(':')[0][:10]}://{_UNREADABLE}"
    if host:
        host = f"[{host}]" if ":" in host else host
        return urlunsplit((parts.scheme, f"{host}:{port}" if port else host, parts.path, "", ""))
    if parts.netloc or "@" in url or len(parts.scheme) > 1:
        return f"{parts.scheme}://{_UNREADABLE}"
    return f"{parts.scheme}:{parts.path}" if parts.scheme else parts.path  # C:\\ISOs


def is_https(url: str) -> bool:
    """Whether `url` is an HTTPS address."""
    return _split(url).scheme.lower() == "https"


def same_owner(first: str, second: str) -> bool:
    """Whether two addresses are of one registered domain, judged by their last labels (three below `co.uk` and its like)."""
    return bool(_domain(first)) and _domain(first) == _domain(second)


def _domain(url: str) -> str:
    labels = (_split(url).hostname or "").split(".")
    if labels[-1].isdigit():
        return ".".join(labels)
    kept = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED_SECOND_LEVELS else 2
    return ".".join(labels[-kept:])


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # upstream's text is hostile: what is no address has no parts, and belongs to nobody
        return SplitResult("", "", "", "", "")
