"""Proxies: which one a request goes through, and who named it, so that its failures are told as its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from isomanager.errors import ConfigurationError, ConnectionFailed, FetchRefused, IsoManagerError
from isomanager.settings import Settings
from isomanager.trust.urls import without_secrets

_ASKS = 407


@dataclass(frozen=True)
class Proxy:
    """A proxy's address without its password, and where it was named."""

    url: str
    named_by: str

    def __str__(self) -> str:
        return f"the proxy {self.url} ({self.named_by})"


_OF_TRANSPORT: MutableMapping[httpx.BaseTransport, Proxy] = WeakKeyDictionary()


def proxy_setting(settings: Settings) -> str | None:
    """The proxy of the settings; None leaves it to the environment. Credentials belong into the environment only."""
    parts = urlsplit(settings.proxy)
    if settings.proxy and (
        parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password
    ):
        raise ConfigurationError(
            "The setting proxy is no address such as http://proxy.example:3128, without user and password.",
            hint="A proxy that asks for credentials is named with them by HTTPS_PROXY and HTTP_PROXY in the environment.",
        )
    return settings.proxy or None


@contextmanager
def usable_proxies() -> Iterator[None]:
    """A proxy of the environment that cannot be used is the user's to mend. Its address, which may hold a password, is not told."""
    try:
        yield
    except (ImportError, ValueError, httpx.InvalidURL) as wrong:  # the first: httpx lacks what speaks SOCKS
        raise ConfigurationError(
            "One of HTTPS_PROXY, HTTP_PROXY and ALL_PROXY in the environment names no proxy that can be used.",
            hint="Give an address such as http://proxy.example:3128, or name the hosts to be reached directly in NO_PROXY.",
        ) from (None if isinstance(wrong, httpx.InvalidURL) else wrong)


def note_proxies(client: httpx.Client, settings: Settings) -> None:
    """Remember of the client's proxies who named them. httpx says of none which it took."""
    for pattern, transport in client._mounts.items():
        if isinstance(transport, httpx.HTTPTransport):
            address = getattr(transport._pool, "_proxy_url", None)
            origin = address.origin if address is not None else "unknown"
            by = "named by the setting proxy" if settings.proxy else _named_by(pattern.pattern)
            _OF_TRANSPORT[transport] = Proxy(without_secrets(str(origin)), by)


def _named_by(pattern: str) -> str:
    """Who named the proxy for `https://`, `http://` or `all://`: a small letter's variable goes before a capital one's."""
    name = f"{pattern.partition(':')[0]}_proxy"
    variable = next((one for one in (name, name.upper()) if os.environ.get(one)), "")
    return f"named by {variable} in the environment" if variable else "named by the settings of the system"


def proxy_for(client: httpx.Client, url: str) -> Proxy | None:
    """The proxy through which the client asks for `url`, None where it asks itself."""
    try:
        return _OF_TRANSPORT.get(client._transport_for_url(httpx.URL(url)))
    except httpx.InvalidURL:
        return None


def proxy_error(wrong: httpx.HTTPError, told: str, proxy: Proxy) -> IsoManagerError | None:
    """Our error for a proxy that does not answer, or will not do as asked; None for what the host behind it did."""
    reason = wrong.__cause__ or wrong
    if isinstance(wrong, httpx.ProxyError):
        return _refuses(wrong, told, proxy)
    if isinstance(wrong, httpx.ConnectTimeout):
        return _unreachable("does not answer within the time allowed", told, proxy)
    if isinstance(wrong, httpx.ConnectError) and "SSL" not in str(wrong):
        return _unreachable(f"cannot be reached ({reason})", told, proxy)
    return None


def _unreachable(what: str, told: str, proxy: Proxy) -> ConnectionFailed:
    return ConnectionFailed(
        f"{told}: {proxy} {what}.",
        code="proxy-unreachable",
        hint="Is it running, and is its address right? A host that needs no proxy is named in NO_PROXY.",
        url=told,
        proxy=proxy.url,
    )


def _refuses(wrong: httpx.ProxyError, told: str, proxy: Proxy) -> IsoManagerError:
    status = int(str(wrong)[:3]) if str(wrong)[:3].isdigit() else 0
    if status == _ASKS:
        return proxy_asks(told, proxy)
    said = f"{told}: {proxy} does not lead there ({wrong})."
    if 400 <= status < 500:
        return FetchRefused(said, code="proxy", url=told, status=status, proxy=proxy.url)
    return ConnectionFailed(said, url=told, proxy=proxy.url)


def proxy_asks(told: str, proxy: Proxy | None) -> FetchRefused:
    """The error of a proxy that wants to know who asks."""
    return FetchRefused(
        f"{told}: {proxy or 'the proxy'} wants a user and a password that it was not given, or refuses those it was given.",
        code="proxy",
        hint="Name the proxy with them in HTTPS_PROXY and HTTP_PROXY, such as http://user:password@proxy.example:3128.",
        url=told,
    )
