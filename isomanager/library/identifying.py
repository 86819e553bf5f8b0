"""Identifying files: what each of them is, from its content and name, or from its digest where that is known."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from isomanager.errors import ConfigurationError, IsoManagerError, MediaError, UsageError
from isomanager.library.opening import Library
from isomanager.media.guesses import Guess, Identification, Said
from isomanager.media.identification import identify
from isomanager.media.metadata import Metadata
from isomanager.media.opening import IMAGE_ENDINGS, images_below, read_file, read_stored
from isomanager.media.rules import CONFIDENCE, RuleBook
from isomanager.model import Title
from isomanager.storage.contract import Store
from isomanager.storage.opening import folder_of, open_store, scheme_of
from isomanager.storage.sources import split_address

_PIECE = 4 << 20
_AT_ONCE = 8

Digest = Callable[[], str]


@dataclass(frozen=True)
class Target:
    """A file to look at: what it is called in the answer, how its metadata and its SHA-256 are had."""

    path: str
    read: Callable[[bool], Metadata]
    digest: Digest

    @property
    def name(self) -> str:
        """The file's name without folders, on whatever system."""
        return self.path.replace("\\", "/").rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Identified:
    """What was found out about one file. `error` says why it could not be read; then nothing is guessed from its name."""

    path: str
    identification: Identification
    metadata: Metadata | None = None
    error: IsoManagerError | None = None

    def as_json(self, *, full: bool = False) -> dict[str, Any]:
        """One object of `identify --json`; `full` adds the metadata."""
        told = {"path": self.path, **self.identification.as_json()}
        if self.error is not None:
            told |= self.error.as_json()
        if full:
            told["metadata"] = self.metadata.as_json() if self.metadata else None
        return told


def identify_paths(
    library: Library, paths: Sequence[str], *, full: bool = False, by_digest: bool = False
) -> Iterator[Identified]:
    """The images at `paths` (files, folders, addresses of stores), in order, several being read at once.

    `by_digest` reads each file whole and asks the catalogue and the inventory for its SHA-256 first. UsageError for a path
    that is not there.
    """
    rules = RuleBook(library.catalogue)
    known = known_digests(library, rules) if by_digest else None
    look = partial(_looked_at, rules=rules, full=full, known=known)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="identify") as pool:
        yield from _in_order(pool, look, (target for path in paths for target in targets(path)))


def _in_order(
    pool: ThreadPoolExecutor, look: Callable[[Target], Identified], waiting: Iterator[Target]
) -> Iterator[Identified]:
    """Answers in the order of the targets, with no more of them under way than the threads keep busy."""
    under_way: deque[Future[Identified]] = deque(pool.submit(look, one) for one in islice(waiting, 4 * _AT_ONCE))
    while under_way:
        yield under_way.popleft().result()
        under_way.extend(pool.submit(look, one) for one in islice(waiting, 1))


def targets(path: str) -> Iterator[Target]:
    """The files that a path, a folder or a store's address means."""
    if scheme_of(path) not in ("", "file"):
        yield from _stored(path)
        return
    place = folder_of(path)
    if place.is_dir():
        refused: list[MediaError] = []
        yield from map(_local, images_below(place, refused.append))
        yield from map(_refused, refused)
    elif place.exists() or place.is_symlink():
        yield _local(place)
    else:
        raise UsageError(f"{path} is not there.", hint="Give files, folders, or the addresses of stores.")


def _local(file: Path) -> Target:
    return Target(str(file), lambda full: read_file(file, full=full), lambda: _sha256(_pieces_of_file(file)))


def _refused(wrong: MediaError) -> Target:
    """A folder that cannot be read, told in its place among the answers."""

    def fail(_full: bool = False) -> NoReturn:
        raise wrong

    return Target(str(wrong.data.get("file", "")), fail, fail)


def _stored(address: str) -> Iterator[Target]:
    """One file of a store, else everything below the address that is named like an image."""
    with suppress(ConfigurationError):  # a whole bucket or share is no file
        above, name = split_address(address)
        store = open_store(above)
        if store.stat(name) is not None:
            yield _in_store(store, above, name)
            return
    whole = open_store(address)
    for entry in whole.list():
        if entry.path.lower().endswith(IMAGE_ENDINGS):
            yield _in_store(whole, address, entry.path)


def _in_store(store: Store, above: str, path: str) -> Target:
    plain = above if scheme_of(above) == "s3" else above.partition("?")[0]
    return Target(
        f"{plain.rstrip('/')}/{path}",
        lambda full: read_stored(store, path, full=full),
        lambda: _sha256(_pieces_of_store(store, path)),
    )


def _looked_at(
    target: Target, *, rules: RuleBook, full: bool, known: Callable[[str], Guess | None] | None
) -> Identified:
    try:
        by_digest = known(target.digest()) if known is not None else None
        metadata = target.read(full)
    except IsoManagerError as error:
        return Identified(target.path, Identification(), error=error)
    found = identify(metadata.said(target.name), rules)
    return Identified(target.path, _known_to_be(by_digest, found) if by_digest else found, metadata)


def _known_to_be(known: Guess, found: Identification) -> Identification:
    """Bytes that are known are what they are known to be; a file that says otherwise of itself was renamed."""
    others = (guess for guess in found.alternatives if guess.product != known.product)
    return Identification(**vars(known), alternatives=tuple(others))


def known_digests(library: Library, rules: RuleBook) -> Callable[[str], Guess | None]:
    """What a SHA-256 is known to be: by the catalogue's pinned digests, else by a receipt or a copy of the inventory."""
    pinned = {
        known.sha256: (product.id, name, known.version)
        for product in library.catalogue.products
        for name, known in product.known.items()
        if known.sha256
    }

    def known(sha256: str) -> Guess | None:
        if sha256 in pinned:
            return _pinned(rules, *pinned[sha256])
        receipts = library.inventory.receipts(sha256)
        titles = [one.title for one in receipts] or [one.title for one in library.inventory.copies(sha256=sha256)]
        return _titled(titles[-1]) if titles else None

    return known


def _pinned(rules: RuleBook, product: str, name: str, version: str) -> Guess:
    """What the name under which the catalogue pins the bytes says, the product and its version being certain."""
    found = identify(Said(name), rules)
    told = found if found.product == product else Guess(product=product, family=rules.family_of(product))
    return replace(
        Guess(**{field: getattr(told, field) for field in Guess.__dataclass_fields__}),
        version=version or told.version,
        confidence=CONFIDENCE["digest"],
        evidence=(f"SHA-256 of {name}, which the catalogue pins",),
    )


def _titled(title: Title) -> Guess:
    return Guess(
        family=title.family.value,
        product=title.product,
        flavor=title.flavor,
        version=title.version.text,
        architecture=title.architecture,
        language=title.language or None,
        edition=title.edition or None,
        confidence=CONFIDENCE["digest"],
        evidence=(f"SHA-256 of {title}, which the library has known",),
    )


def _sha256(pieces: Iterable[bytes]) -> str:
    from isomanager.transfer.digesting import digests_of

    return digests_of(pieces, ["sha256"])["sha256"]


def _pieces_of_file(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as handle:
            while piece := handle.read(_PIECE):
                yield piece
    except OSError as error:
        raise MediaError(f"{file} cannot be read: {error.strerror}.", code="unreadable", file=str(file)) from error


def _pieces_of_store(store: Store, path: str) -> Iterator[bytes]:
    place = 0
    while piece := store.read(path, place, _PIECE):
        yield piece
        place += len(piece)
