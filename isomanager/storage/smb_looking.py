"""Looking at files of a share, reading small ones, and listing folders: opened, asked and closed by one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import smbclient

from isomanager.storage.smb_messages import (
    A_FOLDER,
    CREDIT,
    NO_FOLDER,
    READ_ATTRIBUTES,
    READ_DATA,
    THE_LINK_ITSELF,
    Answer,
    Bytes,
    Listed,
    Told,
    ask_number,
    close,
    create,
    file_of,
    list_folder,
    listed_of,
    read,
    read_of,
    told_of,
)
from isomanager.storage.smb_share import SmbShare, leads_elsewhere

END_OF_FILE, _NO_MORE_FILES, _NO_SUCH_FILE = 0xC0000011, 0x80000006, 0xC000000F
_MISSING = frozenset({0xC0000034, 0xC000003A, _NO_SUCH_FILE, 0xC0000225, 0xC0000056, 0xC0000103})
"""What is not there, is being removed, or would be below a file ([MS-ERREF] 2.3.1)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LISTING = 1 << 18
"""Bytes of names at once: some two thousand."""


def look_at(share: SmbShare, path: str) -> Told:
    """What is at `path`; OSError when nothing is; Elsewhere."""
    opened = create(path, READ_ATTRIBUTES, THE_LINK_ITSELF)
    created, number, _ = share.ask(path, opened, ask_number(), close())
    return told_of(created.body, number.body)


def look_at_many(share: SmbShare, paths: Sequence[str]) -> Mapping[str, Told | None]:
    """What is at each of the paths, without its number: all are asked for at once. None where smbclient has to be asked; what is
    not there is left out. OSError when one may not be looked at; Elsewhere."""
    chains = [(create(path, READ_ATTRIBUTES, THE_LINK_ITSELF), close()) for path in paths]
    found: dict[str, Told | None] = {}
    for path, (created, _) in zip(paths, share.exchange(chains), strict=True):
        if leads_elsewhere(created):
            found[path] = None
        elif created.status not in _MISSING:
            share.require(created, path)
            found[path] = told_of(created.body)
    return found


def read_at_once(share: SmbShare, path: str, start: int, length: int) -> tuple[Told, bytes]:
    """Up to `length` bytes of the file from `start`, no more than one request carries, and what it is; as `look_at`."""
    opened = create(path, READ_ATTRIBUTES | READ_DATA, NO_FOLDER)
    created, number, came, _ = share.chain(opened, ask_number(), read(length, start), close())
    for one in (created, number):
        share.require(one, path)
    return told_of(created.body, number.body), bytes(_came(share, path, came))


def _came(share: SmbShare, path: str, answer: Answer) -> Bytes:
    if answer.status == END_OF_FILE:
        return b""
    share.require(answer, path)
    return read_of(answer.body)


def names_in(share: SmbShare, path: str) -> list[Listed]:
    """Every name in a folder. OSError when it cannot be listed; Elsewhere.

    It is asked twice at once: mostly the second answer is that there is no more.
    """
    connection = share.tree().session.connection
    room = min(_LISTING, connection.max_transact_size) if connection.supports_multi_credit else CREDIT
    opened = create(path, READ_DATA | READ_ATTRIBUTES, A_FOLDER)
    created, first, second, _ = share.chain(opened, list_folder(room, first=True), list_folder(CREDIT), close())
    share.require(created, path)
    found = _names(share, path, first)
    if not found or second.status in (_NO_MORE_FILES, _NO_SUCH_FILE):
        return found
    return _names_by_and_by(share, path, room)


def _names(share: SmbShare, path: str, answer: Answer) -> list[Listed]:
    if answer.status in (_NO_MORE_FILES, _NO_SUCH_FILE):
        return []
    share.require(answer, path)
    return list(listed_of(answer.body))


def _names_by_and_by(share: SmbShare, path: str, room: int) -> list[Listed]:
    """A folder of very many names."""
    opened = create(path, READ_DATA | READ_ATTRIBUTES, A_FOLDER)
    created, told = share.ask(path, opened, list_folder(room, first=True))
    file, found = file_of(created.body), list(listed_of(told.body))
    try:
        while more := _names(share, path, share.exchange([[list_folder(room, file)]])[0][0]):
            found += more
    finally:
        share.exchange([[close(file)]])
    return found


def names_elsewhere(path: str, **session: Any) -> list[Listed]:
    """The same, by smbclient, which follows links and distributed namespaces; `path` is a whole one."""
    with smbclient.scandir(path, **session) as names:
        told = [one.smb_info for one in names]
    return [
        Listed(
            one.file_name, Told(one.end_of_file, one.file_attributes, _nanoseconds(one.last_write_time), one.file_id)
        )
        for one in told
    ]


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
