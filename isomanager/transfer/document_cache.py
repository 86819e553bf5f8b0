"""Documents kept on disk with their validators, so that a server is asked "has it changed?" and mostly says no in a few bytes.

Nothing is answered from here unasked: every use was confirmed by the server (304) a moment before. One file a document, written
under a name of its own and renamed: any number of processes may share the folder, and the last one to write wins. The folder is
bounded in bytes and age; a file that is damaged, or vanishes while it is read, is a document that is not kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from isomanager.model import Document

_log = logging.getLogger(__name__)

MAX_KEPT_BYTES = 4 << 20
"""Documents beyond this size are rare, and asked for anew."""

_SUFFIX, _UNFINISHED = ".document", ".new"
_FORGOTTEN_AFTER = 3600.0  # seconds: an unfinished file of a process that died
_TIDY_EVERY = 32  # writes
_SECRET_NAMES = ("sig", "token", "key", "session", "auth", "credential", "expires", "policy")


class DocumentCache:
    """Keeps at most `max_bytes` of documents in `folder`, none longer than `max_age` seconds."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = 64 << 20,
        max_age: float = 30 * 86400.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._max_bytes, self._max_age, self._clock = folder, max_bytes, max_age, clock
        self._writes = 0

    def get(self, url: str) -> Document | None:
        """The document kept for `url`, to be used only once the server has confirmed it; None when there is none."""
        file = self._file(url)
        try:
            if self._clock() - file.stat().st_mtime > self._max_age:
                file.unlink(missing_ok=True)
                return None
            return _read(file.read_bytes(), url)
        except FileNotFoundError:
            return None
        except OSError as wrong:
            _log.debug("The document kept for %s cannot be read: %s.", file.name, wrong)
            return None

    def put(self, document: Document) -> None:
        """Keep a document. A full disk or a folder that cannot be written to costs nothing but the next conversation."""
        file = self._file(document.url)
        fresh = file.with_name(f"{file.stem}.{uuid4().hex}{_UNFINISHED}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(_written(document))
            os.utime(fresh, (self._clock(), self._clock()))
            fresh.replace(file)
        except OSError as wrong:  # on Windows also while another process reads it
            _discard(fresh)
            _log.debug("A document is not kept: %s.", wrong)
            return
        if self._writes % _TIDY_EVERY == 0:
            self.tidy()
        self._writes += 1

    def confirm(self, url: str) -> None:
        """The server says that the kept document still stands: it is as new as today."""
        try:
            os.utime(self._file(url), (self._clock(), self._clock()))
        except OSError as wrong:
            _log.debug("A kept document vanished: %s.", wrong)

    def tidy(self) -> None:
        """Let go of what is too old, left unfinished, or, the longest unused first, too much."""
        now, kept = self._clock(), 0
        for used_at, size, file in sorted(self._files(), reverse=True):
            age = now - used_at
            kept += size
            abandoned = file.suffix == _UNFINISHED and age > _FORGOTTEN_AFTER
            if abandoned or age > self._max_age or kept > self._max_bytes:
                _discard(file)

    def _files(self) -> list[tuple[float, int, Path]]:
        found: list[tuple[float, int, Path]] = []
        for file in self._folder.iterdir():
            try:
                told = file.stat()
            except OSError:  # another process tidied it away
                continue
            if file.suffix in (_SUFFIX, _UNFINISHED):
                found.append((told.st_mtime, told.st_size, file))
        return found

    def _file(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()}{_SUFFIX}"


def may_be_kept(document: Document, headers: Mapping[str, str]) -> bool:
    """Whether the answer may lie on disk: it has a validator, its server does not forbid it, it is small, and its addresses carry
    no secret (a signed link leads to a file, and would lie beside it)."""
    directives = {one.strip().lower() for one in headers.get("cache-control", "").split(",")}
    return (
        bool(document.etag or document.last_modified)
        and "no-store" not in directives
        and headers.get("vary", "").strip() != "*"
        and len(document.content) <= MAX_KEPT_BYTES
        and not carries_secrets(document.url)
        and (document.final_url == document.url or not urlsplit(document.final_url).query)
        and not carries_secrets(document.final_url)
    )


def carries_secrets(url: str) -> bool:
    """Whether an address has a user, or a query that looks like a signature, a token or a session."""
    parts = urlsplit(url)
    names = (name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return "@" in parts.netloc or any(word in name for name in names for word in _SECRET_NAMES)


def _discard(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as wrong:  # being read on Windows; the next tidying takes it
        _log.debug("A kept document stays: %s.", wrong)


def _written(document: Document) -> bytes:
    head = {
        "url": document.url,
        "final_url": document.final_url,
        "etag": document.etag,
        "last_modified": document.last_modified,
        "sha256": hashlib.sha256(document.content).hexdigest(),
    }
    return json.dumps(head).encode() + b"\n" + document.content


def _read(stored: bytes, url: str) -> Document | None:
    line, _, content = stored.partition(b"\n")
    try:
        head = json.loads(line)
        whole = head.pop("sha256") == hashlib.sha256(content).hexdigest() and head["url"] == url
        return Document(**head, content=content) if whole else None
    except (ValueError, KeyError, TypeError):  # pydantic's ValidationError is a ValueError
        return None
