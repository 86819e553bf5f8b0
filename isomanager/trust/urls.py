"""What may be said of a web address: without its secrets, and whose it is."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit, urlunsplit

_SHARED_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})


def public_url(url: str) -> str:
    """`url` without user, password, query and fragment, which may carry tokens. What is not an address stays as it is."""
    parts = _split(url)
    if not parts.scheme or not parts.netloc:
        return parts.path
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


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
