"""What a sync would do: where it goes to, what is there, what becomes of each image, and which ones travel together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from isomanager.errors import UsageError
from isomanager.library.opening import LIVE, Library
from isomanager.library.pruning import guards_for
from isomanager.library.sync_sources import DOUBTED, SyncSource, source_name
from isomanager.model import Copy, CopyState, Title
from isomanager.planning.syncing import Lacking, Shared, SyncKind, SyncMode, SyncStep, plan_sync, same_bytes_told
from isomanager.planning.wanting import Guards
from isomanager.storage.layout import TakenPaths

if TYPE_CHECKING:
    from isomanager.inventory.pairing import Pairing, Twin

SMALL = 8 << 20
"""Bytes up to which an image travels with others: it waits whole in memory, and is fetched again rather than continued."""
_FEW = 400
"""So many images that differ are looked at one by one; where there are more, both sides are surveyed."""
_GROUP_IMAGES, _GROUP_BYTES = 64, 32 << 20


def destinations(library: Library, names: Iterable[str], source: str) -> tuple[str, ...]:
    """The repositories that `names` mean: repositories, or sites, which are sets of them. UsageError for the source itself, and for
    a name that is neither."""
    repositories = {one.name for one in library.inventory.repositories()}
    sites = {one.name: one.repositories for one in library.inventory.sites()}
    told: dict[str, None] = {}
    for name in names:
        if name not in repositories and name not in sites:
            raise UsageError(
                f"'{name}' is neither a repository nor a site.",
                hint=f"There are {', '.join(sorted(repositories | set(sites)))}.",
            )
        told.update(dict.fromkeys(sites.get(name, (name,)) if name not in repositories else (name,)))
    told.pop(source_name(library, source), None)
    if not told:
        raise UsageError("There is no destination but the source itself.", hint="Name another repository, or a site.")
    return tuple(told)


@dataclass
class Survey:
    """What a destination has, looked at once a sync: its copies in any live state, or those of them that matter, which of their
    files are there, and the names that copies have. What else has a name there shows when something is put under it."""

    there: Mapping[str, int]
    held: Sequence[Copy]
    claimed: Collection[str] = ()
    _taken: TakenPaths = field(init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        self._digests = {one.sha256 for one in self.held}
        self._unsettled = [one.title for one in self.held if one.state is not CopyState.HELD]
        self._taken = TakenPaths({*self.there, *self.claimed, *(one.path for one in self.held)})

    def is_taken(self, path: str) -> bool:
        """Whether a file, a copy, or another image of this sync has the name."""
        with self._lock:
            return self._taken(path)

    def take(self, path: str) -> None:
        """Another image of this sync has the name now."""
        with self._lock:
            self._taken.add(path)

    def knows(self, title: Title, sha256: str) -> bool:
        """Whether there is anything of the image already: something unfinished, or whose file is gone."""
        return sha256 in self._digests or title in self._unsettled


def survey(library: Library, destination: str) -> Survey:
    """Look at a destination. StoreUnavailable when it does not answer."""
    held = library.inventory.copies(destination, states=LIVE)
    there = library.store(destination).sizes([one.path for one in held if one.state is CopyState.HELD])
    return Survey(there, held)


def plan_place(
    library: Library, source: SyncSource, destination: str, mode: SyncMode, *, max_deletes: int | None = None
) -> tuple[tuple[SyncStep, ...], Survey | None]:
    """The steps for one destination, and what was seen there; nothing needs to be seen where nothing is to be done.

    StoreUnavailable when one of the two does not answer, StoreError(code="empty-source") when the source has nothing to give.
    """
    paired = library.inventory.pairing(source.name, destination) if source.is_ours else None
    if paired is not None and paired.twins:
        told = _by_pairs(library, source, destination, mode, paired, max_deletes)
        if told is not None:
            return told
    seen = survey(library, destination)
    shared, lacking = source.offered
    steps = plan_destination(library, shared, destination, mode, max_deletes=max_deletes, seen=seen, lacking=lacking)
    return steps, seen


def _by_pairs(
    library: Library, source: SyncSource, destination: str, mode: SyncMode, paired: Pairing, max_deletes: int | None
) -> tuple[tuple[SyncStep, ...], Survey | None] | None:
    """What `plan_place` tells, by the digests that are recorded: the source is not listed, and only what differs becomes more than
    a look at a file of the destination. None where that does not tell enough."""
    differs = bool(paired.missing or (mode is SyncMode.MIRROR and paired.extra))
    if differs and (not paired.is_plain or len(paired.missing) + len(paired.extra) > _FEW):
        return None
    if library.inventory.copies(source.name, states=DOUBTED):
        return None
    source.require()
    more = [one.path for one in paired.extra] if differs else []
    there = library.store(destination).sizes([*(one.path for one in paired.twins), *more])
    if any(there.get(one.path) != one.size for one in paired.twins):
        return None
    same = tuple(_same(destination, one) for one in paired.twins)
    if not differs:
        return same, None
    if not source.store.sizes([paired.twins[0].source_path]):
        return None  # it may be empty where it should not be: then it is listed, and nothing goes
    shared, lacking = source.some(paired.missing)
    products = {one.title.product for one in shared} | {one.title.product for one in lacking}
    held = library.inventory.near(destination, products, [one.copy_id for one in paired.extra])
    seen = Survey(there, held, library.inventory.claimed(destination))
    rest = plan_destination(
        library, shared, destination, mode, max_deletes=max_deletes, seen=seen, lacking=lacking, paired=paired
    )
    return (*same, *rest), seen


def _same(destination: str, twin: Twin) -> SyncStep:
    return SyncStep(
        kind=SyncKind.SAME, destination=destination, title=twin.title, assurance=twin.assurance, copy_id=twin.copy_id,
        path=twin.path, reason=same_bytes_told(twin.title, twin.other_title),
    )  # fmt: skip


def plan_destination(
    library: Library,
    source: Sequence[Shared],
    destination: str,
    mode: SyncMode,
    *,
    max_deletes: int | None = None,
    seen: Survey | None = None,
    lacking: Sequence[Lacking] = (),
    paired: Pairing | None = None,
) -> tuple[SyncStep, ...]:
    """What would become of each image in one destination, which is looked at now unless it was `seen`. With `paired`, `source` and
    what was seen are no more than what differs. StoreUnavailable when it does not answer."""
    seen = seen or survey(library, destination)
    both = {one.sha256 for one in paired.twins} if paired else set()
    wanted = {*both, *(one.sha256 for one in source)}
    elsewhere = paired.held - sum(one.state is CopyState.HELD for one in seen.held) if paired else 0
    guards = Guards()  # asked for only where something might go: they look at every copy of the library
    if mode is SyncMode.MIRROR and any(one.sha256 not in wanted for one in seen.held):
        guards = guards_for(library, [destination], seen=[destination] if seen.there else ())
    if max_deletes is not None:
        guards = replace(guards, max_deletes=max_deletes)
    subscriptions = [one for one in library.inventory.subscriptions() if destination in one.repositories]

    def protects(copy: Copy) -> str:
        needed = "; ".join(map(str, guards.protected.get(copy.id, ())))
        if needed:
            return needed
        wanting = [str(one.selector) for one in subscriptions if library.selects(one, copy.title)]
        return f"the subscription {wanting[0]} selects it" if wanting else ""

    return plan_sync(
        source, seen.held, destination=destination, mode=mode, guards=guards, protects=protects, there=seen.there,
        lacking=lacking, paired=both, elsewhere=elsewhere,
    )  # fmt: skip


@dataclass(frozen=True)
class Load:
    """Images that travel together, each with its steps, one a destination: several small ones, or one by itself."""

    images: tuple[tuple[SyncStep, ...], ...]
    together: bool = False

    @property
    def name(self) -> str:
        """What it is called in the names of runs."""
        first = str(self.images[0][0].title)
        return first if len(self.images) == 1 else f"{first} and {len(self.images) - 1} more"

    @property
    def steps(self) -> tuple[SyncStep, ...]:
        """All steps."""
        return tuple(step for image in self.images for step in image)


def loads(steps: Iterable[SyncStep], surveys: Mapping[str, Survey], *, link: bool = False) -> tuple[Load, ...]:
    """The copies among `steps` as loads: an image however many places want it is in one, and small ones that are new everywhere are
    many in one. With `link` each goes by itself."""
    waiting: dict[str, list[SyncStep]] = defaultdict(list)
    for step in steps:
        if step.kind is SyncKind.COPY and step.shared is not None:
            waiting[step.shared.sha256].append(step)
    images = [tuple(one) for one in waiting.values()]
    small, alone = list[tuple[SyncStep, ...]](), list[Load]()
    for one in images:
        if not link and all(_is_simple(step, surveys) for step in one):
            small.append(one)
        else:
            alone.append(Load((one,)))
    return (*_grouped(small), *alone)


def _is_simple(step: SyncStep, surveys: Mapping[str, Survey]) -> bool:
    shared, seen = step.shared, surveys.get(step.destination)
    if shared is None or seen is None or not 0 < shared.size <= SMALL:
        return False
    return not seen.knows(shared.title, shared.sha256)


def _grouped(images: Sequence[tuple[SyncStep, ...]]) -> Iterable[Load]:
    """In groups that fit into memory."""
    group: list[tuple[SyncStep, ...]] = []
    size = 0
    for image in images:
        if group and (len(group) >= _GROUP_IMAGES or size + image[0].cost > _GROUP_BYTES):
            yield Load(tuple(group), together=True)
            group, size = [], 0
        group.append(image)
        size += image[0].cost
    if group:
        yield Load(tuple(group), together=True)
