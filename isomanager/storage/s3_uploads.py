"""The unfinished files of an S3 repository: a multipart upload under the final name, and a note of it.

`.isomanager/partials/<key>.json` is written before the upload begins and again with its id, so that no upload of ours is ever
without a note for longer than the instant between two requests. Parts that were sent and not yet completed cannot be read, but
the server lists them with their etags: a front counts only parts whose etag is the one it answered when they were sent.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from isomanager.errors import StoreError
from isomanager.storage.contract import INTERNAL, PartialRef, Validators
from isomanager.storage.paths import safe_key
from isomanager.storage.resuming import PartialNote, may_continue
from isomanager.storage.s3_bucket import NOTHING_THERE, Headers, S3Bucket, sha256_of, tag
from isomanager.storage.s3_errors import code_of
from isomanager.storage.s3_note import Part, UploadNote

PARTIALS = f"{INTERNAL}/partials"
IDENTITY = "isomanager-id"
"""The metadata entry that tells which unfinished file an object was."""

_MOST_NOTE_BYTES = 8 << 20
"""More than a note of 10,000 parts, each of them sent earlier and again, has."""
_ORPHAN_AGE = timedelta(days=1)
_PUBLISHED_NOTE_AGE = timedelta(days=1)

SUMS = f"{INTERNAL}/parts"
"""Where the SHA-256 of every part of a published object is kept, under the object's identity."""


class Uploads:
    """`.isomanager/partials` of the repository in `bucket`. Errors are the bucket's: the store names what was being done."""

    def __init__(self, bucket: S3Bucket, granule: int) -> None:
        self.bucket, self.granule = bucket, granule
        self._swept = False

    @staticmethod
    def _path(key: str, kind: str = "json") -> str:
        return f"{PARTIALS}/{safe_key(key)}.{kind}"

    # notes

    def note(self, key: str, kind: str = "json") -> UploadNote | None:
        """The note of `key`, or None when there is none that can be read."""
        try:
            return UploadNote.from_bytes(self.bucket.get(self._path(key, kind), 0, _MOST_NOTE_BYTES))
        except ValueError:  # not ours, or torn: then nothing is known of the upload, and the bytes are fetched again
            return None
        except OSError as error:
            if code_of(error) in NOTHING_THERE:
                return None
            raise

    def remember(self, key: str, note: UploadNote) -> None:
        """Write the note."""
        self.bucket.put(self._path(key), note.as_bytes())

    def mark_published(self, key: str, note: UploadNote) -> None:
        """Keep the note under another name once the file has its own, so that a repeat finds its own bytes."""
        self.bucket.put(self._path(key, "published"), note.as_bytes())
        self.bucket.call("delete_object", self._path(key))

    def is_marked(self, key: str) -> bool:
        """Whether an earlier call of `mark_published` came to its end, or all of it is forgotten since."""
        return self.bucket.head(self._path(key)) is None

    def published(self, key: str) -> UploadNote | None:
        """The note of a file that has its final name, if the object there is still that file."""
        note = self.note(key, "published") or self.note(key)
        return note if note is not None and self.is_placed(note) else None

    def keep_sums(self, note: UploadNote) -> None:
        """Keep what the server's own digest of the object will be made from, as it was hashed here."""
        sums = [part.sha256 for _, part in sorted(note.parts.items())]
        self.bucket.put(f"{SUMS}/{note.identity}.json", json.dumps({"schema_version": 1, "sha256": sums}).encode())

    def drop_sums(self, identity: str) -> None:
        """Forget them, with the object."""
        if identity:
            self.bucket.call("delete_object", f"{SUMS}/{identity}.json")

    def expected_sum(self, identity: str) -> tuple[str, int] | None:
        """The digest over the digests of the parts, in base64, and how many parts; None when nothing was kept."""
        path = f"{SUMS}/{identity}.json"
        head = self.bucket.head(path) if identity else None
        if head is None:
            return None
        sums = json.loads(self.bucket.get(path, 0, int(head["ContentLength"])))["sha256"]
        return sha256_of(b"".join(b64decode(one) for one in sums)), len(sums)

    def is_placed(self, note: UploadNote) -> bool:
        """Whether the object under the final name is the very one that `note` speaks of."""
        return self.placed(note) is not None

    def placed(self, note: UploadNote) -> Headers | None:
        """What the server says of the object under the final name, if that is the very one that `note` speaks of."""
        head = self.bucket.head(note.told.final)
        return head if head is not None and identity_of(head) == note.identity else None

    # beginning and going on

    def start(self, note: PartialNote, key: str) -> UploadNote:
        """Begin an upload at byte 0. One that no note knows, because the process died here, is ended by `end_orphans`."""
        self._sweep()
        fresh = UploadNote(note, self.granule, secrets.token_hex(12))
        begun = self.bucket.call(
            "create_multipart_upload", note.final, ChecksumAlgorithm="SHA256", Metadata={IDENTITY: fresh.identity}
        )
        fresh = replace(fresh, upload=str(begun["UploadId"]))
        self.remember(key, fresh)
        return fresh

    def take_up(self, note: PartialNote, key: str) -> UploadNote | None:
        """The upload that an earlier try at a file of this name and size left, begun at byte 0 again; None when there is none, and
        whatever else was left under this key is gone then.

        Every part is still to be written: one whose SHA-256 is that of the bytes that come is not sent again. Every number is
        given anew, so that nothing of another file can stay among them.
        """
        kept = self.note(key)
        there = self._taken_up(kept, note) if kept is not None else None
        if kept is None or not there:
            self.remove(key, kept)
            return None
        taken = replace(kept, told=note, parts={}, earlier=there)
        self.remember(key, taken)
        return taken

    def _taken_up(self, kept: UploadNote, note: PartialNote) -> dict[int, Part] | None:
        same = (kept.told.final, kept.told.size, kept.granule) == (note.final, note.size, self.granule)
        return self._still_there(kept, {**kept.earlier, **kept.parts}) if same and note.size else None

    def continue_with(
        self, final: str, size: int | None, validators: Validators, key: str, resume: PartialRef
    ) -> UploadNote | None:
        """The note to go on from; None when the bytes must be fetched from the start.

        An upload cannot be given another name, and a part that is there cannot be added to.
        """
        kept = self.note(key)
        if kept is None or resume.key != key or not may_continue(kept.told.validators, validators):
            return None
        if kept.told.final != final or (kept.told.size is not None and size is not None and kept.told.size != size):
            return None
        confirmed = self.confirmed(kept)
        if confirmed is None:
            return kept.within(kept.told.front) if self.is_placed(kept) else None
        whole = confirmed.told.size if size is None else size
        front = confirmed.told.front
        if front != whole:
            front -= front % kept.granule
        return replace(confirmed.within(front), told=replace(confirmed.told, front=front, size=whole))

    def confirmed(self, note: UploadNote) -> UploadNote | None:
        """The note with the parts only that the server still has as they were sent; None when the upload is gone."""
        kept = self._still_there(note, note.parts)
        if kept is None:
            return None
        checked = replace(note, parts=kept)
        return checked.within(min(note.told.front, checked.contiguous()))

    def _still_there(self, note: UploadNote, parts: dict[int, Part]) -> dict[int, Part] | None:
        there = self.bucket.parts(note.told.final, note.upload) if note.upload else None
        if there is None:
            return None
        return {
            number: part
            for number, part in parts.items()
            if number in there and tag(there[number]["ETag"]) == part.etag and int(there[number]["Size"]) == part.size
        }

    # all of them

    def refs(self) -> Iterator[PartialRef]:
        """Every unfinished file, by key; one whose note cannot be read has no final name and front 0."""
        for one in sorted(self.bucket.objects(f"{PARTIALS}/"), key=lambda one: str(one["Name"])):
            if not one["Name"].endswith(".json"):
                continue
            yield self._ref(one["Name"].removeprefix(f"{PARTIALS}/").removesuffix(".json"), one["LastModified"])

    def ref(self, key: str) -> PartialRef | None:
        """The unfinished file `key`, None where there is none."""
        head = self.bucket.head(self._path(key))
        return None if head is None else self._ref(key, head["LastModified"])

    def _ref(self, key: str, changed_at: datetime) -> PartialRef:
        note = self.note(key)
        if note is None:
            return PartialRef(key, "", None, Validators(), 0, changed_at)
        seen = (self.confirmed(note) or note.within(0)).told
        return PartialRef(key, seen.final, seen.size, seen.validators, seen.front, changed_at)

    def remove(self, key: str, note: UploadNote | None = None) -> None:
        """End the upload of `key`, which has `note` if it is still one, and remove its notes. What it was published as stays."""
        if note is not None and note.upload:
            self.bucket.abort(note.told.final, note.upload)
        for kind in ("json", "published"):
            self.bucket.call("delete_object", self._path(key, kind))

    def _sweep(self) -> None:
        """Once in the life of this store: end uploads that no note knows, and forget what was published long ago."""
        if not self._swept:
            self._swept = True
            with suppress(OSError):  # a key that may not list uploads can still use the repository
                self.end_orphans(_ORPHAN_AGE)

    def end_orphans(self, age: timedelta) -> tuple[str, ...]:
        """End the uploads that no note names and that began more than `age` ago; the names they were to have."""
        before = datetime.now(UTC) - age
        old = [one for one in self.bucket.uploads() if one["Initiated"] <= before]
        known = {note.upload for note in self._notes()} if old else set()
        orphans = [one for one in old if one["UploadId"] not in known]
        for one in orphans:
            self.bucket.abort(one["Name"], one["UploadId"])
        for one in self.bucket.objects(f"{PARTIALS}/"):
            if one["Name"].endswith(".published") and one["LastModified"] < datetime.now(UTC) - _PUBLISHED_NOTE_AGE:
                self.bucket.call("delete_object", one["Name"])
        return tuple(str(one["Name"]) for one in orphans)

    def _notes(self) -> Iterator[UploadNote]:
        for one in self.bucket.objects(f"{PARTIALS}/"):
            if one["Name"].endswith(".json"):
                note = self.note(one["Name"].removeprefix(f"{PARTIALS}/").removesuffix(".json"))
                if note is not None:
                    yield note


def identity_of(head: dict[str, Any]) -> str:
    """Which unfinished file an object was; "" for one that was none."""
    return metadata_of(head).get(IDENTITY, "")


def metadata_of(head: dict[str, Any]) -> dict[str, str]:
    """An object's own metadata; some servers change the case of the names."""
    return {str(name).lower(): str(value) for name, value in head.get("Metadata", {}).items()}


def gone(key: str) -> StoreError:
    """The error of an unfinished file that is not there."""
    return StoreError(
        f"The unfinished file {key} is gone.",
        code="missing",
        hint="The download starts again from its beginning.",
        key=key,
    )
