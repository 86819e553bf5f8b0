"""What an SMB server says, as errors that a tree of files raises: the one table from NTSTATUS to what the user can do.

Codes: [MS-ERREF], section 2.3.1. Where errno has a word for it an OSError is raised, so that the store treats a share as any other
tree; for the rest a StoreError or StoreUnavailable.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from smbprotocol.exceptions import SMBAuthenticationError, SMBException, SMBOSError, SMBResponseException

from isomanager.errors import IsoManagerError, StoreError, StoreUnavailable

_ERRNO = {
    0xC0000034: errno.ENOENT,  # OBJECT_NAME_NOT_FOUND
    0xC000003A: errno.ENOENT,  # OBJECT_PATH_NOT_FOUND
    0xC000000F: errno.ENOENT,  # NO_SUCH_FILE
    0xC0000225: errno.ENOENT,  # NOT_FOUND
    0xC0000056: errno.ENOENT,  # DELETE_PENDING: as good as gone
    0xC0000035: errno.EEXIST,  # OBJECT_NAME_COLLISION
    0xC0000022: errno.EACCES,  # ACCESS_DENIED
    0xC00000CA: errno.EACCES,  # NETWORK_ACCESS_DENIED
    0xC0000061: errno.EACCES,  # PRIVILEGE_NOT_HELD
    0xC0000121: errno.EACCES,  # CANNOT_DELETE: read-only, or in use
    0xC00000A2: errno.EROFS,  # MEDIA_WRITE_PROTECTED
    0xC000007F: errno.ENOSPC,  # DISK_FULL
    0xC0000044: getattr(errno, "EDQUOT", errno.ENOSPC),  # QUOTA_EXCEEDED
    0xC0000904: errno.EFBIG,  # FILE_TOO_LARGE
    0xC00000BA: errno.EISDIR,  # FILE_IS_A_DIRECTORY
    0xC0000103: errno.ENOTDIR,  # NOT_A_DIRECTORY
    0xC0000101: errno.ENOTEMPTY,  # DIRECTORY_NOT_EMPTY
    0xC0000033: errno.ENAMETOOLONG,  # OBJECT_NAME_INVALID
    0xC00000BB: errno.EOPNOTSUPP,  # NOT_SUPPORTED
    0xC0000010: errno.EOPNOTSUPP,  # INVALID_DEVICE_REQUEST
    0xC0000002: errno.EOPNOTSUPP,  # NOT_IMPLEMENTED
}
_CREDENTIALS = {
    0xC000006D: "user name or password is wrong",  # LOGON_FAILURE
    0xC000006A: "the password is wrong",  # WRONG_PASSWORD
    0xC0000064: "there is no such user",  # NO_SUCH_USER
    0xC000006E: "this account may not log on in this way",  # ACCOUNT_RESTRICTION
    0xC0000071: "the password has expired",  # PASSWORD_EXPIRED
    0xC0000224: "the password must be changed first",  # PASSWORD_MUST_CHANGE
    0xC0000072: "this account is disabled",  # ACCOUNT_DISABLED
    0xC0000193: "this account has expired",  # ACCOUNT_EXPIRED
    0xC0000234: "this account is locked",  # ACCOUNT_LOCKED_OUT
    0xC000015B: "this account may not log on over the network",  # LOGON_TYPE_NOT_GRANTED
}
_NO_SHARE = 0xC00000CC  # BAD_NETWORK_NAME
_CLOCK = 0xC0000133  # TIME_DIFFERENCE_AT_DC
_IN_USE = 0xC0000043  # SHARING_VIOLATION
_NO_CONNECTION = {errno.EBADF, errno.ENOTCONN, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH}
"""What a socket says that is closed, by the thread that reads from it too, or whose way is gone."""


def as_tree_error(error: Exception, told: str) -> Exception:
    """What to raise for `error`; `told` names the place without secrets."""
    status = getattr(error, "ntstatus", None) or getattr(error, "status", None)
    if status in _ERRNO:
        return OSError(_ERRNO[status], os.strerror(_ERRNO[status]))
    if status in _CREDENTIALS:
        return StoreError(
            f"{told} does not let this user in: {_CREDENTIALS[status]}.",
            code="credentials",
            hint="Correct the block, the environment or the credentials file: docs/repositories.md says where they are looked for.",
        )
    if status == _NO_SHARE:
        return StoreError(f"{told}: the server has no such share.", code="missing", hint="Correct the share's name.")
    if status == _CLOCK:
        hint = "Set both by a time server."
        return StoreError(f"{told}: this machine's clock and the server's differ by too much.", code="clock", hint=hint)
    if status == _IN_USE:
        return StoreUnavailable(f"{told}: another program has the file open.", hint="Close it there; then try again.")
    if isinstance(error, SMBAuthenticationError):
        return StoreError(
            f"{told} does not let this user in: {_first_line(error)}.",
            code="credentials",
            hint="Give user and password by a block, the environment or a credentials file.",
        )
    return StoreUnavailable(
        f"{told} cannot be used just now: {_first_line(error)}.",
        hint="Check that the server can be reached; the next try continues.",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@contextmanager
def smb_errors(told: str) -> Iterator[None]:
    """Run a block of SMB calls; whatever smbprotocol raises leaves it as an error of a tree of files.

    smbprotocol raises ValueError for a server that cannot be reached, and its SMBOSError is an OSError without a usable number.
    """
    try:
        yield
    except IsoManagerError:
        raise
    except (TimeoutError, SMBOSError, SMBResponseException, SMBException, ValueError, ConnectionError) as error:
        raise as_tree_error(error, told) from error
    except OSError as error:
        if error.errno not in _NO_CONNECTION:
            raise
        raise as_tree_error(error, told) from error
