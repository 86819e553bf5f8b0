"""Several operations on one open file of a share in one request and one round trip: related compounds ([MS-SMB2] 3.2.4.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from smbclient._io import SMBDirectoryIO, SMBFileIO, SMBFileTransaction, set_info
from smbprotocol.exceptions import (
    NoMoreFiles,
    NoSuchFile,
    SMBException,
    SMBOSError,
    SMBResponseException,
)
from smbprotocol.file_info import FileDispositionInformation, FileInformationClass, FileLinkInformation
from smbprotocol.open import FilePipePrinterAccessMask, QueryDirectoryFlags

_WRITING = (
    FilePipePrinterAccessMask.FILE_WRITE_DATA
    | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
    | FilePipePrinterAccessMask.FILE_WRITE_ATTRIBUTES
    | FilePipePrinterAccessMask.DELETE
)
_SHARED = "rwd"

Asked = tuple[Any, Callable[[Any], Any]]
"""A message, and what reads its answer."""


def together(fd: Any, asked: list[Asked]) -> list[Any]:
    """What the server answered to each, an exception where it refused; `fd` is smbprotocol's Open."""
    tree = fd.tree_connect
    messages = [message for message, _ in asked]
    requests = fd.connection.send_compound(messages, tree.session.session_id, tree.tree_connect_id, related=True)
    answers: list[Any] = []
    for (_, receive), request in zip(asked, requests, strict=True):
        try:
            answers.append(receive(request))
        except SMBResponseException as wrong:
            answers.append(
                wrong.with_traceback(None)
            )  # its frames would keep whatever is open in them from being freed
    return answers


class FreshFile:
    """A file made to be given another name: created, written and flushed in one request, named and let go in another."""

    def __init__(self, path: str, data: bytes, **session: Any) -> None:
        self._raw = SMBFileIO(path, mode="xb", share_access=_SHARED, desired_access=_WRITING, **session)
        wrote: list[int] = []
        message, receive = self._raw.fd.write(data, 0, send=False)
        transaction = SMBFileTransaction(self._raw)
        self._raw.open(transaction=transaction)
        transaction += (message, lambda request: wrote.append(receive(request)))
        transaction += self._raw.fd.flush(send=False)
        try:
            transaction.commit()
            if wrote != [len(data)]:
                raise SMBException(f"the server took {wrote} of {len(data)} bytes")
        except Exception:
            self._abandon()
            raise

    def name(self, below_share: str) -> None:
        """Give it the name, never over another file, and take its first one away; SMBOSError when the name is taken, or the server
        has no second names. It is closed, and its first name gone, in any case."""
        link, gone = FileLinkInformation(), FileDispositionInformation()
        link["replace_if_exists"], link["file_name"] = False, below_share
        gone["delete_pending"] = True
        try:
            asked = [*_setting(self._raw, link, gone), self._raw.fd.close(send=False)]
            named, *rest = together(self._raw.fd, asked)
        finally:
            self._raw.fd._connected = False
        if isinstance(named, SMBResponseException):
            raise SMBOSError(named.status, below_share)
        for one in rest:
            if isinstance(one, SMBResponseException):
                raise one

    def _abandon(self) -> None:
        gone = FileDispositionInformation()
        gone["delete_pending"] = True
        if not self._raw.closed:
            with suppress(SMBException):
                together(self._raw.fd, [*_setting(self._raw, gone), self._raw.fd.close(send=False)])
            self._raw.fd._connected = False


def _setting(raw: Any, *told: Any) -> list[Asked]:
    transaction = SMBFileTransaction(raw)
    for one in told:
        set_info(transaction, one)
    return list(transaction._actions)


def names_in(path: str, **session: Any) -> Iterator[Any]:
    """What the server tells of every name in a folder (FILE_ID_FULL_DIRECTORY_INFORMATION); `.` and `..` are left out.

    Opened and asked twice at once: the second answer is mostly that there is no more. SMBResponseException if it cannot be.
    """
    raw = SMBDirectoryIO(path, share_access=_SHARED, **session)
    fd, transaction = raw.fd, SMBFileTransaction(raw)
    raw.open(transaction=transaction)
    opened, *answers = together(fd, [*transaction._actions, _query(fd, first=True), _query(fd)])
    if isinstance(opened, SMBResponseException):
        raise opened
    try:
        while answers:
            told = answers.pop(0)
            if isinstance(told, (NoMoreFiles, NoSuchFile)):
                return
            if isinstance(told, SMBResponseException):
                raise told
            yield from (one for one in told if name_of(one) not in (".", ".."))
            if not answers:
                answers = together(fd, [_query(fd)])
    finally:
        with suppress(SMBException):
            fd.close()
        fd._connected = False  # smbprotocol would close it again, and complain, when the connection broke


def _query(fd: Any, *, first: bool = False) -> Asked:
    kind = FileInformationClass.FILE_ID_FULL_DIRECTORY_INFORMATION
    flags = QueryDirectoryFlags.SMB2_RESTART_SCANS if first else 0
    asked: Asked = fd.query_directory("*", kind, flags=flags, send=False)
    return asked


def name_of(told: Any) -> str:
    """The name that one of them is of."""
    return str(told["file_name"].get_value().decode("utf-16-le"))
