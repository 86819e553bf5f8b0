"""A vendor's web key directory (draft-koch-openpgp-webkey-service): where the key of a mail address is to be found. Pure."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

_ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"
_ADDRESS = re.compile(r"(?:wkd:)?([^@\s/:]+)@([A-Za-z0-9.-]+(?::[0-9]+)?)")


def is_mail_address(text: str) -> bool:
    """Whether an entry under [keys] names a mail address (`releases@vendor.example`) instead of a web address."""
    return _ADDRESS.fullmatch(text) is not None


def directory_urls(address: str) -> tuple[str, str]:
    """The two places for the key of a mail address: the advanced method's and, for those without its host, the direct one's.

    ValueError when it is no mail address.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(f"'{address}' is not a mail address")
    local, domain = found[1], found[2].lower()
    name = zbase32(hashlib.sha1(local.lower().encode(), usedforsecurity=False).digest())
    place = f".well-known/openpgpkey/{{}}hu/{name}?l={quote(local)}"
    advanced = f"https://openpgpkey.{domain}/{place.format(domain.partition(':')[0] + '/')}"
    return advanced, f"https://{domain}/{place.format('')}"


def zbase32(data: bytes) -> str:
    """The z-base-32 encoding (RFC 6189, section 5.1.6), five bits a letter."""
    bits = "".join(f"{byte:08b}" for byte in data)
    padded = bits + "0" * (-len(bits) % 5)
    return "".join(_ALPHABET[int(padded[place : place + 5], 2)] for place in range(0, len(padded), 5))
