"""A repository under a prefix of an S3 bucket: Amazon's, or any server that speaks the same protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from isomanager.errors import IsoManagerError, StoreError
from isomanager.storage.contract import (
    INTERNAL,
    Entry,
    PartialRef,
    RefusedFolder,
    Space,
    StoreTraits,
    Validators,
    Vouch,
)
from isomanager.storage.paths import IMAGE_EXTENSIONS, final_path, is_internal, safe_path
from isomanager.storage.resuming import PartialNote
from isomanager.storage.s3_batch import WRITTEN_AS, S3Batch
from isomanager.storage.s3_bucket import Headers, S3Access, S3Bucket, entry_of, tag
from isomanager.storage.s3_copying import Copier
from isomanager.storage.s3_errors import PRECONDITION, code_of, s3_errors
from isomanager.storage.s3_looking import sizes_of
from isomanager.storage.s3_note import UploadNote
from isomanager.storage.s3_partial import S3Partial
from isomanager.storage.s3_uploads import PARTIALS, SUMS, Uploads, gone, identity_of, metadata_of
from isomanager.storage.spelling import Remembered, looked_for, spellings, taken
from isomanager.storage.tree import Kind, Seen

GRANULE = 8 << 20
"""Bytes of a part: at least 5 MiB, and 10,000 of them are an object's most (78 GiB)."""


_BEHIND_INTERNALS = f"{INTERNAL}/~"
"""Behind every name among the internals, which begin with letters and may be more than all the rest."""


class S3Store:
    """Honours the Store contract. The bucket must be there; a prefix needs no making.

    Names are taken in one step by conditional requests (If-None-Match); only a name that differs by case alone is looked for
    before, in a step of its own.
    """

    def __init__(
        self, bucket: str, prefix: str = "", access: S3Access | None = None, *, granule: int = GRANULE
    ) -> None:
        with s3_errors(f"Opening the bucket {bucket}"):
            self._bucket = S3Bucket(bucket, safe_path(prefix) if prefix else "", access or S3Access())
        self._uploads = Uploads(self._bucket, granule)
        self._copier = Copier(self._bucket)
        self.traits = StoreTraits(granule=granule, read_size=GRANULE, readable_partial=False, at_once=16)

    @property
    def url(self) -> str:
        """The address, without credentials."""
        return f"s3://{self._bucket.name}/{self._bucket.prefix}".rstrip("/")

    @property
    def bucket(self) -> S3Bucket:
        """Where the objects are, for a server that copies from it."""
        return self._bucket

    @property
    def uploads(self) -> Uploads:
        """The unfinished files, for whoever looks after them."""
        return self._uploads

    # unfinished files

    def begin(
        self, final: str, size: int | None, validators: Validators, *, key: str, resume: PartialRef | None = None
    ) -> S3Partial:
        """A partial for `final`. What was sent is kept when the file may be continued under the same name.

        Begun again, it is not sent a second time where the same bytes come.
        """
        final_path(final)
        with s3_errors(f"Beginning '{final}'"):
            note = self._uploads.continue_with(final, size, validators, key, resume) if resume else None
            told = PartialNote(final, size, validators)
            note = note or self._uploads.take_up(told, key) or self._uploads.start(told, key)
            return self._partial(key, note)

    def _partial(self, key: str, note: UploadNote, *, sealed: bool = False) -> S3Partial:
        return S3Partial(self._uploads, key, note, self._refuse_taken, sealed=sealed)

    def reopen(self, ref: PartialRef) -> S3Partial:
        """The closed partial `ref`; one that has its final name by now can be published again.

        A note that cannot be read is opened with front 0: it can be discarded, not continued.
        """
        with s3_errors(f"Reopening '{ref.final}'"):
            note = self._uploads.note(ref.key)
            confirmed = self._uploads.confirmed(note) if note else None
            if confirmed is not None:
                return self._partial(ref.key, confirmed)
            published = self._uploads.published(ref.key)
            if published is not None:
                return self._partial(ref.key, published, sealed=True)
            if note is None and self._bucket.head(f"{PARTIALS}/{ref.key}.json") is None:
                raise gone(ref.key)
            lost = note or UploadNote(
                PartialNote(final_path(ref.final), ref.size, ref.validators), self.traits.granule, ""
            )
            return self._partial(ref.key, lost.within(0))

    def partials(self) -> Iterator[PartialRef]:
        """Every unfinished file, by key."""
        with s3_errors(f"Listing what is unfinished in {self.url}"):
            yield from self._uploads.refs()

    def partial(self, key: str) -> PartialRef | None:
        """The unfinished file of that key; no other is looked at."""
        with s3_errors(f"Looking for what is unfinished in {self.url}"):
            return self._uploads.ref(key)

    # final names

    def _refuse_taken(self, path: str, *, but: str = "") -> None:
        holder = next((one for one in self.spellings(path) if one != but), None)
        if holder is not None:
            raise taken(path, holder)

    def spellings(self, path: str) -> Sequence[str]:
        """What has that name, in whatever case, or stands in its way. Names among the internals are our own, and may be many."""
        with s3_errors(f"Looking for '{path}'"):
            if is_internal(path):
                return [path] if self._bucket.head(safe_path(path)) else []
            return spellings(looked_for(self._names_in), safe_path(path))

    def _names_in(self, folder: str) -> Iterator[Seen]:
        for name in self._bucket.names_in(f"{folder}/" if folder else ""):
            yield Seen(name.rstrip("/"), Kind.FOLDER if name.endswith("/") else Kind.FILE, 0, 0, "")

    def stat(self, path: str) -> Entry | None:
        """The object, or None when there is none."""
        safe_path(path)
        with s3_errors(f"Looking at '{path}'"):
            head = self._bucket.head(path)
        return None if head is None else entry_of(path, head, int(head["ContentLength"]))

    def _must_stat(self, path: str) -> Entry:
        entry = self.stat(path)
        if entry is None:
            raise StoreError(f"'{path}' disappeared while it was being written.", code="missing", path=path)
        return entry

    def list(self, prefix: str = "", *, refused: RefusedFolder | None = None) -> Iterator[Entry]:  # noqa: ARG002
        """Every object in the folder `prefix` and below, by path; the repository's internals only when asked for by name.

        There are no folders here that could be refused.
        """
        prefix = prefix.rstrip("/")
        with s3_errors(f"Listing {self.url}"):
            yield from sorted(self._listed(safe_path(prefix) if prefix else ""), key=lambda entry: entry.path)

    def _listed(self, prefix: str) -> Iterator[Entry]:
        inside = is_internal(prefix) if prefix else False
        for one in self._bucket.objects(prefix) if prefix else self._bucket.objects_but(f"{INTERNAL}/"):
            name = str(one["Name"])
            below = not prefix or name == prefix or name.startswith(f"{prefix}/")
            hidden = name.startswith((f"{PARTIALS}/", f"{SUMS}/")) or (is_internal(name) and not inside)
            if below and not hidden and not name.endswith("/"):
                yield entry_of(name, one, int(one["Size"]))

    def sizes(self, paths: Collection[str]) -> Mapping[str, int]:
        """The sizes of those that are there: by a listing, where it tells of several with each answer."""
        behind = _BEHIND_INTERNALS if min(paths, default="") > _BEHIND_INTERNALS else ""
        with s3_errors(f"Looking for what is in {self.url}"):
            return sizes_of(self._bucket, [*map(safe_path, paths)], self.traits.at_once, start_after=behind)

    def read(self, path: str, start: int, length: int, *, if_match: str = "") -> bytes:
        """Up to `length` bytes from `start`."""
        safe_path(path)
        if length <= 0:
            return b""
        try:
            with s3_errors(f"Reading '{path}'"):
                return self._bucket.get(path, start, length, if_match=if_match)
        except StoreError as error:
            if error.code == "changed":
                raise _changed(path) from error
            raise

    def space(self) -> Space:
        """A bucket does not say how much room it has."""
        return Space(None, None)

    def delete(self, path: str, *, expect: Entry | None = None) -> None:
        """Remove an object if it is what `expect` says."""
        safe_path(path)
        with s3_errors(f"Removing '{path}'"):
            head = self._bucket.head(path)
            if head is None:
                return
            if expect is not None and tag(str(head["ETag"])) != expect.etag:
                raise _changed(path)
            self._bucket.call("delete_object", path)
            self._uploads.drop_sums(identity_of(head))

    def vouch(self, path: str) -> Vouch | None:
        """Whether the SHA-256 that the server made over the parts as they arrived is that of the parts as they were hashed here.

        None where the server keeps no SHA-256, and for an object that was copied since, whose parts are others.
        """
        safe_path(path)
        with s3_errors(f"Asking for the digest of '{path}'"):
            head = self._bucket.head(path, checksums=True) or {}
            kept, expected = str(head.get("ChecksumSHA256", "")), self._uploads.expected_sum(identity_of(head))
        if self._copier.is_copy(head):
            return None
        if kept and WRITTEN_AS in metadata_of(head) and "-" not in kept:
            agrees = kept == metadata_of(head)[WRITTEN_AS]
            return Vouch(agrees, "the server's own SHA-256 of the object is compared, no byte was read")
        if not kept or expected is None:
            return None
        digest, parts = expected
        return Vouch(
            kept.partition("-")[0] == digest,
            f"the server's own SHA-256 over its {parts} parts is compared, no byte was read",
        )

    def move(self, source: str, destination: str) -> Entry:
        """Copied by the server, then removed: two steps, each of which can be repeated. Create-only."""
        for one in (source, destination):
            safe_path(one)
        with s3_errors(f"Moving '{source}' to '{destination}'"):
            head = self._bucket.head(source) if source != destination else None
            if head is not None:
                self._copy(source, head, destination)
                self._bucket.call("delete_object", source)
        moved = self.stat(destination)
        if moved is None:
            raise StoreError(f"'{source}' is not there to be moved to '{destination}'.", code="missing", path=source)
        return moved

    def _copy(self, source: str, head: Headers, destination: str) -> None:
        """A copy that an earlier call made is found where making it fails, and looked for first only where making it takes long."""
        if self._copier.takes_long(head) and self._copier.is_copied(source, head, destination):
            return
        try:
            if not is_internal(destination):
                self._refuse_taken(destination, but=source)
            self._copier.copy(source, head, destination)
        except (StoreError, OSError) as error:
            is_taken = error.code == "name-taken" if isinstance(error, StoreError) else code_of(error) in PRECONDITION
            if is_taken and self._copier.is_copied(source, head, destination):
                return
            if is_taken and isinstance(error, OSError):
                raise taken(destination, destination) from error
            raise

    # small files

    def put_all(self, files: Mapping[str, bytes]) -> Mapping[str, IsoManagerError]:
        """Write objects that fit into one request each, several at once; what failed and why, by path."""
        return S3Batch(self._bucket, Remembered(self._names_in), self.traits.at_once).put(files)

    def put_small(self, path: str, data: bytes) -> Entry:
        """Write a small object, create-only; a repeat with the same bytes succeeds."""
        for wrong in self.put_all({path: data}).values():
            raise wrong
        return self._must_stat(path)

    def replace_small(self, path: str, data: bytes, *, if_match: str = "") -> Entry:
        """Write a small index object, replacing what is there, in one step."""
        if safe_path(path).lower().endswith(IMAGE_EXTENSIONS):
            raise StoreError(f"'{path}' is an image, and images are never replaced.", code="name-taken", path=path)
        try:
            with s3_errors(f"Writing '{path}'"):
                self._bucket.put(path, data, **({"IfMatch": if_match} if if_match else {}))
        except StoreError as error:
            if if_match and error.code in ("changed", "missing"):
                raise _changed(path) from error
            raise
        return self._must_stat(path)


def _changed(path: str) -> StoreError:
    return StoreError(
        f"'{path}' is no longer the file it was.",
        code="changed",
        hint="Something else changed it; verify the repository.",
        path=path,
    )
