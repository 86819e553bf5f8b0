"""The HTTP door: one client, redirects followed under a policy, and every foreign error mapped here, once.

Redirects are followed by hand because each hop is judged: HTTPS is never left and private addresses are never reached unless
the source says so (a mirror in one's own network, the sample upstream).
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

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
from isomanager.transfer.bandwidth import set_bandwidth
from isomanager.transfer.connecting import connect_beside_each_other
from isomanager.transfer.policy import ConnectionJudge, check_address, check_redirect, unreadable
from isomanager.transfer.policy import FetchPolicy as FetchPolicy  # known with what opens
from isomanager.transfer.politeness import gates_of, host_of, limit_client
from isomanager.transfer.progress import Stop
from isomanager.transfer.proxies import (
    Proxy,
    note_proxies,
    proxy_asks,
    proxy_error,
    proxy_for,
    proxy_setting,
    usable_proxies,
)
from isomanager.transfer.resuming import http_date
from isomanager.transfer.stopping import send
from isomanager.trust.urls import without_secrets as without_secrets  # told by everything that transfers

MAX_REDIRECTS = 10
_BAD_LOCATION = "Invalid URL in location header"
"""How httpx's error begins: it reads the target of a redirect even where it is not to follow it."""
_ENDED = ("peer closed", "Server disconnected")
"""How the errors of connections begin that ended too early."""
_PROXY_ASKS = 407
_BUSY = {408, 425, 429}
_NEVER_BETTER = {501, 505, 511}
"""Of the server's own errors those that say something lasting: not implemented, not this version, sign in first."""


def open_client(settings: Settings) -> httpx.Client:
    """The process's one client: connection pool, timeouts, system proxies, the user's certificate authorities."""
    _keep_secrets_out_of_logs()
    timeout = httpx.Timeout(
        settings.stall_timeout, connect=settings.connect_timeout, read=settings.first_byte_timeout, pool=None
    )
    with usable_proxies():
        client = httpx.Client(
            timeout=timeout,
            verify=_certificates(settings),
            proxy=proxy_setting(settings),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            headers={"User-Agent": f"isomanager/{version('isomanager')}", "Accept-Encoding": "identity"},
        )
    connect_beside_each_other(client)
    note_proxies(client, settings)
    limit_client(client, settings.connections_per_host)
    _limit_bandwidth(client, settings)
    return client


def _limit_bandwidth(client: httpx.Client, settings: Settings) -> None:
    try:
        set_bandwidth(client, settings)
    except ValueError as wrong:
        raise ConfigurationError(f"The setting quiet_hours is not usable: {wrong}.") from wrong


def _keep_secrets_out_of_logs() -> None:
    """httpx logs whole addresses, and httpcore the headers of redirects: credentials and signed queries among them."""
    logging.getLogger("httpx").addFilter(_tell_addresses_without_secrets)
    logging.getLogger("httpcore").setLevel(logging.INFO)


def _tell_addresses_without_secrets(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(without_secrets(str(one)) if isinstance(one, httpx.URL) else one for one in record.args)
    return True


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
def mapped_errors(url: str, proxy: Proxy | None = None) -> Iterator[None]:
    """Turn httpx's errors into ours; `url` is told without credentials and query, `proxy` is what it is asked through.

    All but its StreamError and CookieConflict, which are mistakes of the program that uses it.
    """
    try:
        yield
    except httpx.InvalidURL:
        raise unreadable(url) from None  # its text may quote the address, secrets included
    except httpx.HTTPError as wrong:
        quotes_an_address = str(wrong).startswith(_BAD_LOCATION)
        raise mapped(wrong, without_secrets(url), proxy) from (None if quotes_an_address else wrong)


def mapped(wrong: httpx.HTTPError, told: str, proxy: Proxy | None = None) -> IsoManagerError:
    """Our error for one of httpx's, about the address `told`, asked through `proxy`."""
    of_proxy = proxy_error(wrong, told, proxy) if proxy is not None else None
    if of_proxy is not None:
        return of_proxy
    if isinstance(wrong, httpx.ConnectTimeout):
        return ConnectionFailed(f"{told}: no connection within the time allowed.", url=told)
    if isinstance(wrong, httpx.TimeoutException):
        return Stalled(f"{told}: no bytes came within the time allowed.", url=told)
    if isinstance(wrong, httpx.ConnectError):
        return _connect_error(told, wrong)
    if isinstance(wrong, httpx.RemoteProtocolError):
        return _protocol_error(told, wrong)
    if isinstance(wrong, httpx.DecodingError):
        return FetchRefused(f"{told}: the answer cannot be decoded ({wrong}).", code="content-encoding", url=told)
    if isinstance(wrong, httpx.TooManyRedirects):
        return _too_many_redirects(told)
    if isinstance(wrong, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.HTTPStatusError):
        return FetchRefused(f"{told} cannot be asked for in this way.", code="http-status", url=told)
    return ConnectionFailed(f"{told}: the connection broke ({wrong or type(wrong).__name__}).", url=told)


def _connect_error(told: str, wrong: httpx.ConnectError) -> IsoManagerError:
    if "CERTIFICATE_VERIFY_FAILED" in str(wrong):
        return FetchRefused(
            f"{told}: the server's certificate cannot be trusted ({wrong}).",
            code="tls",
            hint="Behind a proxy that signs anew, name its authority with the setting ca_file.",
            url=told,
        )
    if isinstance(_cause(wrong), socket.gaierror):
        return ConnectionFailed(
            f"{told}: the name of its host is not known here ({wrong}).",
            hint="Is this machine online, and does it reach its name server? Behind a proxy, name it with the setting proxy.",
            url=told,
        )
    return ConnectionFailed(f"{told}: no connection ({wrong}).", url=told)


def _cause(wrong: BaseException) -> BaseException:
    """What was raised first."""
    before = wrong.__cause__ or wrong.__context__
    return wrong if before is None else _cause(before)


def _protocol_error(told: str, wrong: httpx.RemoteProtocolError) -> IsoManagerError:
    if str(wrong).startswith(_BAD_LOCATION):
        return FetchRefused(f"{told} redirects to what is no address.", code="forbidden-redirect", url=told)
    if str(wrong).startswith(_ENDED):
        return BodyTruncated(f"{told}: the connection ended before the whole answer was there ({wrong}).", url=told)
    return ConnectionFailed(f"{told}: what answers does not speak HTTP properly ({wrong}).", url=told)


def _too_many_redirects(told: str) -> FetchRefused:
    return FetchRefused(f"{told} redirects more than {MAX_REDIRECTS} times.", code="forbidden-redirect", url=told)


@contextmanager
def open_stream(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    policy: FetchPolicy,
    headers: Mapping[str, str] | None = None,
    stop: Stop | None = None,
    turn: str = "",
) -> Iterator[httpx.Response]:
    """The answer at the end of the redirects, its body not yet read. Status 200, 206, 416, and 304 to a
    request that had a condition; everything else raises.

    `stop` ends the waiting for it with Cancelled. `turn` is an address at whose host the caller has a turn already.
    """
    current, extensions = url, dict[str, Any]()
    check_address(current, policy)
    for _ in range(MAX_REDIRECTS + 1):
        mine = bool(turn) and host_of(current) == host_of(turn)
        proxy = proxy_for(client, current)
        with mapped_errors(current, proxy), nullcontext() if mine else gates_of(client).through(current, stop):
            request = client.build_request(method, current, headers=dict(headers or {}), extensions=dict(extensions))
            with closing(send(client, request, stop, without_secrets(current))) as response:
                if not response.has_redirect_location:
                    raise_for_status(response, current, datetime.now(UTC), proxy)
                    yield response
                    return
                location = response.headers["location"]
        before, current = current, check_redirect(current, location, policy)
        if not policy.allow_private and urlsplit(before).hostname != urlsplit(current).hostname:
            extensions = {"trace": ConnectionJudge(current)}
    raise _too_many_redirects(without_secrets(url))


def raise_for_status(response: httpx.Response, url: str, now: datetime, proxy: Proxy | None = None) -> None:
    """ServerBusy for what may pass, FetchRefused for what will not. 304 is an answer only to a request that had a condition."""
    status, told = response.status_code, without_secrets(url)
    if status in (200, 206, 416) or (status == 304 and _is_conditional(response.request)):
        return
    if status == _PROXY_ASKS:
        raise proxy_asks(told, proxy)
    if status in _BUSY or _is_rationed(response) or (500 <= status < 600 and status not in _NEVER_BETTER):
        wait = _wait_asked_for(response, now)
        raise ServerBusy(
            f"{told} answered {status}: {_patience(status, wait)}.", url=told, status=status, retry_after=wait
        )
    raise FetchRefused(
        f"{told} answered {status} {response.reason_phrase}.", code="http-status", url=told, status=status
    )


def _patience(status: int, wait: float | None) -> str:
    """In words, what the server asks for."""
    if wait is not None and wait >= 1:
        return f"the server asks to be left alone for {_told_time(wait)}"
    return "the server has trouble of its own" if status >= 500 and status != 503 else "the server asks for patience"


def _told_time(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _is_conditional(request: httpx.Request) -> bool:
    return "if-none-match" in request.headers or "if-modified-since" in request.headers


def _is_rationed(response: httpx.Response) -> bool:
    """403 by which an API says that this hour's requests are used up (GitHub's REST API, "Rate limits")."""
    return response.status_code == 403 and response.headers.get("x-ratelimit-remaining", "").strip() == "0"


def _wait_asked_for(response: httpx.Response, now: datetime) -> float | None:
    """Seconds to wait, as Retry-After says, or an API's time (seconds since 1970) of its next ration."""
    told = retry_after(response.headers.get("retry-after", ""), now)
    reset = response.headers.get("x-ratelimit-reset", "").strip()
    if told is None and response.headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"[0-9]{1,12}", reset):
        return max(0.0, int(reset) - now.timestamp())
    return told


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, section 10.2.3); None when it says neither."""
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
        return float(text)
    until = http_date(text)
    return None if until is None else max(0.0, (until - now).total_seconds())
