"""The key of this site, and whose bundles it takes in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isomanager.errors import Refused, UsageError
from isomanager.library.opening import Library
from isomanager.trust.minisign import verify_minisign
from isomanager.trust.site_key import SiteKey, create_site_key, public_key, read_site_key


def site_key_file(library: Library) -> Path:
    """Where the secret key is: in the data folder, never in a repository or bundle."""
    return library.settings.data_folder / "site.key"


def site_key(library: Library, *, create: bool = False) -> SiteKey:
    """The site's key. UsageError when there is none and `create` does not ask for one."""
    file = site_key_file(library)
    found = read_site_key(file)
    if found is not None:
        return found
    if not create:
        raise UsageError("This site has no key to sign with.", hint="Make one: isomanager keys site")
    return create_site_key(file, now=library.now())


def trusted_sites(library: Library, given: Iterable[str] = ()) -> tuple[str, ...]:
    """The public keys whose bundles are taken in: those given, those of the settings, this site's own."""
    own = read_site_key(site_key_file(library))
    named = [public_key(one) for one in (*given, *library.settings.site_keys)]
    return tuple(dict.fromkeys([*named, *([own.public] if own else [])]))


def signer_of(manifest: bytes, signature: bytes, trusted: tuple[str, ...], *, unsigned: bool = False) -> str:
    """The public key of the trusted site that signed the manifest; "" where none did and `unsigned` lets that pass.

    Refused: `unsigned`, `foreign-signed`, `bad-signature`. A signature of a trusted site that does not hold never passes.
    """
    if not signature:
        return _unless(unsigned, "nobody signed its manifest", "unsigned")
    result = verify_minisign(manifest, signature, trusted)
    if result.valid:
        return result.primary_fingerprint or ""
    if result.reason == "unknown-key":
        return _unless(unsigned, f"no trusted site signed its manifest. {result.note}", "foreign-signed")
    return _unless(False, f"its manifest is not what its signature speaks of. {result.note}", "bad-signature")


def _unless(allowed: bool, why: str, code: str) -> str:
    if not allowed:
        raise _refused(why, code)
    return ""


def _refused(why: str, code: str) -> Refused:
    return Refused(
        f"The bundle is refused: {why}.".replace("..", "."),
        code=code,
        hint="Name the other site's public key (--key, or the setting site_keys). With --unsigned it is taken in for what its "
        "receipts prove by themselves.",
    )
