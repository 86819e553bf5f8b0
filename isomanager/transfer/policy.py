"""Which addresses may be asked for, and where redirects may lead: HTTPS is never left, private networks are never reached.

Judged is what is asked for, and then the address that is really connected to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from isomanager.errors import FetchRefused
from isomanager.trust.urls import without_secrets


@dataclass(frozen=True)
class FetchPolicy:
    """What a source allows: plain HTTP, and addresses in private networks."""

    allow_http: bool = False
    allow_private: bool = False


def unreadable(url: str) -> FetchRefused:
    """The error of an address that is none."""
    told = without_secrets(url)
    return FetchRefused(f"{told} is not an address that can be fetched.", code="http-status", url=told)


def check_address(url: str, policy: FetchPolicy) -> SplitResult:
    """The parts of an address that may be asked for: HTTPS, and HTTP where the source allows it. FetchRefused otherwise."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        if not parts.hostname or parts.port == 0:
            raise unreadable(url)
    except ValueError:  # UnicodeError is one
        raise unreadable(url) from None  # its text may quote the address, secrets included
    if parts.scheme == "https" or (parts.scheme == "http" and policy.allow_http):
        return parts
    raise FetchRefused(
        f"{without_secrets(url)} is not HTTPS.",
        code="forbidden-redirect",
        hint="A product file allows plain HTTP with `allow_http = true` under [source].",
        url=without_secrets(url),
    )


def check_redirect(origin: str, location: str, policy: FetchPolicy) -> str:
    """The address that `origin` redirects to, `location` being absolute or relative.

    FetchRefused when it leaves HTTPS, or leads from one host to a private address.
    """
    try:
        target = urljoin(origin, location)
        before, after = urlsplit(origin), urlsplit(target)
    except ValueError:
        raise unreadable(origin) from None
    told = f"{without_secrets(origin)} redirects to {without_secrets(target)}"
    if after.scheme not in ("http", "https") or (after.scheme == "http" and before.scheme == "https"):
        raise FetchRefused(f"{told}, which leaves HTTPS.", code="forbidden-redirect", url=without_secrets(origin))
    after = check_address(target, policy)
    if not policy.allow_private and after.hostname != before.hostname and reaches_private(after.hostname or ""):
        raise leads_to_private(f"{told},", without_secrets(origin))
    return target


class ConnectionJudge:
    """Refuses the address that is really connected to when it is a private one: names may be answered otherwise by then.

    Told of every step by httpx's `trace` extension, before anything is sent. Behind a proxy it is the proxy that connects.
    """

    def __init__(self, url: str) -> None:
        self._url, self._host = url, (urlsplit(url).hostname or "").encode("idna").decode()
        self._direct = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """One step of a connection."""
        if event == "connection.connect_tcp.started":
            host = info["host"]
            self._direct = (host.decode() if isinstance(host, bytes) else host).strip("[]") == self._host
        elif event == "connection.connect_tcp.complete" and self._direct:
            stream = info["return_value"]
            if is_private(str(stream.get_extra_info("server_addr")[0])):
                stream.close()
                raise leads_to_private(f"{without_secrets(self._url)} stands at", without_secrets(self._url))


def leads_to_private(told: str, url: str) -> FetchRefused:
    """The error of a redirect into a private network."""
    return FetchRefused(
        f"{told} an address in a private network.",
        code="forbidden-redirect",
        hint="A product file allows this with `allow_private = true` under [source].",
        url=url,
    )


def is_private(address: str) -> bool:
    """Whether an IP address is private, loopback, link-local or otherwise not public (RFC 6890)."""
    return not ipaddress.ip_address(address.partition("%")[0]).is_global


def reaches_private(host: str) -> bool:
    """Whether any address of `host` is private, loopback, link-local or otherwise not public (RFC 6890)."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False  # the connection itself will say so, as a transient error
    return any(map(is_private, found))
