"""The library, opened: settings, catalogue, keys, inventory, stores and one HTTP client, made when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from isomanager.catalogue.documents import DocumentSource
from isomanager.catalogue.loader import Catalogue, load_catalogue
from isomanager.catalogue.product import Product
from isomanager.catalogue.tracing import Seen
from isomanager.errors import ConfigurationError
from isomanager.library.mounting import take_folder, watched
from isomanager.model import CopyState, RepositoryRecord, Selector, Subscription, Title
from isomanager.settings import Settings, load_settings
from isomanager.storage.contract import Store
from isomanager.storage.opening import open_store

if TYPE_CHECKING:
    import httpx

    from isomanager.catalogue.matching import Matcher
    from isomanager.catalogue.microsoft.day_links import LinkKeeper
    from isomanager.inventory.inventory import Inventory
    from isomanager.library.owning import Owner
    from isomanager.library.space import SpaceBook
    from isomanager.planning.wanting import Scope
    from isomanager.transfer.bandwidth import Bandwidth
    from isomanager.transfer.document_cache import DocumentCache
    from isomanager.transfer.http import FetchPolicy
    from isomanager.transfer.torrent.swarm import Swarm
    from isomanager.trust.keyring import Keyring

Clock = Callable[[], datetime]

LIVE = frozenset(CopyState) - {CopyState.TRASHED, CopyState.GONE}
DEFAULT = "default"
"""The repository that the settings name."""


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Library:
    """Opened for one process. `stop` is set to end every transfer at its next chunk; `run_id` is what whoever runs it calls the
    run, and the inventory then too."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.now = clock
        self.stop = threading.Event()
        self.run_id = ""
        self._stores: dict[str, Store] = {}
        self._matchers: dict[Selector, Matcher | None] = {}
        self._opening = threading.Lock()
        self._swarm: Swarm | None = None

    @cached_property
    def catalogue(self) -> Catalogue:
        """The bundled products and the user's own."""
        return load_catalogue(self.settings.product_folders)

    def forget_catalogue(self) -> None:
        """Read the product files again when they are next needed: one was added or removed."""
        self.__dict__.pop("catalogue", None)

    @cached_property
    def inventory(self) -> Inventory:
        """The database, migrated, with the default repository in it."""
        from isomanager.inventory.inventory import Inventory

        self.settings.data_folder.mkdir(parents=True, exist_ok=True)
        inventory = Inventory.open(
            self.settings.database, backup_folder=self.settings.data_folder / "backups", clock=self.now
        )
        self._settle_default_repository(inventory)
        return inventory

    def _settle_default_repository(self, inventory: Inventory) -> None:
        """Make the repository that the settings name, with their layout; refuse to lose sight of the copies of another one."""
        wanted = RepositoryRecord(
            name=DEFAULT,
            url=self.settings.default_repository,
            layout=self.settings.repository_layout,
            created_at=self.now(),
        )
        known = next((one for one in inventory.repositories() if one.name == DEFAULT), None)
        if known is None:
            take_folder(open_store(wanted.url, create=True))
            inventory.add_repository(wanted)
        elif known.url != wanted.url:
            if inventory.copies(DEFAULT, states=LIVE):
                raise ConfigurationError(
                    f"The setting default_repository is {wanted.url}, but the inventory knows the repository at {known.url}, "
                    "with images in it.",
                    hint=f"Set default_repository back to {known.url}, or use another data_folder for another library.",
                )
            take_folder(open_store(wanted.url, create=True))
            inventory.update_repository(wanted)

    @cached_property
    def owner(self) -> Owner:
        """This process as a holder of leases."""
        from isomanager.library.owning import Owner

        return Owner(self.settings.data_folder / "owners")

    @cached_property
    def keyring(self) -> Keyring:
        """Shipped keys and those fetched before."""
        from isomanager.trust.keyring import Keyring, shipped_keys

        return Keyring((shipped_keys(), self.settings.keys_folder))

    @cached_property
    def space(self) -> SpaceBook:
        """What the downloads of this process still need."""
        from isomanager.library.space import SpaceBook

        return SpaceBook()

    @cached_property
    def client(self) -> httpx.Client:
        """The process's HTTP client."""
        from isomanager.transfer.http import open_client

        return open_client(self.settings)

    @property
    def swarm(self) -> Swarm:
        """The process's BitTorrent session. ConfigurationError (no-libtorrent) when there is nothing that speaks it."""
        from isomanager.transfer.torrent.swarm import Swarm

        client = self.client
        with self._opening:
            if self._swarm is None:
                self._swarm = Swarm(self.settings, client)
            return self._swarm

    def proved(self, key: str) -> None:
        """What was fetched under `key` is proved: if it came from a swarm, it may be given to others now."""
        if self._swarm is not None:
            self._swarm.seeds.release(key)

    @cached_property
    def links(self) -> LinkKeeper:
        """What Microsoft's download connector gave and refused, kept for every process of this library."""
        from isomanager.library.keeping_links import LinksInFolder

        return LinksInFolder(self.settings.data_folder / "microsoft", self.now)

    @property
    def bandwidth(self) -> Bandwidth:
        """How many bytes may come, from whatever source."""
        from isomanager.transfer.bandwidth import UNLIMITED, bandwidth_of

        told = self.settings
        limited = told.bandwidth or told.bandwidth_per_source or told.quiet_hours or told.bandwidth_shared
        return bandwidth_of(self.client) if limited else UNLIMITED

    def policy(self, product: Product | None, urls: Sequence[str] = ()) -> FetchPolicy:
        """What the product's source allows; without a product, what `urls`, which a person gave, need."""
        from isomanager.transfer.http import FetchPolicy

        if product is None:
            return FetchPolicy(allow_http=any(url.lower().startswith("http://") for url in urls))
        return FetchPolicy(product.source.allow_http, product.source.allow_private)

    def documents(self, product: Product, seen: Seen | None = None) -> DocumentSource:
        """Where the product's documents come from; `seen` is told of every exchange."""
        from isomanager.transfer.documents import HttpDocuments, Manners

        manners = Manners(
            cache=self.document_cache,
            patience=self.settings.document_patience,
            delay=self.settings.retry_delay,
            stop=self.stop,
            seen=seen,
        )
        return HttpDocuments(self.client, self.policy(product), manners)

    @property
    def health_file(self) -> Path:
        """What checks of the catalogue found, and when each product last resolved."""
        return self.settings.data_folder / "catalogue-health.json"

    @cached_property
    def document_cache(self) -> DocumentCache:
        """Documents fetched before, for conditional requests."""
        from isomanager.transfer.document_cache import DocumentCache

        return DocumentCache(self.settings.data_folder / "documents")

    def product_of(self, title: Title) -> Product | None:
        """The title's product, None when the catalogue does not know it (custom images)."""
        return self.catalogue.by_id(title.product)

    def store(self, repository: str) -> Store:
        """The repository's store, opened once."""
        with self._opening:
            if repository not in self._stores:
                url = self.inventory.repository(repository).url
                self._stores[repository] = watched(self.inventory, repository, open_store(url))
            return self._stores[repository]

    def selects(self, subscription: Subscription, title: Title) -> bool:
        """Whether the subscription's selector fits the title, by the product's own rules."""
        return self.fits(subscription.selector, title)

    def fits(self, selector: Selector, title: Title) -> bool:
        """Whether the selector fits the title, by the product's own rules."""
        matcher = self._matcher(selector)
        return matcher is not None and matcher.fits(title)

    def reaches(self, subscription: Subscription, scope: Scope) -> bool:
        """Whether the subscription's selector may fit titles of that scope, whatever their version."""
        matcher = self._matcher(subscription.selector)
        return matcher is not None and matcher.reaches(*scope)

    def _matcher(self, selector: Selector) -> Matcher | None:
        """Made once for a selector: a plan asks about many copies. None for a product that the catalogue does not know."""
        from isomanager.catalogue.matching import matcher

        try:
            return self._matchers[selector]
        except KeyError:
            product = self.catalogue.by_id(selector.product)
            made = self._matchers[selector] = matcher(product, selector) if product is not None else None
            return made

    def canonical(self, selector: Selector) -> Selector:
        """The selector with the product's id and the flavor's own name in place of aliases; unknown ones are refused."""
        from isomanager.catalogue.matching import canonical
        from isomanager.catalogue.naming import meant

        return canonical(*meant(self.catalogue, selector))

    @property
    def product_names(self) -> dict[str, str]:
        """Display names by product id."""
        return {one.id: one.name for one in self.catalogue.products}

    def close(self) -> None:
        """Let go of connections, after giving to swarms what the settings ask for."""
        swarm, self._swarm = self._swarm, None
        if swarm is not None:
            swarm.seeds.give(self.stop)
            swarm.close()
        if "client" in self.__dict__:
            self.client.close()
        if "inventory" in self.__dict__:
            self.inventory.close()
        if "owner" in self.__dict__:
            self.owner.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_opened: list[Library] = []
_in_use: ContextVar[Library | None] = ContextVar("library in use", default=None)
"""Runs in threads of one process each have their own: one that ends never closes another's."""


@contextmanager
def library_in_use(settings: Settings | None = None) -> Iterator[Library]:
    """Open the library for this process; tasks reach it by `current_library`."""
    with Library(settings or load_settings()) as library:
        _opened.append(library)
        before = _in_use.get()
        _in_use.set(library)
        try:
            yield library
        finally:
            _in_use.set(before)
            _opened.remove(library)


def current_library() -> Library:
    """The library that this run uses; in a process that has none open, it is opened by the settings and stays so."""
    own = _in_use.get()
    if own is not None:
        return own
    if not _opened:
        _opened.append(Library(load_settings()))
    return _opened[-1]
