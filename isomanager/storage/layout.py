"""Where an image goes in a repository: path templates with named fields. Pure: the same question has the same answer."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from isomanager.errors import ConfigurationError, StoreError
from isomanager.model import Family, Offer, Title
from isomanager.storage.layout_tree import is_tree, tree_folder
from isomanager.storage.paths import (
    MAX_COMPONENT_BYTES,
    PACKED_EXTENSIONS,
    clean_component,
    extension,
    final_path,
    fold,
    shorten,
)
from isomanager.version import Version

LAYOUTS = {
    "default": "{Family}/{Name} - {Flavor}/{name}.{flavor}-{version}.iso",
    "by-type": "{Family}/{name}.{flavor}-{version}.iso",
    "by-date": "{year}/{month}/{name}.{flavor}-{version}.iso",
    "by-version": "{Name}/{version}/{name}.{flavor}-{version}.iso",
    "upstream-name": "{Family}/{Name}/{filename}",
}
"""The built-in templates by name. `.iso` at the end stands for the stored file's own extension."""

DISPLAY_WORDS = {"bsd": "BSD", "custom": "Custom", "vanilla": "Vanilla", "dvd": "DVD", "kde": "KDE", "lts": "LTS"}
"""Words whose display form is not the word with a capital letter."""

_DIGEST_STEPS = (8, 16, 64)
_MOST_NUMBERED = 1000


@dataclass(frozen=True)
class PathDefaults:
    """What goes without saying in a path: an architecture, language or edition among these is not written out."""

    architectures: tuple[str, ...] = ("x86_64", "any")
    languages: tuple[str, ...] = ("",)
    editions: tuple[str, ...] = ("",)


class TakenPaths:
    """Paths that hold a file, compared as the most careless filesystem would. Ask it by calling it."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Take `path`, and its folders as folders."""
        folded = fold(path)
        self._files.add(folded)
        while "/" in folded:
            folded = folded.rpartition("/")[0]
            self._folders.add(folded)

    def __call__(self, path: str) -> bool:
        folded = fold(path)
        if folded in self._files or folded in self._folders:
            return True
        parts = folded.split("/")
        return any("/".join(parts[:count]) in self._files for count in range(1, len(parts)))


def plan_path(
    title: Title,
    filename: str,
    layout: str = "default",
    *,
    taken: Callable[[str], bool] | Collection[str],
    product_name: str,
    now: datetime,
    sha256: str | None = None,
    channel: str = "stable",
    defaults: PathDefaults = PathDefaults(),
) -> str:
    """A free path for the image `title`, whose stored file is called `filename` upstream.

    `layout` is the name of a built-in one, a template, or a custom tree as JSON (see `layout_tree`). Architecture, language
    and edition are added when they are not the default; where the path is taken, whatever else tells the image apart, down to
    a piece of its `sha256`. A callable `taken` must itself ignore case (TakenPaths does). ConfigurationError for a layout
    that cannot be followed.
    """
    is_taken = taken if callable(taken) else TakenPaths(taken)
    template = _template(title, layout, product_name, channel)
    used = fields_used(template)
    fields = path_fields(title, filename, product_name=product_name, now=now, sha256=sha256, channel=channel)
    folder, stem, ending = _split(template, fields, filename)
    always, on_demand = _distinctions(title, used, defaults)
    for addition in _additions(always, on_demand, sha256):
        path = final_path(_joined(folder, stem, addition, ending))
        if not is_taken(path):
            return path
    raise StoreError(
        f"Every name for {title} is taken, up to '{path}'.",
        code="name-taken",
        hint="Give the repository a layout that tells its images apart.",
        path=path,
    )


def stored_filename(offer: Offer) -> str:
    """The name of the file we keep of `offer`: without the packing that is taken off on arrival."""
    ending = next((end for end in PACKED_EXTENSIONS if offer.filename.lower().endswith(end)), "")
    return offer.filename[: len(offer.filename) - len(ending)] if offer.packing and ending else offer.filename


def display_name(word: str) -> str:
    """`windows-server` as people write it in a title: `Windows Server`."""
    return " ".join(DISPLAY_WORDS.get(piece, piece[:1].upper() + piece[1:]) for piece in word.split("-"))


def path_fields(
    title: Title, filename: str, *, product_name: str, now: datetime, sha256: str | None, channel: str = "stable"
) -> dict[str, str]:
    """Every field a template may name, each safe as a piece of a path; what is not known is empty."""
    version = title.version
    raw = {
        "Family": display_name(title.family.value), "family": title.family.value,
        "Name": product_name or display_name(title.product), "name": title.product, "product": title.product,
        "Flavor": display_name(title.flavor), "flavor": title.flavor,
        "version": version.text, "major": version.major, "minor": version.minor, "patch": version.patch,
        "architecture": title.architecture, "language": title.language, "edition": title.edition, "channel": channel,
        "year": f"{now:%Y}", "month": f"{now:%m}", "day": f"{now:%d}", "date": f"{now:%Y-%m-%d}",
        "filename": filename, "stem": filename[: len(filename) - len(extension(filename))],
        "sha256": sha256, "digest": (sha256 or "")[:8],
    }  # fmt: skip
    return {name: clean_component(str(value)) if value not in (None, "") else "" for name, value in raw.items()}


FIELDS = frozenset(
    path_fields(
        Title(family=Family.CUSTOM, product="any", version=Version("1")),
        "any.iso",
        product_name="Any",
        now=datetime.fromtimestamp(0, UTC),
        sha256=None,
    )
)
"""The names of `path_fields`."""


def _template(title: Title, layout: str, product_name: str, channel: str) -> str:
    if is_tree(layout):
        folder = tree_folder(layout, title, product_name=product_name, channel=channel)
        if folder is None:
            return LAYOUTS["default"]
        literal = "/".join(part.replace("{", "{{").replace("}", "}}") for part in folder)
        return f"{literal}/{{name}}.{{flavor}}-{{version}}.iso"
    if layout in LAYOUTS:
        return LAYOUTS[layout]
    if "{" not in layout:
        raise ConfigurationError(
            f"There is no layout '{layout}'.",
            hint=f"Built in: {', '.join(LAYOUTS)}; or write a template, such as {LAYOUTS['default']}",
            layout=layout,
        )
    return layout


def fields_used(template: str) -> frozenset[str]:
    """The fields a template names; ConfigurationError when it names others, or is no template of a relative path."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigurationError(f"The layout '{template}' cannot be read: {error}.", layout=template) from error
    named = [(name, spec, conversion) for _, name, spec, conversion in pieces if name is not None]
    unknown = sorted({name for name, _, _ in named} - FIELDS)
    if unknown or any(spec or conversion for _, spec, conversion in named):
        told = f"the unknown field {unknown[0] or '{}'!r}" if unknown else "a field with ':' or '!'"
        raise ConfigurationError(
            f"The layout '{template}' has {told}.", hint=f"Fields are: {', '.join(sorted(FIELDS))}.", layout=template
        )
    literals = "".join(literal for literal, *_ in pieces)
    hidden = any(part.startswith(".") for part in template.split("/"))
    if (
        hidden
        or template.startswith("/")
        or template.endswith("/")
        or any(bad in literals for bad in ("\\", ":", ".."))
    ):
        raise ConfigurationError(
            f"The layout '{template}' is not a relative path of a file.",
            hint="Write it with forward slashes, without leading dots, '..', a drive or a colon, ending in a file name.",
            layout=template,
        )
    return frozenset(name for name, _, _ in named)


_UPSTREAM = frozenset({"filename", "stem"})


def names_upstream(layout: str) -> bool:
    """Whether files are called as upstream calls them."""
    return not is_tree(layout) and bool(fields_used(LAYOUTS.get(layout, layout)) & _UPSTREAM)


def _split(template: str, fields: Mapping[str, str], filename: str) -> tuple[str, str, str]:
    """Folder, stem of the file name, and extension. Fields that are empty leave no dangling dash and no empty folder."""
    parts = [part.format_map(fields).strip(" -_") for part in template.split("/")]
    *folders, last = [clean_component(part) for part in parts if part] or ["unnamed"]
    written = extension(last)
    stored = extension(filename)
    ending = written if written.lower() == stored.lower() and written else stored.lower() or written or ".iso"
    return "/".join(folders), last[: len(last) - len(written)], ending


def _distinctions(title: Title, used: frozenset[str], defaults: PathDefaults) -> tuple[list[str], list[str]]:
    """Pieces that are always added, and pieces that are added one by one while the path is taken."""
    own_name = bool(used & _UPSTREAM)  # upstream's own name tells architecture and edition in its way
    unusual = {
        "architecture": "" if title.architecture in defaults.architectures else title.architecture,
        "language": "" if title.language in defaults.languages else title.language,
        "edition": "" if title.edition in defaults.editions else title.edition,
    }
    always = [] if own_name else [text for name, text in unusual.items() if text and name not in used]
    told = {
        "flavor": title.flavor, "version": title.version.text, "edition": title.edition, "language": title.language,
        "architecture": title.architecture,
    }  # fmt: skip
    same_as = {"flavor": {"flavor", "Flavor"}}
    on_demand = [
        text for name, text in told.items() if text and text not in always and not used & same_as.get(name, {name})
    ]
    return always, on_demand


def _additions(always: list[str], on_demand: list[str], sha256: str | None) -> Iterator[str]:
    """What to put behind the stem, shortest first."""
    pieces = [clean_component(piece) for piece in always]
    yield _dashed(pieces)
    for piece in on_demand:
        pieces.append(clean_component(piece))
        yield _dashed(pieces)
    for length in _DIGEST_STEPS if sha256 else ():
        yield _dashed(pieces, clean_component((sha256 or "")[:length]))
    for number in range(2, _MOST_NUMBERED):
        yield _dashed(pieces, str(number))


def _dashed(pieces: list[str], mark: str = "") -> str:
    """The pieces in at most half a name, so that the stem keeps the other half. A `mark` that must differ is never cut."""
    tail = f"-{mark}" if mark else ""
    return shorten("".join(f"-{piece}" for piece in pieces), MAX_COMPONENT_BYTES // 2 - len(tail)) + tail


def _joined(folder: str, stem: str, addition: str, ending: str) -> str:
    room = MAX_COMPONENT_BYTES - len(addition.encode()) - len(ending.encode())
    name = clean_component(f"{shorten(stem, room).rstrip('. ')}{addition}{ending}")
    return f"{folder}/{name}" if folder else name
