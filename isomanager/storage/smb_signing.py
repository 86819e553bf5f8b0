"""Signatures of SMB messages ([MS-SMB2] 3.1.4.1): made, and those of the server proved. The keys are smbprotocol's."""

from __future__ import annotations

import hmac
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from smbprotocol.connection import SigningAlgorithms
from smbprotocol.exceptions import SMBException

from isomanager.storage.smb_expecting import PENDING
from isomanager.storage.smb_messages import HEADER, Bytes

RELATED, SIGNED, DFS = 0x4, 0x8, 0x10000000
"""Flags of a message ([MS-SMB2] 2.2.1.2)."""
_UNSIGNED = frozenset({0xC0000203, 0xC000035C, 0xC00000C9})
"""What a server may say without a signature: that session or share are gone, and the key with them."""
_NO_SIGNATURE = bytes(16)
_SIGNATURE = slice(48, 64)


class Signer:
    """Signs for one connection. The cipher of a key is made once, where smbprotocol makes it for each message."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._key, self._cipher = b"", AESGCM(bytes(16))

    def sign(self, message: memoryview, tree: Any, number: int, command: int) -> None:
        """Put the signature into a message that says it is signed, and has none."""
        message[_SIGNATURE] = self._signature(message, tree.session.signing_key, number, False, command)

    def verify(self, message: memoryview, tree: Any) -> None:
        """SMBException unless it is signed as it must be."""
        if tree.session.encrypt_data or tree.encrypt_data:
            raise SMBException("the server answered in the clear what was asked encrypted")
        _, _, _, status, command, _, flags, _, number, _, _, _, signature = HEADER.unpack_from(message)
        if not is_signed(tree) or status == PENDING:
            return
        if not flags & SIGNED:
            if status not in _UNSIGNED:
                raise SMBException("the server's answer is not signed")
            return
        message[_SIGNATURE] = _NO_SIGNATURE
        if not hmac.compare_digest(
            signature, self._signature(message, tree.session.signing_key, number, True, command)
        ):
            raise SMBException("the signature of the server's answer is wrong")

    def _signature(self, message: memoryview, key: bytes, number: int, is_answer: bool, command: int) -> bytes:
        if self._connection.signing_algorithm_id != SigningAlgorithms.AES_GMAC:
            made: Bytes = self._connection._generate_signature(bytes(message), key, number, is_answer, command)
            return bytes(made)
        cipher = self._cipher
        if self._key != key:
            self._key, self._cipher = key, (cipher := AESGCM(key))
        return cipher.encrypt(number.to_bytes(8, "little") + int(is_answer).to_bytes(4, "little"), b"", message)


def is_signed(tree: Any) -> bool:
    """Whether messages about it are signed."""
    return bool(tree.session.signing_required and tree.session.signing_key)
