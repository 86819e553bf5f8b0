"""Looking at a file of a share, and reading a small one, in one round trip each: opened, asked and closed by one request.

The messages are packed here, a few bytes each: smbprotocol's own cost twice the processor time, and a sync looks at thousands of
files. Layouts: [MS-SMB2] 2.2.13 to 2.2.16, 2.2.20, 2.2.37 and 2.2.38.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from smbclient._pool import get_smb_tree
from smbprotocol.exceptions import EndOfFile, SMBResponseException
from smbprotocol.header import Commands, NtStatus
from smbprotocol.open import SMB2ReadRequest

_READ_DATA, _READ_ATTRIBUTES = 0x1, 0x80
_IMPERSONATION, _ANY_SHARING, _OPEN_EXISTING = 2, 0x7, 0x1
_NO_FOLDER, _THE_LINK_ITSELF = 0x40, 0x200000
_JUST_OPENED = b"\xff" * 16
_CREATE = struct.Struct("<HBBLQQLLLLLHHLL")
_CREATED = struct.Struct("<24xQ16xQL")
"""Of the answer: LastWriteTime, EndofFile, FileAttributes."""
_NUMBER = struct.pack("<HBBLHHLLL16sx", 41, 1, 6, 8, 0, 0, 0, 0, 0, _JUST_OPENED)
"""Asks for FileInternalInformation ([MS-FSCC] 2.4.27), the file's number."""
_CLOSE = struct.pack("<HHL16s", 24, 0, 0, _JUST_OPENED)
_READ_PADDING = 80
_TICKS_TO_1970 = 116_444_736_000_000_000


class Elsewhere(Exception):
    """The path is in a distributed namespace, or leads over a link: smbclient follows it."""


@dataclass(frozen=True)
class Told:
    """What a server says of a name. `modified_ns` since 1970, to the microsecond as in listings; `number` is the file's own."""

    size: int
    attributes: int
    modified_ns: int
    number: int


class _Packed:
    """A message that smbprotocol's connection can send."""

    def __init__(self, command: int, body: bytes) -> None:
        self.COMMAND, self._body = command, body

    def __len__(self) -> int:
        return len(self._body)

    def pack(self) -> bytes:
        """The message."""
        return self._body


def look_at(path: str, **session: Any) -> Told:
    """What is at `path`. SMBResponseException when nothing is; Elsewhere."""
    asked = [_Packed(Commands.SMB2_QUERY_INFO, _NUMBER)]
    created, number = _opened(path, asked, _READ_ATTRIBUTES, _THE_LINK_ITSELF, **session)
    return _told(created, number)


def size_and_attributes(path: str, **session: Any) -> tuple[int, int]:
    """The two of them alone; as `look_at`."""
    (created,) = _opened(path, [], _READ_ATTRIBUTES, _THE_LINK_ITSELF, **session)
    told = _told(created, b"")
    return told.size, told.attributes


def read_at_once(path: str, start: int, length: int, **session: Any) -> tuple[Told, bytes]:
    """Up to `length` bytes of the file from `start`, no more than one request carries, and what it is; as `look_at`."""
    reading = SMB2ReadRequest()
    reading["padding"], reading["length"], reading["offset"] = _READ_PADDING, length, start
    reading["file_id"] = _JUST_OPENED
    asked = [_Packed(Commands.SMB2_QUERY_INFO, _NUMBER), reading]
    created, number, came = _opened(path, asked, _READ_ATTRIBUTES | _READ_DATA, _NO_FOLDER, **session)
    begins, size = (came[2] - 64, int.from_bytes(came[4:8], "little")) if came else (0, 0)
    return _told(created, number), came[begins : begins + size]


def _opened(path: str, asked: list[Any], access: int, options: int, **session: Any) -> list[bytes]:
    """The bodies of the answers to opening `path` and to what is `asked` of it; empty where it was asked beyond the file's end."""
    tree, name = get_smb_tree(path, **session)
    if tree.is_dfs_share:
        raise Elsewhere(path)
    encoded = name.encode("utf-16-le")
    create = _CREATE.pack(
        57, 0, 0, _IMPERSONATION, 0, 0, access, 0, _ANY_SHARING, _OPEN_EXISTING, options,
        64 + _CREATE.size, len(encoded), 0, 0,
    )  # fmt: skip
    messages = [_Packed(Commands.SMB2_CREATE, create + (encoded or b"\0"))]
    connection = tree.session.connection
    requests = connection.send_compound(
        [*messages, *asked, _Packed(Commands.SMB2_CLOSE, _CLOSE)],
        tree.session.session_id,
        tree.tree_connect_id,
        related=True,
    )
    answers = [_answer(connection, request) for request in requests]
    for one in answers[:-1]:
        if isinstance(one, SMBResponseException):
            raise Elsewhere(path) if one.status == NtStatus.STATUS_STOPPED_ON_SYMLINK else one
    return [one for one in answers[:-1] if isinstance(one, bytes)]


def _answer(connection: Any, request: Any) -> bytes | SMBResponseException:
    """Every answer must be taken, also those that only say that the first one failed."""
    try:
        return bytes(connection.receive(request, resolve_symlinks=False)["data"].get_value())
    except EndOfFile:
        return b""
    except SMBResponseException as wrong:
        return wrong.with_traceback(None)


def _told(created: bytes, number: bytes) -> Told:
    written, size, attributes = _CREATED.unpack_from(created)
    index = int.from_bytes(number[8:16], "little")
    return Told(size, attributes, (written - _TICKS_TO_1970) // 10 * 1000, index)
