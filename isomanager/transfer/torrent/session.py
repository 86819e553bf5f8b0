"""How the swarm's session is set up: what it listens on, how peers are found, how much it may use. Nothing is on by itself."""

from __future__ import annotations

import ipaddress
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from isomanager.errors import ConfigurationError, FetchRefused
from isomanager.settings import Settings
from isomanager.transfer.policy import FetchPolicy, check_address, reaches_private
from isomanager.transfer.torrent.presence import INSTALL

if TYPE_CHECKING:
    import libtorrent


_LISTEN = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^\s:,\[\]]+)):(?P<port>[0-9]{1,5})[sl]*")
_LAST_PORT = 65_535


def session_settings(settings: Settings) -> dict[str, Any]:
    """libtorrent's settings for ours (https://www.libtorrent.org/reference-Settings.html). Rates in bytes a second.

    ConfigurationError where peers are to be found in ways that need a port of our own, and none is listened on.
    """
    listens = bool(settings.torrent_listen.strip())
    for name in ("torrent_dht", "torrent_lsd", "torrent_port_mapping"):
        if getattr(settings, name) and not listens:
            raise ConfigurationError(
                f"The setting {name} needs a port of our own.", hint="Set torrent_listen, such as 0.0.0.0:6881."
            )
    _require_addresses(settings.torrent_listen)
    return {
        "user_agent": f"isomanager/{version('isomanager')}",
        "listen_interfaces": settings.torrent_listen,
        "enable_dht": settings.torrent_dht,
        "enable_lsd": settings.torrent_lsd,
        "enable_upnp": settings.torrent_port_mapping,
        "enable_natpmp": settings.torrent_port_mapping,
        "enable_incoming_tcp": listens,
        "enable_incoming_utp": listens,
        "enable_outgoing_utp": listens,
        "connections_limit": settings.torrent_connections,
        "download_rate_limit": settings.torrent_download_limit,
        "upload_rate_limit": settings.torrent_upload_limit,
        "allow_multiple_connections_per_ip": True,
        "ssrf_mitigation": True,
        "validate_https_trackers": True,
        "stop_tracker_timeout": 1,
    }


def _require_addresses(listen: str) -> None:
    """ConfigurationError for what libtorrent would silently listen nowhere for: `host:port` each, an IPv6 address in brackets."""
    for one in filter(None, (part.strip() for part in listen.split(","))):
        found = _LISTEN.fullmatch(one)
        numeric = found is not None and (found["v6"] is not None or found["host"].replace(".", "").isdigit())
        try:
            if found is None or int(found["port"]) > _LAST_PORT:
                raise ValueError
            if numeric:
                ipaddress.ip_address((found["v6"] or found["host"]).partition("%")[0])
        except ValueError:
            raise ConfigurationError(
                f"The setting torrent_listen is not usable: '{one}' is no address with a port.",
                hint="Write 0.0.0.0:6881 for this machine's IPv4, [::]:6881 for IPv6, several with commas between them.",
            ) from None


def open_session(settings: Settings) -> libtorrent.session:
    """A session. ConfigurationError (no-libtorrent) that says what to install when it is missing."""
    try:
        import libtorrent
    except ImportError as missing:
        raise ConfigurationError(
            "This image comes by BitTorrent, and libtorrent is not installed.", code="no-libtorrent", hint=INSTALL
        ) from missing
    told = libtorrent.alert.category_t
    mask = told.error_notification | told.status_notification | told.storage_notification
    wanted = {**session_settings(settings), "alert_mask": int(mask)}
    session = libtorrent.session(cast("libtorrent.settings_pack", wanted))
    # by itself libtorrent lets peers of the local network pass every limit
    everyone, limited = libtorrent.ip_filter(), 1 << int(session.global_peer_class_id)
    everyone.add_rule("0.0.0.0", "255.255.255.255", limited)  # noqa: S104 - a range of peers, nothing is bound
    everyone.add_rule("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", limited)
    session.set_peer_class_filter(everyone)
    return session


def allowed_addresses(urls: tuple[str, ...], policy: FetchPolicy, schemes: tuple[str, ...]) -> tuple[str, ...]:
    """Those that a torrent, whose text is hostile, may make us ask: of these schemes, and in private networks only where the
    source says so. Plain HTTP and UDP are let through to trackers: nothing that they say is believed."""
    return tuple(dict.fromkeys(url for url in urls if _is_allowed(url, policy, schemes)))


def _is_allowed(url: str, policy: FetchPolicy, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if parts.scheme in ("http", "https"):
            check_address(url, FetchPolicy(allow_http="udp" in schemes or policy.allow_http))
    except (ValueError, FetchRefused):
        return False
    usable = parts.scheme in schemes and bool(host) and port != 0
    return usable and (policy.allow_private or not reaches_private(host or ""))


TRACKER_SCHEMES = ("https", "http", "udp")
SEED_SCHEMES = ("https", "http")
