"""The settings of how bytes come in: HTTP, BitTorrent, differences, and how much of the line they may take."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class TransferSettings(BaseSettings):
    """How images are fetched."""

    retry_count: int = Field(3, ge=0, le=100, description="Further tries after a transient failure (RetryCount).")
    retry_delay: float = Field(
        5.0, ge=0, le=3600, description="Seconds before the first of them; doubled each time, with jitter (RetryDelay)."
    )
    images_at_once: int = Field(4, ge=1, le=64, description="Images fetched at the same time.")
    connections_per_host: int = Field(4, ge=1, le=32, description="Connections to one host at the same time.")
    connections_per_image: int = Field(
        16, ge=1, le=64, description="Connections for one image at the same time, to all its sources together."
    )
    connect_timeout: float = Field(15.0, gt=0, description="Seconds to wait for a connection.")
    first_byte_timeout: float = Field(60.0, gt=0, description="Seconds to wait for the first byte of an answer.")
    stall_timeout: float = Field(
        30.0, gt=0, description="Seconds without progress before a transfer counts as stalled."
    )
    stall_bytes_per_second: int = Field(
        1024, ge=0, description="Slower than this over the stall timeout is a stall too."
    )
    transfer_budget: float = Field(0.0, ge=0, description="Seconds that one image may take in one try; 0 for no end.")
    transfer_window: int = Field(64 << 20, ge=1 << 20, description="Bytes in memory between network, digest and disk.")
    torrent: Literal["never", "needed", "preferred"] = Field(
        "needed",
        description="When BitTorrent is used: never, only where upstream gives no other way (or a person names a torrent), or "
        "wherever upstream has a torrent.",
    )
    torrent_listen: str = Field(
        "",
        description="Addresses at which other peers may connect, such as 0.0.0.0:6881,[::]:6881. Empty: nothing listens.",
    )
    torrent_dht: bool = Field(False, description="Find peers without a tracker; needs torrent_listen.")
    torrent_lsd: bool = Field(False, description="Find peers in the local network; needs torrent_listen.")
    torrent_port_mapping: bool = Field(
        False, description="Ask the router to let peers in (UPnP and NAT-PMP); needs torrent_listen."
    )
    torrent_patience: float = Field(
        60.0,
        gt=0,
        description="Seconds without a new byte from a swarm before its addresses on the web are used instead.",
    )
    torrent_connections: int = Field(60, ge=2, le=5000, description="Peers connected at the same time.")
    torrent_download_limit: int = Field(0, ge=0, description="Bytes a second from all peers together; 0: no limit.")
    torrent_upload_limit: int = Field(0, ge=0, description="Bytes a second to all peers together; 0: no limit.")
    torrent_seed_ratio: float = Field(
        0.0,
        ge=0,
        description="Give peers this many times what a proved image has in bytes, then stop; after torrent_seed_minutes, or a "
        "day, at the latest. 0: no such aim.",
    )
    torrent_seed_minutes: float = Field(
        0.0, ge=0, description="Give a proved image to peers for at most so long; 0: do not, unless a ratio is set."
    )
    delta: Literal["never", "quick", "thorough"] = Field(
        "quick",
        description="Where upstream has a .zsync and an older image is held, fetch only what differs: quick finds files that moved "
        "within the image, thorough also what moved inside of a file, at some 80 MiB a second. Needs the extra `delta`.",
    )
    bandwidth: int = Field(
        0, ge=0, description="Bytes a second that all downloads of a process may take together; 0: no limit."
    )
    bandwidth_per_source: int = Field(0, ge=0, description="Bytes a second from one host; 0: no limit.")
    bandwidth_slots: str = Field(
        "",
        description="Name of a global concurrency limit of the Prefect server: downloads on all workers take one of its slots "
        "each. Empty: workers do not share one.",
    )
    bandwidth_shared: str = Field(
        "",
        description="Name of a global concurrency limit of the Prefect server that has a slot decay: a slot is one MiB, so that "
        "downloads and syncs on all workers together bring as many MiB a second as slots decay. Empty: each process has its own.",
    )
    quiet_hours: dict[str, int] = Field(
        default_factory=dict,
        description='Bytes a second by the time of day, such as {"08:00-18:00" = 1000000}; 0 lets nothing come in those hours.',
    )
    proxy: str = Field(
        "",
        description="Address of a proxy for everything, without credentials; empty: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.",
    )
