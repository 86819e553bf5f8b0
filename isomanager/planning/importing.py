"""Deciding about an inventory from elsewhere, image by image: what is taken in, what is known, what is refused, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath

from pydantic import Field

from isomanager.errors import UsageError
from isomanager.model import Copy, CopyState, Digests, Receipt, Title, Value


class ImportKind(StrEnum):
    """What becomes of one image of a document."""

    ADOPT = "adopt"
    KNOWN = "known"
    REFUSE = "refuse"
    SKIP = "skip"
    FORGET = "forget"


class Listed(Value):
    """An image as a document lists it, its title understood. `path` is inside the repository, "" when it names no file there;
    `receipts` are the document's own of its bytes; `objection` says why the path cannot be one."""

    title: Title
    path: str = ""
    size: int | None = None
    digests: Digests = Field(default_factory=dict)
    source: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    receipts: tuple[Receipt, ...] = ()
    objection: str = ""


class ImportStep(Value):
    """One decision. `copy_id` names the copy that is known or forgotten."""

    kind: ImportKind
    listed: Listed | None = None
    copy_id: str = ""
    reason: str
    code: str = ""


def plan_import(
    listed: Iterable[Listed],
    held: Sequence[Copy],
    *,
    size_of: Callable[[str], int | None],
    replace: bool = False,
) -> tuple[ImportStep, ...]:
    """A step for each image of the document, and with `replace` one for each held copy that it does not list.

    `held` are the repository's copies under a final name; `size_of` tells a file's bytes in the store, None when there is none.
    Files are never touched: what is forgotten stays where it is. UsageError for a document that would have everything forgotten.
    """
    listed = tuple(listed)
    if replace and held and not any(one.path and not one.objection for one in listed):
        raise UsageError(
            "The document names no file of the repository, so that everything would be forgotten: nothing was changed.",
            hint="Leave --replace away, or give the inventory of this repository.",
        )
    by_path = {copy.path.casefold(): copy for copy in held}
    steps: list[ImportStep] = []
    named: set[str] = set()
    for one in listed:
        steps.append(_decide(one, by_path.get(one.path.casefold()), named, size_of))
        named.add(one.path.casefold())
    if replace:
        steps += [_forget(copy) for path, copy in by_path.items() if path not in named]
    return tuple(steps)


def _decide(one: Listed, known: Copy | None, named: set[str], size_of: Callable[[str], int | None]) -> ImportStep:
    def step(kind: ImportKind, reason: str, code: str = "") -> ImportStep:
        return ImportStep(kind=kind, listed=one, reason=reason, code=code, copy_id=known.id if known else "")

    if one.objection:
        return step(ImportKind.REFUSE, one.objection, "outside-repository")
    if not one.path:
        return step(
            ImportKind.SKIP, f"the document names no file of it; `isomanager subscribe {one.title.product}` fetches it"
        )
    if one.path.casefold() in named:
        return step(ImportKind.REFUSE, f"the document names {one.path} more than once", "ambiguous")
    if known is not None:
        return _known(one, known, step)
    size = size_of(one.path)
    if size is None:
        return step(ImportKind.SKIP, f"there is no file {one.path} in the repository")
    if one.size not in (None, size):
        return step(ImportKind.REFUSE, f"{one.path} has {size} bytes; the document says {one.size}", "wrong-size")
    proof = (
        "to be held against the document's digest" if one.digests else "the document gives no digest to hold it against"
    )
    return step(ImportKind.ADOPT, f"there, and not known yet; {proof}")


def _known(one: Listed, known: Copy, step: Callable[..., ImportStep]) -> ImportStep:
    differing = [name for name, digest in one.digests.items() if known.digests.get(name, digest) != digest]
    if differing:
        told = f"{one.path} is held with another {differing[0]} digest than the document gives: what is held stays"
        return step(ImportKind.REFUSE, told, "wrong-digest")
    if known.state is CopyState.SUSPECT:
        return step(ImportKind.KNOWN, f"known already, and suspect: {known.reason or 'it failed a proof'}")
    return step(ImportKind.KNOWN, f"known already, proved as {known.assurance}")


def _forget(copy: Copy) -> ImportStep:
    reason = "the imported inventory does not list it; its file is left where it is"
    return ImportStep(kind=ImportKind.FORGET, copy_id=copy.id, reason=reason)


def path_inside(path: str, roots: Sequence[str]) -> str:
    """A document's path as one inside the repository, which the document or this machine calls by one of `roots`.

    Forward slashes, relative; "" for no path. UsageError for a path that leads elsewhere.
    """
    if not path:
        return ""
    if _is_windows(path):
        return _windows_path(path, roots)
    if not path.startswith("/"):
        return path
    for root in (one for one in roots if one.startswith("/")):
        if PurePosixPath(path).is_relative_to(PurePosixPath(root)):
            return str(PurePosixPath(path).relative_to(PurePosixPath(root)))
    raise _elsewhere(path)


def _is_windows(path: str) -> bool:
    return "\\" in path or bool(PureWindowsPath(path).drive)


def _windows_path(path: str, roots: Sequence[str]) -> str:
    given = PureWindowsPath(path)
    if not given.drive and not given.root:
        return given.as_posix()
    for root in (one for one in roots if one and _is_windows(one)):
        if given.is_relative_to(PureWindowsPath(root)):
            return given.relative_to(PureWindowsPath(root)).as_posix()
    raise _elsewhere(path)


def _elsewhere(path: str) -> UsageError:
    return UsageError(f"{path} lies outside of the repository.", code="outside-repository", path=path)
