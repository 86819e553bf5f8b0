"""The messages of SMB 2 that files need, packed as they are sent, and what is read of their answers.

They are packed here because a sync looks at thousands of files, and smbprotocol's own objects cost some ten times the processor's
time. Layouts: [MS-SMB2] 2.2.1, 2.2.13 to 2.2.24, 2.2.33, 2.2.34 and 2.2.37 to 2.2.39; [MS-FSCC] 2.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

Bytes = bytes | bytearray | memoryview

CREATE, CLOSE, FLUSH, READ, WRITE, QUERY_DIRECTORY, QUERY_INFO, SET_INFO = 5, 6, 7, 8, 9, 14, 16, 17
HEADER = struct.Struct("<4sHHLHHLLQLLQ16s")
"""Protocol, size, charge, status, command, credits, flags, offset of the next, number, reserved, tree, session, signature."""
PROTOCOL = b"\xfeSMB"

READ_DATA, WRITE_DATA, DELETE, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x2, 0x10000, 0x80, 0x100
OPEN_EXISTING, CREATE_NEW = 1, 2
A_FOLDER, NO_FOLDER, THE_LINK_ITSELF = 0x1, 0x40, 0x200000
IS_DIRECTORY, IS_REPARSE_POINT, IS_NORMAL = 0x10, 0x400, 0x80

JUST_OPENED = b"\xff" * 16
"""In place of a file's id: of the file that the request before in the same chain opened."""
CREDIT = 65536
"""Bytes that one credit pays for ([MS-SMB2] 3.2.4.1.5)."""

_IMPERSONATION, _ANY_SHARING = 2, 0x7
_CREATE = struct.Struct("<HBBLQQLLLLLHHLL")
_CREATED = struct.Struct("<24xQ16xQL4x16s")
"""Of the answer: LastWriteTime, EndofFile, FileAttributes, FileId."""
_NUMBER, _DISPOSITION, _LINK, _ID_FULL_DIRECTORY = 6, 13, 11, 38
_READ_PADDING = 80
_LISTED = struct.Struct("<LL16xQ8xQ8xLLL4xQ")
"""NextEntryOffset, FileIndex, LastWriteTime, EndOfFile, FileAttributes, FileNameLength, EaSize, FileId; the name follows."""
_LISTED_NAME = 80
_TICKS_TO_1970 = 116_444_736_000_000_000


class Asked(NamedTuple):
    """A message to be sent: its command, its body, the bytes that follow it, and what they or the answer cost in credits."""

    command: int
    body: bytes
    data: Bytes = b""
    charge: int = 1


class Answer(NamedTuple):
    """What came: the status (NTSTATUS) and the body."""

    status: int
    body: Bytes


class Told(NamedTuple):
    """What a server says of a name. `modified_ns` since 1970, to the microsecond; `number` is the file's own."""

    size: int
    attributes: int
    modified_ns: int
    number: int


@dataclass(frozen=True)
class Listed:
    """A name in a folder."""

    name: str
    told: Told


def charge_of(length: int) -> int:
    """Credits that so many bytes cost."""
    return max(0, length - 1) // CREDIT + 1


def create(path: str, access: int, options: int, *, disposition: int = OPEN_EXISTING, attributes: int = 0) -> Asked:
    """Open `path`, which is below the share, with backslashes; every sharing is allowed to others."""
    name = path.encode("utf-16-le")
    body = _CREATE.pack(
        57, 0, 0, _IMPERSONATION, 0, 0, access, attributes, _ANY_SHARING, disposition, options,
        64 + _CREATE.size, len(name), 0, 0,
    )  # fmt: skip
    return Asked(CREATE, body + (name or b"\0"))


def close(file: bytes = JUST_OPENED) -> Asked:
    """Let go of it."""
    return Asked(CLOSE, struct.pack("<HHL16s", 24, 0, 0, file))


def flush(file: bytes = JUST_OPENED) -> Asked:
    """Have it put on the medium."""
    return Asked(FLUSH, struct.pack("<HHL16s", 24, 0, 0, file))


def write(data: Bytes, offset: int, file: bytes = JUST_OPENED) -> Asked:
    """Write at an offset, at most what one request may carry."""
    body = struct.pack("<HHLQ16sLLHHL", 49, 112, len(data), offset, file, 0, 0, 0, 0, 0)
    return Asked(WRITE, body, data, charge_of(len(data)))


def read(length: int, offset: int, file: bytes = JUST_OPENED) -> Asked:
    """Read up to so many bytes."""
    body = struct.pack("<HBBLQ16sLLLHHx", 49, _READ_PADDING, 0, length, offset, file, 0, 0, 0, 0, 0)
    return Asked(READ, body, charge=charge_of(length))


def ask_number() -> Asked:
    """FileInternalInformation of what was just opened: the file's number."""
    return Asked(QUERY_INFO, struct.pack("<HBBLHHLLL16sx", 41, 1, _NUMBER, 8, 0, 0, 0, 0, 0, JUST_OPENED))


def give_name(path: str, file: bytes = JUST_OPENED) -> Asked:
    """FileLinkInformation: another name below the share, never that of something else."""
    name = path.encode("utf-16-le")
    return _set_info(_LINK, struct.pack("<B7xQL", 0, 0, len(name)) + name, file)


def let_it_go(file: bytes = JUST_OPENED) -> Asked:
    """FileDispositionInformation: the name by which it was opened goes when it is closed."""
    return _set_info(_DISPOSITION, b"\x01", file)


def _set_info(kind: int, told: bytes, file: bytes) -> Asked:
    return Asked(SET_INFO, struct.pack("<HBBLHHL16s", 33, 1, kind, len(told), 96, 0, 0, file) + told)


def list_folder(room: int, file: bytes = JUST_OPENED, *, first: bool = False) -> Asked:
    """The next names in a folder, as many as there is room for in the answer."""
    pattern = "*".encode("utf-16-le")
    body = struct.pack("<HBBL16sHHL", 33, _ID_FULL_DIRECTORY, int(first), 0, file, 96, len(pattern), room)
    return Asked(QUERY_DIRECTORY, body + pattern, charge=charge_of(room))


def file_of(created: Bytes) -> bytes:
    """The id of the file that was opened."""
    return bytes(_CREATED.unpack_from(created)[3])


def told_of(created: Bytes, number: Bytes = b"") -> Told:
    """What the answers to opening it, and to asking for its number, say."""
    written, size, attributes, _ = _CREATED.unpack_from(created)
    return Told(size, attributes, _nanoseconds(written), int.from_bytes(number[8:16], "little"))


def _nanoseconds(ticks: int) -> int:
    """To the microsecond: some answers give no more, and an etag must be the same in all."""
    return (ticks - _TICKS_TO_1970) // 10 * 1000


def written_of(answer: Bytes) -> int:
    """How many bytes the server took."""
    return int.from_bytes(answer[4:8], "little")


def read_of(answer: Bytes) -> Bytes:
    """The bytes that came."""
    begins, size = answer[2] - 64, int.from_bytes(answer[4:8], "little")
    return answer[begins : begins + size]


def listed_of(answer: Bytes) -> Iterator[Listed]:
    """The names, but for `.` and `..`."""
    begins, size = struct.unpack_from("<HL", answer, 2)
    told = bytes(answer[begins - 64 : begins - 64 + size])
    at = 0
    while len(told) - at >= _LISTED_NAME:
        after, _, written, length, attributes, name_length, _, number = _LISTED.unpack_from(told, at)
        name = told[at + _LISTED_NAME : at + _LISTED_NAME + name_length].decode("utf-16-le", "surrogatepass")
        if name not in (".", ".."):
            yield Listed(name, Told(length, attributes, _nanoseconds(written), number))
        if not after:
            return
        at += after
