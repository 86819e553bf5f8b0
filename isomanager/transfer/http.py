"""The HTTP door: one client, redirects followed under a policy, and every foreign error mapped here, once.

Redirects are followed by hand because each hop is judged: HTTPS is never left and private addresses are never reached unless
the source says so (a mirror in one's own network, the sample upstream).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from time import time
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from isomanager.errors import (
    BodyTruncated,
    ConfigurationError,
    ConnectionFailed,
    FetchRefused,
    IsoManagerError,
    ServerBusy,
    Stalled,
)
from isomanager.settings import Settings

MAX_REDIRECTS = 10
_BUSY = {408, 425, 429, 500, 502, 503, 504, 509}


@dataclass(frozen=True)
class FetchPolicy:
    """What a source allows: plain HTTP, and addresses in private networks."""

    allow_http: bool = False
    allow_private: bool = False


@dataclass(frozen=True)
class ContentRange:
    """`Content-Range: bytes first-last/total`; all in bytes, `total` None for `*`."""

    first: int
    last: int
    total: int | None


def open_client(settings: Settings) -> httpx.Client:
    """The process's one client: connection pool, timeouts, system proxies, the user's certificate authorities."""
    timeout = httpx.Timeout(
        settings.stall_timeout, connect=settings.connect_timeout, read=settings.first_byte_timeout, pool=None
    )
    return httpx.Client(
        timeout=timeout,
        verify=_certificates(settings),
        follow_redirects=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        headers={"User-Agent": f"isomanager/{version('isomanager')}", "Accept-Encoding": "identity"},
    )


def _certificates(settings: Settings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file))
    except OSError as wrong:
        raise ConfigurationError(
            f"ca_file {settings.ca_file} is not a readable file of PEM certificates: {wrong}."
        ) from wrong


@contextmanager
def mapped_errors(url: str) -> Iterator[None]:
    """Turn httpx's errors into ours; `url` is told without credentials and query."""
    told = without_secrets(url)
    try:
        yield
    except httpx.ConnectTimeout as wrong:
        raise ConnectionFailed(f"{told}: no connection within the time allowed.", url=told) from wrong
    except httpx.TimeoutException as wrong:
        raise Stalled(f"{told}: no bytes came within the time allowed.", url=told) from wrong
    except httpx.RemoteProtocolError as wrong:
        raise BodyTruncated(
            f"{told}: the connection ended before the whole answer was there ({wrong}).", url=told
        ) from wrong
    except httpx.ConnectError as wrong:
        raise _connect_error(told, wrong) from wrong
    except httpx.TransportError as wrong:
        raise ConnectionFailed(f"{told}: the connection broke ({wrong or type(wrong).__name__}).", url=told) from wrong
    except httpx.DecodingError as wrong:
        raise FetchRefused(
            f"{told}: the answer cannot be decoded ({wrong}).", code="content-encoding", url=told
        ) from wrong
    except httpx.InvalidURL as wrong:
        raise FetchRefused(
            f"{told} is not an address that can be fetched ({wrong}).", code="http-status", url=told
        ) from wrong


def _connect_error(told: str, wrong: httpx.ConnectError) -> IsoManagerError:
    if "CERTIFICATE_VERIFY_FAILED" in str(wrong):
        return FetchRefused(
            f"{told}: the server's certificate cannot be trusted ({wrong}).",
            code="tls",
            hint="Behind a proxy that signs anew, name its authority with the setting ca_file.",
            url=told,
        )
    return ConnectionFailed(f"{told}: no connection ({wrong}).", url=told)


def without_secrets(url: str) -> str:
    """The address without user, password, query and fragment: fit for logs, messages and receipts."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


@contextmanager
def open_stream(
    client: httpx.Client, method: str, url: str, *, policy: FetchPolicy, headers: Mapping[str, str] | None = None
) -> Iterator[httpx.Response]:
    """The answer at the end of the redirects, its body not yet read. Status 200, 206 or 416; everything else raises."""
    current = url
    check_scheme(current, policy)
    for _ in range(MAX_REDIRECTS + 1):
        with mapped_errors(current), client.stream(method, current, headers=dict(headers or {})) as response:
            if not response.has_redirect_location:
                raise_for_status(response, url)
                yield response
                return
            target = urljoin(current, response.headers["location"])
        check_redirect(current, target, policy)
        current = target
    raise FetchRefused(f"{without_secrets(url)} redirects more than {MAX_REDIRECTS} times.", code="forbidden-redirect")


def check_scheme(url: str, policy: FetchPolicy) -> None:
    """Refuse anything but HTTPS, and HTTP where the source does not allow it."""
    scheme = urlsplit(url).scheme
    if scheme == "https" or (scheme == "http" and policy.allow_http):
        return
    raise FetchRefused(
        f"{without_secrets(url)} is not HTTPS.",
        code="forbidden-redirect",
        hint="A product file allows plain HTTP with `allow_http = true` under [source].",
        url=without_secrets(url),
    )


def check_redirect(origin: str, target: str, policy: FetchPolicy) -> None:
    """Refuse a redirect that leaves HTTPS, or leads from one host to a private address."""
    told = f"{without_secrets(origin)} redirects to {without_secrets(target)}"
    before, after = urlsplit(origin), urlsplit(target)
    if after.scheme not in ("http", "https") or (after.scheme == "http" and before.scheme == "https"):
        raise FetchRefused(f"{told}, which leaves HTTPS.", code="forbidden-redirect", url=without_secrets(origin))
    check_scheme(target, policy)
    if not policy.allow_private and after.hostname != before.hostname and reaches_private(after.hostname or ""):
        raise FetchRefused(
            f"{told}, an address in a private network.",
            code="forbidden-redirect",
            hint="A product file allows this with `allow_private = true` under [source].",
            url=without_secrets(origin),
        )


def reaches_private(host: str) -> bool:
    """Whether any address of `host` is private, loopback, link-local or otherwise not public (RFC 6890)."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False  # the connection itself will say so, as a transient error
    return any(not ipaddress.ip_address(address.partition("%")[0]).is_global for address in found)


def raise_for_status(response: httpx.Response, url: str) -> None:
    """ServerBusy for what may pass, FetchRefused for what will not."""
    status, told = response.status_code, without_secrets(url)
    if status in (200, 206, 416):
        return
    if status in _BUSY:
        wait = retry_after(response.headers.get("retry-after", ""))
        raise ServerBusy(
            f"{told} answered {status}: the server asks for patience.", url=told, status=status, retry_after=wait
        )
    raise FetchRefused(
        f"{told} answered {status} {response.reason_phrase}.", code="http-status", url=told, status=status
    )


def retry_after(text: str) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, section 10.2.3); None when it says neither."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, TypeError):
        return None


def content_range(text: str) -> ContentRange | None:
    """Read a Content-Range header; None when it is missing or says nothing usable."""
    unit, _, rest = text.strip().partition(" ")
    span, _, total = rest.partition("/")
    first, _, last = span.partition("-")
    if unit != "bytes" or not first.isdigit() or not last.isdigit() or not (total.isdigit() or total == "*"):
        return None
    return ContentRange(int(first), int(last), int(total) if total.isdigit() else None)
