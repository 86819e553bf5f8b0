"""Every error isomanager raises, in one tree.

    IsoManagerError
    ├── TransientError            worth another try
    │   ├── ConnectionFailed      no connection, or it broke
    │   ├── Stalled               bytes stopped coming
    │   ├── ServerBusy            429, 5xx; carries `retry_after` seconds
    │   ├── BodyTruncated         the body ended before its announced length
    │   ├── UpstreamChanged       the file changed while it was being fetched
    │   ├── StoreUnavailable      the repository cannot be reached just now
    │   ├── LeaseLost             another process took over
    │   └── InventoryUnavailable  the database is busy or cannot be reached just now
    └── PermanentError            another try changes nothing
        ├── UsageError            what was asked for makes no sense; exit code 2
        │   └── ConfigurationError
        ├── CatalogueError        a product file is wrong; names file and field
        ├── ResolveError          upstream has no such image, or says something implausible
        ├── Refused               evidence or bytes failed a proof
        ├── FetchRefused          401, 403, 404, HTML for an ISO, forbidden redirect, too large
        ├── MediaError            an image is damaged, cut off, or none at all
        ├── StoreError            name taken, no space, no permission, path outside the repository
        ├── InventoryError        the database is not what it should be
        └── Cancelled             a person, or a stop event, ended the work

Every error carries `code` (stable, for machines), the message (what happened, to what), `hint` (what the user can do) and
`data` (plain values, never secrets).
"""

from __future__ import annotations

from typing import Any, ClassVar


class IsoManagerError(Exception):
    """The root; raise a leaf."""

    code: str = "error"
    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str | None = None, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data
        if code is not None:
            self.code = code

    def as_json(self) -> dict[str, Any]:
        """The form printed by `--json`: error, message, and hint and data where there are any."""
        told: dict[str, Any] = {"error": self.code, "message": self.message}
        if self.hint:
            told["hint"] = self.hint
        if self.data:
            told["data"] = self.data
        return told

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.code, self.hint, self.data)


def _rebuild(kind: type[IsoManagerError], message: str, code: str, hint: str, data: dict[str, Any]) -> IsoManagerError:
    return kind(message, code=code, hint=hint, **data)


class TransientError(IsoManagerError):
    """Worth another try."""

    code = "transient"
    transient = True


class ConnectionFailed(TransientError):
    """No connection, or it broke. Code proxy-unreachable where it is the proxy that does not answer."""

    code = "connection-failed"


class Stalled(TransientError):
    """Bytes stopped coming."""

    code = "stalled"


class ServerBusy(TransientError):
    """The server asked for patience (429, 5xx); `data['retry_after']` in seconds when it said how long."""

    code = "server-busy"


class BodyTruncated(TransientError):
    """The body ended before its announced length."""

    code = "body-truncated"


class UpstreamChanged(TransientError):
    """The file upstream is no longer the one whose first part was fetched."""

    code = "upstream-changed"


class StoreUnavailable(TransientError):
    """The repository cannot be reached just now."""

    code = "store-unavailable"


class LeaseLost(TransientError):
    """Another process holds what this one was writing."""

    code = "lease-lost"


class InventoryUnavailable(TransientError):
    """The database is busy, or cannot be reached just now. Codes: database-busy, database-unreachable."""

    code = "database-busy"


class PermanentError(IsoManagerError):
    """Another try changes nothing."""

    code = "permanent"


class UsageError(PermanentError):
    """What was asked for makes no sense."""

    code = "usage"


class ConfigurationError(UsageError):
    """A setting, block or file of the user's is wrong."""

    code = "configuration"


class CatalogueError(PermanentError):
    """A product file is wrong; `data['file']` and `data['field']` say where."""

    code = "catalogue"


class ResolveError(PermanentError):
    """Upstream has no such image, or says something implausible.

    Codes: not-found, no-release, beta-only, unavailable, not-an-iso, torrent-only, manual, implausible, ambiguous,
    unknown-product, unknown-flavor, unknown-channel, document-missing, language-not-offered, architecture-not-offered,
    edition-not-offered, html-instead; of Microsoft's download connector: blocked, asked-today, configuration.
    """

    code = "not-found"


class Refused(PermanentError):
    """Evidence or bytes failed a proof, or an answer is not believed yet (surprising): quarantined, never published.

    Codes: wrong-digest, wrong-size, upstream-broken (no address serves what upstream publishes), no-digest, weak-digest,
    no-signature, bad-signature, unknown-key, foreign-key, revoked-key, expired-key, weak-signature, unsigned-document,
    empty-document, oversized-document, below-floor, not-an-iso, bad-receipt, not-packed, ambiguous, too-large, surprising.
    """

    code = "refused"


class FetchRefused(PermanentError):
    """The server will not give this file, or gives something that is not it.

    Codes: http-status, html-instead, forbidden-redirect, too-large, bad-range, tls, proxy, wrong-size, content-encoding, empty,
    no-checksums, bad-data.
    """

    code = "fetch-refused"


class MediaError(PermanentError):
    """A file is no image that can be read. Codes: not-an-image, damaged, too-complex, unreadable."""

    code = "not-an-image"


class StoreError(PermanentError):
    """The repository cannot do this.

    Codes: name-taken, no-space, no-permission, credentials (wrong, missing or expired), clock, configuration,
    outside-repository, missing, changed, incomplete.
    """

    code = "store"


class InventoryError(PermanentError):
    """The database is not what it should be, or was asked for what it does not have."""

    code = "inventory"


class Cancelled(PermanentError):
    """A person, or a stop event, ended the work."""

    code = "cancelled"
