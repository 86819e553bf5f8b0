"""What the check of a signature says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from isomanager.model import Signer

ReasonCode = Literal[
    "",
    "unknown-key",
    "foreign-key",
    "revoked-key",
    "expired-key",
    "weak-signature",
    "bad-signature",
    "no-signature",
]
"""Why a signature is not good; empty when it is."""


@dataclass(frozen=True)
class SignatureResult:
    """Whether a signature holds, who made it, and what it covers.

    Fingerprints are full, in upper case; `primary_fingerprint` is told even when the signature is not good, as far as it is
    known. `payload` is what a clearsigned document signs: the only text of it that may be read, and None unless `valid`.
    """

    valid: bool
    reason: ReasonCode = ""
    note: str = ""
    primary_fingerprint: str | None = None
    subkey_fingerprint: str | None = None
    signed_at: datetime | None = None
    payload: bytes | None = None

    @property
    def signer(self) -> Signer | None:
        """The signer as a receipt keeps it; None unless the signature is good."""
        if not self.valid or self.primary_fingerprint is None:
            return None
        return Signer(
            primary=self.primary_fingerprint,
            subkey=self.subkey_fingerprint or "",
            note=self.note,
            signed_at=self.signed_at,
        )


def good(signer: Signer) -> SignatureResult:
    """The result that `signer` was made from."""
    return SignatureResult(True, "", signer.note, signer.primary, signer.subkey or None, signer.signed_at)


def refused(
    reason: ReasonCode,
    note: str,
    *,
    primary: str | None = None,
    subkey: str | None = None,
    signed_at: datetime | None = None,
) -> SignatureResult:
    """A signature that is not good, and why."""
    return SignatureResult(False, reason, note, primary, subkey, signed_at)
