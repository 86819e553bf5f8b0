"""Paths inside a repository: what may be one, how any text becomes one, and when two are the same to a careless filesystem.

The rules are those of the strictest place a repository may be copied to. Windows' reserved names and characters:
https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file; 255 bytes a name is the limit of most filesystems.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path

from isomanager.errors import StoreError
from isomanager.storage.contract import INTERNAL

MAX_COMPONENT_BYTES = 255

IMAGE_EXTENSIONS = (".iso", ".img", ".raw", ".bin", ".usb", ".wim", ".esd", ".dmg", ".qcow2", ".vhd", ".vhdx", ".vmdk")
PACKED_EXTENSIONS = (".xz", ".bz2", ".gz", ".zst", ".zip")

_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL)
_UNSAFE = re.compile(r'[/\\:*?"<>|]+')
_CLEAN = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9_-])?")
"""Text that is a safe part of a path as it is, but for names that Windows reserves: nearly all there is."""
_PLAIN_PART = r"(?!con|prn|aux|nul|com|lpt)\.?[a-z0-9_](?:[a-z0-9._+~ -]{0,198}[a-z0-9_+~-])?"
_PLAIN_PATH = re.compile(rf"(?:{_PLAIN_PART}/)*{_PLAIN_PART}", re.IGNORECASE | re.ASCII)
"""Paths that nothing can be said against, told by one look: nearly all there are."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def fold(path: str) -> str:
    """The form under which paths that some filesystem cannot tell apart are equal (case, Unicode composition)."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def is_internal(path: str) -> bool:
    """Whether `path` lies in the folder of a repository that holds what is not an image."""
    return fold(path.split("/", 1)[0]) == INTERNAL


def extension(filename: str) -> str:
    """The extension of an image's file name, with the packing if there is one: `.iso`, `.img`, `.img.xz`; else "".

    Spelled as in `filename`: only the comparison ignores case.
    """
    packing = next((end for end in PACKED_EXTENSIONS if filename.lower().endswith(end)), "")
    stem = filename[: len(filename) - len(packing)]
    kind = next((end for end in IMAGE_EXTENSIONS if stem.lower().endswith(end)), "")
    return filename[len(stem) - len(kind) :] if kind or packing else ""


def _has_control(text: str) -> bool:
    # Cc control, Cf format (bidirectional overrides hide an extension), Cs surrogate, Zl/Zp line and paragraph separators
    if text.isascii():
        return not text.isprintable()
    return any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in text)


def _objection(component: str) -> str:
    if component in ("", ".", ".."):
        return "has an empty, '.' or '..' part"
    if _has_control(component):
        return "has a control character"
    if component[-1] in ". ":
        return "has a part that ends in a dot or blank"
    if _RESERVED.fullmatch(component):
        return f"has the part '{component}', a name that Windows reserves"
    if len(component.encode("utf-8")) > MAX_COMPONENT_BYTES:
        return f"has a part of more than {MAX_COMPONENT_BYTES} bytes"
    return ""


def safe_path(path: str) -> str:
    """`path` unchanged if it is a plain relative path; StoreError(code="outside-repository") says what is wrong with it."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    if path.startswith("/") or _DRIVE.match(path):
        objection = "is absolute"
    elif "\\" in path:
        objection = "has a backslash"
    else:
        objection = next(filter(None, map(_objection, path.split("/"))), "")
    if objection:
        raise StoreError(
            f"{path!r} {objection}.",
            code="outside-repository",
            hint="Paths in a repository are relative, with forward slashes and names that every system can hold.",
            path=path,
        )
    return path


def final_path(path: str) -> str:
    """`safe_path`, and not among the repository's internals: where an image may be published."""
    if is_internal(safe_path(path)):
        raise StoreError(f"'{path}' is kept for the repository itself.", code="outside-repository", path=path)
    return path


def safe_key(key: str) -> str:
    """`key` unchanged if it is safe in a file name."""
    if not _KEY.fullmatch(key) or key[-1] == "." or _RESERVED.fullmatch(key):
        raise StoreError(f"{key!r} cannot name an unfinished file.", code="outside-repository", key=key)
    return key


def inside(root: Path, path: str) -> Path:
    """The file of `path` below `root`; StoreError(code="outside-repository") when a symbolic link leads out of it."""
    located = root.joinpath(*safe_path(path).split("/"))
    if _has_link(root, path) and not Path(os.path.realpath(located)).is_relative_to(os.path.realpath(root)):
        raise StoreError(
            f"'{path}' leads out of the repository through a symbolic link.",
            code="outside-repository",
            hint="Remove the link, or make the folder it leads to a repository of its own.",
            path=path,
        )
    return located


def _has_link(root: Path, path: str) -> bool:
    """Whether any part of `path` below `root` is a symbolic link; only then need it be followed."""
    reached = str(root)
    for part in path.split("/"):
        reached = f"{reached}{os.sep}{part}"
        try:
            told = os.lstat(reached)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # nobody can say
        if not (stat.S_ISDIR(told.st_mode) or stat.S_ISREG(told.st_mode)) or os.name == "nt":
            return True
    return False


def shorten(text: str, limit: int) -> str:
    """`text` cut to `limit` bytes of UTF-8, never through a letter."""
    return text.encode("utf-8")[: max(limit, 0)].decode("utf-8", "ignore")


def clean_component(text: str, *, fallback: str = "unnamed") -> str:
    """Any text as one safe part of a path; what cannot stay becomes a dash, and nothing left becomes `fallback`.

    Leading dots go too: upstream shall not make a hidden file, nor reach `.isomanager`.
    """
    if _CLEAN.fullmatch(text) and not _RESERVED.fullmatch(text):
        return text
    plain = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text))
    plain = "".join("-" if _has_control(letter) else letter for letter in plain)
    plain = re.sub(r" +", " ", _UNSAFE.sub("-", plain)).lstrip(". ").rstrip(". ") or fallback
    ending = extension(plain)
    if len(plain.encode("utf-8")) > MAX_COMPONENT_BYTES:
        stem = plain[: len(plain) - len(ending)]
        plain = shorten(stem, MAX_COMPONENT_BYTES - len(ending)).rstrip(". ") + ending
    if _RESERVED.fullmatch(plain):
        stem, dot, rest = plain.partition(".")
        plain = f"{stem.rstrip()}_{dot}{rest}"
    return plain
