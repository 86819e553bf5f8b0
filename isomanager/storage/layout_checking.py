"""Whether a layout can be followed, tried before a repository has it."""

from __future__ import annotations

import string
from datetime import UTC, datetime

from isomanager.errors import ConfigurationError, StoreError
from isomanager.model import Family, Title
from isomanager.storage.layout import LAYOUTS, TakenPaths, fields_used, plan_path
from isomanager.storage.layout_tree import folders_of, is_tree
from isomanager.storage.paths import final_path
from isomanager.version import Version

_SAMPLES = (
    Title(family=Family.LINUX, product="ubuntu", flavor="server", version=Version("24.04.3")),
    Title(
        family=Family.WINDOWS, product="windows", flavor="con", version=Version("11"), language="de-DE", edition="aux"
    ),
    Title(family=Family.CUSTOM, product="x" * 40, flavor="y" * 40, version=Version("1" * 40), architecture="aarch64"),
)
_MOST_PATH_BYTES = 400
"""A path beyond this leaves no room for where a share is mounted (Windows' programs end at 260 letters, S3 keys at 1024 bytes)."""


def check_layout(layout: str) -> None:
    """Try a layout on titles of every kind, before a repository has it: hostile names, long ones, all at one place.

    ConfigurationError says what is wrong: an unknown field, a path that leads out, a name that a Windows share cannot hold, paths
    that are too long, or a template that names no image apart.
    """
    taken = TakenPaths()
    _require_plain_names(layout)
    for number, title in enumerate(_SAMPLES):
        try:
            path = plan_path(
                title, f"image{number}.iso", layout, taken=taken, product_name=title.product, now=datetime.fromtimestamp(0, UTC),
                sha256=f"{number:064x}",
            )  # fmt: skip
        except StoreError as wrong:
            raise ConfigurationError(f"The layout '{layout}' does not work: {wrong.message}", layout=layout) from wrong
        if len(path.encode()) > _MOST_PATH_BYTES:
            raise ConfigurationError(
                f"The layout '{layout}' makes paths of {len(path.encode())} bytes and more.",
                hint=f"Keep them below {_MOST_PATH_BYTES}: leave out fields, or folders.",
                layout=layout,
            )
        taken.add(path)
    if not is_tree(layout) and not fields_used(LAYOUTS.get(layout, layout)) & _TELLING:
        raise ConfigurationError(
            f"The layout '{layout}' gives every image the same name.",
            hint="Name what tells them apart, such as {name}, {version} or {filename}.",
            layout=layout,
        )


def _require_plain_names(layout: str) -> None:
    """What a person wrote is not changed behind their back to something that every system can hold, as names of upstream are."""
    written = LAYOUTS.get(layout, layout)
    if is_tree(layout):
        paths = folders_of(layout)
    else:
        fields_used(written)
        fields = string.Formatter().parse(written)
        paths = ("".join(literal + ("x" if name is not None else "") for literal, name, *_ in fields),)
    for path in paths:
        try:
            final_path(path)
        except StoreError as wrong:
            raise ConfigurationError(f"The layout '{layout}' does not work: {wrong.message}", layout=layout) from wrong


_TELLING = frozenset({"Name", "name", "product", "filename", "stem", "sha256", "digest"})
"""Fields of which a template needs one, so that images of different products are called differently."""
