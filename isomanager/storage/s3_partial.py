"""An unfinished file on S3: bytes gathered into parts, parts sent several at once, completed only when it is published.

The server is told the SHA-256 of every part and refuses what arrives otherwise, where it knows how.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from isomanager.errors import IsoManagerError, StoreError, StoreUnavailable
from isomanager.storage.contract import Entry, PartialRef, Readable, Validators
from isomanager.storage.extents import Gathering
from isomanager.storage.s3_body import kept
from isomanager.storage.s3_bucket import entry_of, sha256_of, tag
from isomanager.storage.s3_errors import PRECONDITION, code_of, s3_errors
from isomanager.storage.s3_note import Part, UploadNote
from isomanager.storage.s3_server_copy import ServerCopy
from isomanager.storage.s3_uploads import IDENTITY, Uploads

PARTS_AT_ONCE = 8

RefuseTaken = Callable[[str], None]
"""Raises StoreError(code="name-taken") when an object holds the path, also in another case."""


class S3Partial:
    """Honours the Partial contract. Made by S3Store only; `sealed` when the object has its final name already."""

    def __init__(
        self,
        uploads: Uploads,
        key: str,
        note: UploadNote,
        refuse_taken: RefuseTaken,
        *,
        sealed: bool = False,
    ) -> None:
        self._uploads, self._key, self._note = uploads, key, note
        self._refuse_taken = refuse_taken
        self._sealed, self._closed = sealed, False
        self._gathering: dict[int, Gathering] = {}
        self._confirmed = dict(note.parts)
        self._lock, self._note_lock = threading.Lock(), threading.RLock()
        self._room = threading.BoundedSemaphore(PARTS_AT_ONCE)
        self._senders = ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="s3-part")
        self._sending: set[Future[None]] = set()
        self._failure: BaseException | None = None
        self._copying: ServerCopy | None = None

    @property
    def _told(self) -> str:
        return f"'{self._note.told.final}' (unfinished file {self._key})"

    @property
    def ref(self) -> PartialRef:
        """The name by which it is reopened; `front` as of now."""
        told = self._note.told
        return PartialRef(self._key, told.final, told.size, told.validators, told.front)

    def front(self) -> int:
        """How many bytes from the start the server has confirmed and a note remembers."""
        return self._note.told.front

    # writing

    def copy_from(self, store: Readable, path: str, etag: str) -> None:
        """Have the server copy what is written, from a bucket of its own."""
        with s3_errors(f"Writing {self._told}"):
            self._copying = ServerCopy(store, path, etag, self._uploads.bucket)

    @property
    def way(self) -> str:
        """How the bytes came, where the server was asked to copy them."""
        return self._copying.told if self._copying is not None else ""

    def write(self, offset: int, buffer: bytes | bytearray | memoryview) -> None:
        """Put bytes at `offset`; a part that becomes whole is sent at once, while at most eight are under way."""
        if self._sealed:
            raise StoreError(f"{self._told} is published; its bytes never change.", code="name-taken", key=self._key)
        self._require_open()
        rest = memoryview(buffer).cast("B")
        while len(rest):
            number, within = divmod(offset, self._note.granule)
            piece = rest[: self._note.granule - within]
            self._gather(number + 1, within, piece)
            offset, rest = offset + len(piece), rest[len(piece) :]

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self._told} is closed; reopen it by its reference.", code="missing", key=self._key)
        if self._failure is not None:
            raise self._failure

    def _gather(self, number: int, within: int, piece: memoryview) -> None:
        wanted = self._length_of(number)
        if within == 0 and len(piece) == wanted:
            self._send(number, kept(piece))
            return
        with self._lock:
            gathering = self._gathering.setdefault(number, Gathering())
            gathering.put(within, piece)
            whole = gathering.extents.contiguous == wanted and self._gathering.pop(number)
        if whole:
            self._send(number, bytes(whole.bytes))

    def _length_of(self, number: int) -> int:
        """Bytes of the part `number`: the granule, and of the last one what remains, once the size is known."""
        size, granule = self._note.told.size, self._note.granule
        return granule if size is None else min(granule, max(0, size - (number - 1) * granule)) or granule

    def _send(self, number: int, data: bytes | memoryview) -> None:
        self._room.acquire()
        sending = self._senders.submit(self._send_part, number, data)
        with self._lock:
            self._sending.add(sending)

    def _send_part(self, number: int, data: bytes | memoryview) -> None:
        try:
            checksum = sha256_of(data)
            part = self._note.earlier.get(number)
            if part is None or (part.sha256, part.size) != (checksum, len(data)):
                part = self._copied_part(number, data, checksum) or self._sent_part(number, data, checksum)
            with self._lock:
                self._confirmed[number] = part
        except BaseException as wrong:  # noqa: BLE001 - raised again in the thread that writes or flushes
            self._failure = self._failure or wrong
        finally:
            self._room.release()

    def _copied_part(self, number: int, data: bytes | memoryview, checksum: str) -> Part | None:
        if self._copying is None:
            return None
        final, start = self._note.told.final, (number - 1) * self._note.granule
        with s3_errors(f"Writing {self._told}"):
            copied = self._copying.part(final, self._note.upload, number, start, data, checksum)
        return None if copied is None else Part(copied[0], len(data), checksum, summed=copied[1])

    def _sent_part(self, number: int, data: bytes | memoryview, checksum: str) -> Part:
        with s3_errors(f"Writing {self._told}"):
            answer = self._uploads.bucket.call(
                "upload_part",
                self._note.told.final,
                UploadId=self._note.upload,
                PartNumber=number,
                Body=data,
                ChecksumSHA256=checksum,
            )
        return Part(tag(answer["ETag"]), len(data), checksum)

    # remembering

    def checkpoint(self, validators: Validators | None = None) -> int:
        """Wait for what is under way, then note which parts the server has; return the front."""
        with self._note_lock:
            self._settle()
            told = replace(self._note.told, validators=validators or self._note.told.validators)
            with self._lock:
                note = replace(self._note, told=told, parts=dict(self._confirmed))
            note = replace(note, told=replace(told, front=max(told.front, note.contiguous())))
            self._remember(note)
            return self.front()

    def _settle(self) -> None:
        with self._lock:
            waiting, self._sending = self._sending, set()
        for one in waiting:
            one.result()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _remember(self, note: UploadNote) -> None:
        if note != self._note and not self._sealed:
            with s3_errors(f"Writing {self._told}"):
                self._uploads.remember(self._key, note)
        self._note = note

    def read(self, offset: int, length: int) -> bytes:  # noqa: ARG002 - the contract's signature
        """What is unfinished on S3 cannot be read: always StoreError."""
        raise StoreError(f"{self._told} cannot be read before it is published.", code="incomplete", key=self._key)

    def close(self) -> PartialRef:
        """Send what is left, remember it, and let go."""
        with self._note_lock:
            if not self._closed:
                try:
                    if not self._sealed:
                        self._send_tail()
                        self.checkpoint()
                finally:
                    self._let_go()
            return self.ref

    def _send_tail(self) -> None:
        """Send the last part, if nothing is missing before it. A gathering with a gap is dropped: it is fetched again."""
        with self._lock:
            tail = max(self._gathering, default=0)
            gathering = self._gathering.pop(tail, None)
            self._gathering.clear()
        if gathering is not None and gathering.extents.contiguous == len(gathering.bytes):
            self._send(tail, bytes(gathering.bytes))

    def _let_go(self) -> None:
        self._closed = True
        self._senders.shutdown(wait=True)

    def discard(self) -> None:
        """End the upload and forget it; what has its final name stays. A repeat does nothing."""
        with self._note_lock, s3_errors(f"Removing {self._told}"):
            self._let_go()
            self._uploads.remove(self._key, None if self._sealed else self._note)

    # publishing

    def publish(self, size: int) -> Entry:
        """Complete the upload, create-only; a repeat finds its own object and succeeds."""
        with self._note_lock, s3_errors(f"Publishing {self._told}"):
            is_repeat = self._sealed
            if not self._sealed:
                if not self._closed:
                    self._send_tail()
                    self.checkpoint()
                    self._let_go()
                self._require_whole(size)
                self._complete(size)
                self._sealed = True
            if not is_repeat or not self._uploads.is_marked(self._key):
                self._uploads.mark_published(self._key, self._note)
            placed = self._uploads.placed(self._note)
            if placed is None or int(placed["ContentLength"]) != size:
                raise self._name_taken()
            return entry_of(self._note.told.final, placed, size)

    def _require_whole(self, size: int) -> None:
        # parts beyond a gap count too: the object would have them after what is missing
        there = sum(part.size for part in self._note.parts.values())
        if self.front() != size or there != size:
            raise StoreError(
                f"{self._told} has {self.front()} of {size} bytes.",
                code="incomplete",
                hint="Run the download again; it continues where it stopped.",
                key=self._key,
                size=size,
                front=self.front(),
            )

    def _complete(self, size: int) -> None:
        final = self._note.told.final
        try:
            self._refuse_taken(final)
        except StoreError:
            if self._uploads.is_placed(self._note):  # by an earlier call whose answer was lost
                return
            raise
        try:
            if size:
                self._complete_upload()
            else:
                self._uploads.bucket.put(final, b"", IfNoneMatch="*", Metadata={IDENTITY: self._note.identity})
                self._uploads.bucket.abort(final, self._note.upload)  # an upload without parts cannot be completed
        except OSError as error:
            self._judge(error)

    def _complete_upload(self) -> None:
        self._uploads.keep_sums(self._note)
        parts = [
            {"PartNumber": number, "ETag": part.etag, **({"ChecksumSHA256": part.sha256} if part.summed else {})}
            for number, part in sorted(self._note.parts.items())
        ]
        self._uploads.bucket.call(
            "complete_multipart_upload",
            self._note.told.final,
            UploadId=self._note.upload,
            MultipartUpload={"Parts": parts},
            IfNoneMatch="*",
        )

    def _judge(self, error: OSError) -> None:
        """An answer that was lost may have been a yes; a condition that failed means that the name is taken."""
        if self._uploads.is_placed(self._note):
            return
        code = code_of(error)
        if code in PRECONDITION or code in ("ConditionalRequestConflict", "409", "NoSuchUpload"):
            if self._uploads.bucket.head(self._note.told.final) is not None:
                raise self._name_taken() from error
            told = f"Publishing {self._told} met another writer that has not finished"
            raise StoreUnavailable(f"{told}.", hint="The next try settles it.") from error
        raise error

    def _name_taken(self) -> IsoManagerError:
        final = self._note.told.final
        return StoreError(
            f"The name '{final}' is taken by another object.",
            code="name-taken",
            hint="Give the image a name that says more: its edition, build, or digest.",
            path=final,
        )
