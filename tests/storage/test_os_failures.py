"""The operating system's errors become ours."""

from __future__ import annotations

import errno

import pytest

from isomanager.errors import StoreError, StoreUnavailable
from isomanager.storage.os_failures import as_store_error, store_errors


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "no-space"),
        (errno.EDQUOT, "no-space"),
        (errno.EFBIG, "no-space"),
        (errno.EACCES, "no-permission"),
        (errno.EPERM, "no-permission"),
        (errno.EROFS, "no-permission"),
        (errno.ENOENT, "missing"),
        (errno.EEXIST, "name-taken"),
        (errno.ENOTDIR, "name-taken"),
        (errno.ENAMETOOLONG, "outside-repository"),
        (errno.ELOOP, "outside-repository"),
        (errno.EBADF, "store"),
    ],
)
def test_says_what_is_permanent(number: int, code: str) -> None:
    error = as_store_error(OSError(number, "told"), "Writing 'a.iso'")
    assert isinstance(error, StoreError)
    assert error.code == code
    assert error.message == "Writing 'a.iso' failed: told."


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT])
def test_says_what_may_come_back(number: int) -> None:
    assert isinstance(as_store_error(OSError(number, "told"), "Reading"), StoreUnavailable)


def test_lets_our_own_errors_through() -> None:
    with pytest.raises(StoreError) as error, store_errors("Reading"):
        raise StoreError("ours", code="changed")
    assert error.value.code == "changed"
