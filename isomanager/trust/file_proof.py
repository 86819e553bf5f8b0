"""A signature over the file itself, checked once its bytes are local."""

from __future__ import annotations

from datetime import datetime

from isomanager.model import Expectation
from isomanager.trust.keyring import Keyring
from isomanager.trust.signature import SignatureResult, refused
from isomanager.trust.signed_data import Data
from isomanager.trust.verifying import verify


def prove_file(data: Data, expectation: Expectation, keyring: Keyring, *, now: datetime) -> SignatureResult:
    """Whether the signature that `expectation` carries holds for the file at `data`, which is read as a stream.

    The signature is the one in the expectation's evidence; nothing is fetched.
    """
    proof = expectation.file_signature
    if proof is None or proof.signature is None:
        return refused("no-signature", f"No signature over {expectation.offer.filename} itself is expected.")
    found = next((one for one in expectation.evidence if one.url == proof.signature.url), None)
    if found is None:
        return refused("no-signature", f"The signature {proof.signature.url} is not among the evidence.")
    kind = proof.signature.kind
    return verify(kind, data, found.content, keyring, proof.signers, now=now, legacy=proof.legacy)
