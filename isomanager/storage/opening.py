"""From a repository's address to its store. The kinds of store are data; each is imported when it is first asked for."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from isomanager.errors import ConfigurationError
from isomanager.storage.contract import Store

OPENERS = {
    "": "isomanager.storage.opening:open_folder",
    "file": "isomanager.storage.opening:open_folder",
    "s3": "isomanager.storage.s3_opening:open_s3",
    "smb": "isomanager.storage.smb:open_smb",
    "nfs": "isomanager.storage.nfs:open_nfs",
}
"""`module:function` by URL scheme ("" is a plain path); the function takes (url, create=bool)."""

PLUGINS = "isomanager.stores"
"""The entry-point group in which other packages name openers for further schemes."""

_SCHEME = re.compile(r"(file(?=:)|[A-Za-z][A-Za-z0-9+.-]+(?=://))", re.IGNORECASE)


class Opener(Protocol):
    """What stands in OPENERS."""

    def __call__(self, url: str, *, create: bool) -> Store: ...


def scheme_of(url: str) -> str:
    """The scheme in lower case, "" for a path (`C:\\ISOs` is one)."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def open_store(url: str, *, create: bool = False) -> Store:
    """The store at `url`: a path, a file:// URL, s3://bucket/prefix, or what a plug-in serves.

    `create` makes a new, empty repository there. Without it a folder that is missing makes every call StoreUnavailable, so
    that a disk that is not mounted is neither taken for an empty repository nor filled beneath its mount point.
    ConfigurationError when no store serves such an address, or when it carries a password; its text never holds the address.
    """
    from isomanager.storage.addresses import refuse_password

    refuse_password(url)
    return _opener(scheme_of(url))(url, create=create)


def is_within(url: str, other: str) -> bool:
    """Whether the place at `url` is the one at `other`, or in it, as far as their addresses tell; of blocks they tell nothing."""
    inner, outer = _steps(url), _steps(other)
    return inner[: len(outer)] == outer


def _steps(url: str) -> tuple[str, ...]:
    """The way to a place: its kind, the server without the user's name, and the folders."""
    scheme = scheme_of(url)
    if scheme in ("", "file"):
        return ("file", *folder_of(url).resolve().parts)
    host, _, path = url.partition("://")[2].partition("/")
    folders = (path if scheme == "s3" else path.partition("?")[0]).split("/")
    return (scheme, host.rpartition("@")[2].lower(), *filter(None, folders))


def _opener(scheme: str) -> Opener:
    if scheme in OPENERS:
        module, _, name = OPENERS[scheme].partition(":")
        opener: Opener = getattr(import_module(module), name)
        return opener
    for one in entry_points(group=PLUGINS, name=scheme):
        plugged: Opener = one.load()
        return plugged
    raise ConfigurationError(
        f"No store serves {scheme}:// addresses.",
        code="configuration",
        hint="Give a path, or an address that begins with s3://, smb://, nfs:// or block://.",
        scheme=scheme,
    )


def open_folder(url: str, *, create: bool) -> Store:
    """A repository in a folder of this machine."""
    from isomanager.storage.local import LocalStore

    return LocalStore(folder_of(url), create=create)


def folder_of(url: str) -> Path:
    """The folder that a path or file:// URL names. `~` is the user's home; a relative path starts where the program runs."""
    if scheme_of(url) != "file":
        if not url.strip():
            raise ConfigurationError("A repository needs an address.", hint="Give a path, such as /srv/isos.")
        return Path(url).expanduser()
    parts = urlsplit(url)
    if parts.hostname not in (None, "", "localhost") or parts.query or parts.fragment or not parts.path:
        raise ConfigurationError(
            "A file:// address names a folder of this machine and nothing else.",
            hint="Write file:///srv/isos, or the path itself. Write '#' and '?' in a name as %23 and %3F.",
        )
    return Path(url2pathname(parts.path))
