"""Foreign errors become ours here and nowhere else in storage: one table from `errno` to what the user can do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from isomanager.errors import IsoManagerError, StoreError, StoreUnavailable

_NO_SPACE = {
    errno.ENOSPC: "Free some space, have a quota raised if there is one, or choose another repository.",
    errno.EFBIG: "The filesystem or a limit of this account takes no file this large; choose another repository.",
}
if hasattr(errno, "EDQUOT"):
    _NO_SPACE[errno.EDQUOT] = (
        "A quota of this account or folder is used up, though the disk may have room: free some of what it counts, have it raised, "
        "or choose another repository."
    )
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}
_TAKEN = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY}
_GONE_FOR_NOW = {
    getattr(errno, name)
    for name in ("EIO", "ESTALE", "ENOTCONN", "EHOSTDOWN", "ETIMEDOUT", "ENODEV", "ENXIO", "EREMOTEIO")
    if hasattr(errno, name)
}


def as_store_error(error: OSError, what: str) -> IsoManagerError:
    """The typed error for `error`; `what` says what was being done to which file ("Writing Linux/x.iso")."""
    told, number = f"{what} failed: {error.strerror or error}.", error.errno
    if number in _GONE_FOR_NOW:
        return StoreUnavailable(told, hint="Check that the disk or share is there; the next try continues.")
    if number in _NO_SPACE:
        return StoreError(told, code="no-space", hint=_NO_SPACE[number])
    if number in _NO_PERMISSION:
        return StoreError(told, code="no-permission", hint="Give this account access to it.")
    if number in _TAKEN:
        return StoreError(told, code="name-taken", hint="Another file or folder holds that name.")
    if number == errno.ENOENT:
        return StoreError(told, code="missing")
    if number in (errno.ELOOP, errno.ENAMETOOLONG):
        return StoreError(told, code="outside-repository", hint="Use a shorter, plain path inside the repository.")
    return StoreError(told)


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Run a block of file work; an OSError leaves it as a typed error that says `what` was being done."""
    try:
        yield
    except OSError as error:
        raise as_store_error(error, what) from error
