"""Who claims to have made a signature, and whether that claim can count: judged from packets, before any engine runs.

Whose key it is, whether it is revoked, whether the signature was made after the key expired, which digest it uses. Everything a
refusal needs to say is found here; whether the signature covers the text is for the engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pysequoia import Sig
from pysequoia.packet import PacketPile, Tag

from isomanager.trust.certificates import WEAK_HASHES, Certificate, Key, normalised
from isomanager.trust.keyring import Keyring
from isomanager.trust.signature import ReasonCode, SignatureResult, refused

CLOCK_TOLERANCE = timedelta(days=1)
"""A signature dated later than this after now is not believed."""

_MOST_SIGNATURES = 16


@dataclass(frozen=True)
class Claim:
    """One signature packet: who says to have made it, when and how. `packet` is the packet itself."""

    issuer: str
    created: datetime | None
    weak: bool
    version: int
    packet: bytes


@dataclass(frozen=True)
class Candidate:
    """A claim by a pinned key against which nothing has been found so far."""

    claim: Claim
    certificate: Certificate
    key: Key

    @property
    def is_old_form(self) -> bool:
        """Whether pysequoia refuses this by policy, whatever the text."""
        return self.claim.version < 4 or self.certificate.primary.weakly_bound

    @property
    def predates_our_copy(self) -> bool:
        """Whether the copy's self-signatures are all newer than this signature, because its owner renewed the key since."""
        bound = [one.bound_at for one in (self.certificate.primary, self.key) if one.bound_at is not None]
        return self.claim.created is not None and bool(bound) and max(bound) > self.claim.created


def read_claims(signature: bytes) -> tuple[Claim, ...]:
    """The signature packets in `signature`, armored or binary; none when it cannot be read, or holds unreasonably many."""
    try:
        packets = [packet for packet in PacketPile.from_bytes(signature) if packet.tag == Tag.Signature]
        claims = tuple(_claim(bytes(packet)) for packet in packets[: _MOST_SIGNATURES + 1])
    except RuntimeError:
        return ()
    return claims if len(claims) <= _MOST_SIGNATURES else ()


def _claim(packet: bytes) -> Claim:
    sig = Sig.from_bytes(packet)
    issuer = (sig.issuer_fingerprint or sig.issuer_key_id or "").upper()
    return Claim(issuer, sig.created, sig.hash_algorithm in WEAK_HASHES, sig.version, packet)


def examine(claim: Claim, keyring: Keyring, pinned: tuple[str, ...], now: datetime) -> SignatureResult | Candidate:
    """The pinned key that claims this signature, or the reason why it cannot count."""
    wanted = tuple(normalised(one) for one in pinned)
    trusted = [found for one in wanted if (found := keyring.certificate(one)) is not None]
    for certificate in trusted:
        key = certificate.key(claim.issuer) if claim.issuer else None
        if key is not None:
            return _objection(claim, certificate, key, now) or Candidate(claim, certificate, key)
    return _stranger(claim, keyring, wanted, trusted)


def _stranger(claim: Claim, keyring: Keyring, wanted: Sequence[str], trusted: Sequence[Certificate]) -> SignatureResult:
    other = keyring.holder(claim.issuer) if claim.issuer else None
    if other is not None:
        note = f"It was made by {other.fingerprint}, which is not pinned here: {' or '.join(wanted) or 'no key'} is."
        return refused("foreign-key", note, primary=other.fingerprint, subkey=claim.issuer, signed_at=claim.created)
    missing = [one for one in wanted if one not in {certificate.fingerprint for certificate in trusted}]
    note = f"It was made by {claim.issuer or 'a key that it does not name'}, which is in no keyring."
    if missing:
        note += f" The pinned key {' or '.join(missing)} has not been obtained yet."
    if trusted:
        note += " If the vendor has changed its signing subkey, our copy of the pinned key is stale: refresh the key."
    primary = claim.issuer if claim.issuer in wanted else None
    return refused("unknown-key", note, primary=primary, subkey=claim.issuer or None, signed_at=claim.created)


def _objection(claim: Claim, certificate: Certificate, key: Key, now: datetime) -> SignatureResult | None:
    def because(reason: ReasonCode, note: str) -> SignatureResult:
        return SignatureResult(False, reason, note, certificate.fingerprint, key.fingerprint, claim.created)

    if certificate.primary.revoked or key.revoked:
        return because("revoked-key", f"The key {certificate.fingerprint} has been revoked.")
    if claim.weak:
        return because("weak-signature", "The signature uses MD5, SHA-1 or RIPEMD-160, which can be forged.")
    if key is not certificate.primary and key.weakly_bound:
        return because("weak-signature", f"The subkey {key.fingerprint} is bound to its key by SHA-1 alone.")
    if claim.created is None:
        return because("bad-signature", "The signature does not say when it was made.")
    if claim.created > now + CLOCK_TOLERANCE:
        return because("bad-signature", f"The signature is dated {claim.created:%Y-%m-%d}, which is still to come.")
    expired = expired_at(certificate, key)
    if expired is not None and claim.created >= expired:
        note = f"The signature was made after the key expired on {expired:%Y-%m-%d}, as our copy says: refresh the key."
        return because("expired-key", note)
    return None


def expired_at(certificate: Certificate, key: Key) -> datetime | None:
    return min((one.expires_at for one in (certificate.primary, key) if one.expires_at), default=None)
