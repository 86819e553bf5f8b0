"""OpenPGP signatures, detached and clearsigned, against keys pinned by full primary fingerprint.

Two engines. pysequoia (Sequoia) judges every signature. It refuses two old forms on policy, without looking at the text:
version 3 signature packets (openSUSE), and certificates whose self-signatures use SHA-1 (openSUSE 2022, Fedora 32,
Qubes 3). gpgv can check those, and is asked only when the product is marked `legacy` in the catalogue and the form is one of
the two: the products that need it can be counted, and the union of what two engines accept, which is larger than either, is
open to them alone. Pinning the full fingerprint makes SHA-1 in a self-signature harmless for the primary key; a subkey bound by
SHA-1 alone is refused whoever checks.

One sound form is beyond pysequoia too, for any product: a copy of the key whose self-signatures are all newer than the
signature, because the vendor renewed the key since and GnuPG exports the newest only. gpgv is asked about those when
pysequoia cannot say. (Merging copies, as the keyring does, keeps the older self-signature and avoids the need.)

What the packets alone tell is judged before the engine runs (`claims`). What cannot be judged is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pysequoia import Sig, verify

from isomanager.trust.claims import Candidate, Claim, examine, expired_at, read_claims
from isomanager.trust.clearsigned import find_block
from isomanager.trust.gpgv import WEAK_HASH_NUMBERS, GpgvReport, gpgv_program, run_gpgv
from isomanager.trust.keyring import Keyring
from isomanager.trust.signature import ReasonCode, SignatureResult, refused

_OLD_FORM = "it has an old form"
_RENEWED = "the key was renewed after it was made"


@dataclass(frozen=True)
class _Signed:
    """What is to be checked: data with a detached signature, or a clearsigned block (`detached` is False)."""

    data: bytes | Path
    detached: bool


def verify_detached(
    data: bytes | Path,
    signature: bytes,
    keyring: Keyring,
    pinned: tuple[str, ...],
    *,
    now: datetime,
    legacy: bool = False,
) -> SignatureResult:
    """Whether `signature` (armored or binary, one or more packets) over `data` was made by a key of `pinned`.

    One good signature is enough. `pinned` are full primary fingerprints, looked up in `keyring` only.
    """
    if not signature.strip():
        return refused("no-signature", "The signature is empty.")
    return _judge(_Signed(data, detached=True), read_claims(signature), keyring, pinned, now=now, legacy=legacy)


def verify_clearsigned(
    document: bytes, keyring: Keyring, pinned: tuple[str, ...], *, now: datetime, legacy: bool = False
) -> SignatureResult:
    """As `verify_detached`, for a clearsigned document. `payload` is the text that the signature covers, and nothing else."""
    found = find_block(document)
    if found is None:
        return refused("no-signature", "The document holds no complete clearsigned block.")
    if found.several:
        return refused(
            "bad-signature", "The document holds more than one signed block: it is not clear which one counts."
        )
    signed = _Signed(found.block, detached=False)
    return _judge(signed, read_claims(found.signature), keyring, pinned, now=now, legacy=legacy)


def inspect_signature(
    signature: bytes, keyring: Keyring, pinned: tuple[str, ...], *, now: datetime, legacy: bool = False
) -> SignatureResult | None:
    """What speaks against a detached signature before the bytes it covers are there; None when nothing does yet."""
    if not signature.strip():
        return refused("no-signature", "The signature is empty.")
    objections: list[SignatureResult] = []
    for claim in read_claims(signature):
        examined = examine(claim, keyring, pinned, now)
        objection = _unusable(examined, legacy) if isinstance(examined, Candidate) else examined
        if objection is None:
            return None
        objections.append(objection)
    return _most_telling(objections) if objections else _unreadable()


def _judge(
    signed: _Signed,
    claims: tuple[Claim, ...],
    keyring: Keyring,
    pinned: tuple[str, ...],
    *,
    now: datetime,
    legacy: bool,
) -> SignatureResult:
    if not claims:
        return _unreadable()
    refusals: list[SignatureResult] = []
    for claim in claims:
        examined = examine(claim, keyring, pinned, now)
        result = examined if isinstance(examined, SignatureResult) else _check(signed, examined, now, legacy)
        if result.valid:
            return result
        refusals.append(result)
    return _most_telling(refusals)


def _most_telling(refusals: Sequence[SignatureResult]) -> SignatureResult:
    # a pinned key's failed signature says more than a stranger's beside it
    return next((one for one in refusals if one.reason not in ("unknown-key", "foreign-key")), refusals[0])


def _unreadable() -> SignatureResult:
    return refused("bad-signature", "The signature cannot be read as OpenPGP.")


def _check(signed: _Signed, candidate: Candidate, now: datetime, legacy: bool) -> SignatureResult:
    unusable = _unusable(candidate, legacy)
    if unusable is not None:
        return unusable
    if candidate.is_old_form:
        return _check_with_gpgv(signed, candidate, now, _OLD_FORM)
    result = _check_with_sequoia(signed, candidate, now)
    if result.valid or not candidate.predates_our_copy:
        return result
    return _check_with_gpgv(signed, candidate, now, _RENEWED)


def _unusable(candidate: Candidate, legacy: bool) -> SignatureResult | None:
    """Why no engine may or can check a signature of an old form here."""
    if not candidate.is_old_form:
        return None
    if not legacy:
        note = "It has an old form that is accepted only from products marked legacy."
        return _with(candidate, "weak-signature", note)
    return _without_gpgv(candidate, "weak-signature", _OLD_FORM) if gpgv_program() is None else None


def _without_gpgv(candidate: Candidate, reason: ReasonCode, why: str) -> SignatureResult:
    note = f"Only gpgv can check this signature, because {why}, and it is not installed (Debian package gpgv)."
    return _with(candidate, reason, note)


def _check_with_gpgv(signed: _Signed, candidate: Candidate, now: datetime, why: str) -> SignatureResult:
    program = gpgv_program()
    if program is None:
        return _without_gpgv(candidate, "unknown-key", why)
    detached = candidate.claim.packet if signed.detached else None
    report = run_gpgv(program, [candidate.certificate.material], signed.data, detached)
    return _judge_gpgv(report, signed, candidate, now, why)


def _check_with_sequoia(signed: _Signed, candidate: Candidate, now: datetime) -> SignatureResult:
    cert = candidate.certificate.cert
    signature = Sig.from_bytes(candidate.claim.packet) if signed.detached else None
    try:
        if isinstance(signed.data, Path):
            done = verify(file=str(signed.data), store=lambda _ids: [cert], signature=signature)
        else:
            done = verify(bytes=signed.data, store=lambda _ids: [cert], signature=signature)
    except RuntimeError:
        return _bad(candidate)
    signers = {(one.certificate.upper(), one.signing_key.upper()) for one in done.valid_sigs}
    if (candidate.certificate.fingerprint, candidate.key.fingerprint) not in signers:
        return _bad(candidate)
    return _good(candidate, now, None if signed.detached else done.bytes)


def _judge_gpgv(report: GpgvReport, signed: _Signed, candidate: Candidate, now: datetime, why: str) -> SignatureResult:
    """gpgv's status lines, held against what the packets and the pinned certificate say."""
    expected = (candidate.certificate.fingerprint, candidate.key.fingerprint)
    found = next((one for one in report.signatures if (one.primary, one.subkey) == expected), None)
    if any(one.verdict == "REVKEYSIG" for one in report.signatures):
        return _with(candidate, "revoked-key", "gpgv says that the key has been revoked.")
    if found is None or found.verdict not in ("GOODSIG", "EXPKEYSIG") or found.signed_at != candidate.claim.created:
        return _bad(candidate)
    if found.hash_number in WEAK_HASH_NUMBERS or found.hash_number == 0:
        return _with(candidate, "weak-signature", "The signature uses MD5, SHA-1 or RIPEMD-160, which can be forged.")
    if found.verdict == "EXPKEYSIG" and not _made_before(found.signed_at, found.key_expired_at):
        return _with(candidate, "expired-key", "The signature was made after the key expired: refresh the key.")
    if not signed.detached and report.payload is None:
        return _bad(candidate)
    return _good(candidate, now, report.payload, f"Checked with gpgv, because {why}.")


def _made_before(signed_at: datetime | None, expired_at: datetime | None) -> bool:
    return signed_at is not None and expired_at is not None and signed_at < expired_at


def _bad(candidate: Candidate) -> SignatureResult:
    return _with(
        candidate, "bad-signature", "The signature does not match: the text or the signature has been changed."
    )


def _with(candidate: Candidate, reason: ReasonCode, note: str) -> SignatureResult:
    return SignatureResult(
        False,
        reason,
        note,
        candidate.certificate.fingerprint,
        candidate.key.fingerprint,
        candidate.claim.created,
    )


def _good(candidate: Candidate, now: datetime, payload: bytes | None, note: str = "") -> SignatureResult:
    expired = expired_at(candidate.certificate, candidate.key)
    if expired is not None and expired <= now:
        note += f" The key expired on {expired:%Y-%m-%d}, after the signature was made; our copy may be stale: refresh the key."
    return SignatureResult(
        True,
        note=note.strip(),
        primary_fingerprint=candidate.certificate.fingerprint,
        subkey_fingerprint=candidate.key.fingerprint,
        signed_at=candidate.claim.created,
        payload=payload,
    )
