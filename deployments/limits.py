"""A global concurrency limit for each host that the catalogue fetches from: all workers together are polite to it.

Courtesy only: what must not happen twice is kept apart by leases in the inventory. A download whose host has no limit goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectAlreadyExists

from isomanager.catalogue.product import Product
from tasks.sharing import host_limit

_HOST = re.compile(r"https?://([a-z0-9][a-z0-9.-]*[a-z0-9])(?=[:/])", re.IGNORECASE)
_PAGE = 200


def upstream_hosts(products: Iterable[Product]) -> tuple[str, ...]:
    """The hosts that the products' offers and mirrors name, sorted; one whose name is made up later has no limit."""
    texts = (
        text
        for product in products
        for text in (*_offered(product), *(one.model_dump_json() for one in product.mirrors))
    )
    return tuple(sorted({host.lower() for text in texts for host in _HOST.findall(text)}))


def _offered(product: Product) -> Iterator[str]:
    return (one.model_dump_json(exclude={"file", "address", "line"}) for one in product.offers)


def ensure_limits(client: SyncPrefectClient, hosts: Iterable[str], slots: int) -> int:
    """Make the limits that are missing, each of `slots`; how many. One that is there keeps what a person made of it."""
    known = set(_known(client))
    missing = [name for name in map(host_limit, hosts) if name not in known]
    for name in missing:
        try:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=slots))
        except ObjectAlreadyExists:
            continue  # somebody else deploys at the same time
    return len(missing)


def _known(client: SyncPrefectClient) -> Iterator[str]:
    offset = 0
    while page := client.read_global_concurrency_limits(limit=_PAGE, offset=offset):
        yield from (one.name for one in page)
        offset += len(page)
