"""What is remembered of an unfinished file, and whether its bytes may be continued."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from isomanager.storage.contract import Validators

_WEAK = "W/"


@dataclass(frozen=True)
class PartialNote:
    """The side file of a partial. `front` in bytes; `placed` is the etag the file had just before it got its final name."""

    final: str
    size: int | None
    validators: Validators
    front: int = 0
    placed: str = ""

    def as_bytes(self) -> bytes:
        """The note as JSON."""
        return json.dumps({"schema_version": 1, **asdict(self)}, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> PartialNote:
        """The note in `data`; ValueError when that is no note."""
        try:
            told: dict[str, Any] = json.loads(data)
            seen = told["validators"]
            size = seen["size"]
            validators = Validators(
                etag=str(seen["etag"]),
                last_modified=str(seen["last_modified"]),
                size=None if size is None else int(size),
                digests=tuple((str(algorithm), str(digest)) for algorithm, digest in seen["digests"]),
            )
            size = told["size"]
            return cls(
                str(told["final"]),
                None if size is None else int(size),
                validators,
                int(told["front"]),
                str(told["placed"]),
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a note of an unfinished file: {error!r}") from error


def _evidence(validators: Validators) -> dict[str, object]:
    told: dict[str, object] = dict(validators.digests)
    told |= {"etag": validators.etag, "last_modified": validators.last_modified, "size": validators.size}
    return {name: value for name, value in told.items() if value not in ("", None)}


def may_continue(kept: Validators, wanted: Validators) -> bool:
    """Whether bytes received under `kept` are the beginning of the file that `wanted` describes.

    Nothing known of both may differ, and something must be known of both, unless nothing at all is wanted (the next request
    then carries the kept validators itself, RFC 9110 section 13.1.5). A weak ETag promises no equal bytes: it can only differ.
    """
    ours, theirs = _evidence(kept), _evidence(wanted)
    both = ours.keys() & theirs.keys()
    if any(ours[name] != theirs[name] for name in both):
        return False
    proving = {name for name in both if not str(ours[name]).startswith(_WEAK)}
    return bool(proving) or not theirs
