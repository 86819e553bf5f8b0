"""Who we are on an SMB server when no block says so: the environment, a credentials file, or ~/.netrc.

The credentials file has the form that mount.cifs(8) and smbclient(1) read: `username=`, `password=`, `domain=`, one a line.
"""

from __future__ import annotations

import netrc
import os
from collections.abc import Mapping
from pathlib import Path

from isomanager.errors import ConfigurationError
from isomanager.storage.smb_session import SmbAccess

USERNAME, PASSWORD, DOMAIN, FILE = (
    f"ISOMANAGER_SMB_{name}" for name in ("USERNAME", "PASSWORD", "DOMAIN", "CREDENTIALS")
)


def find_access(host: str, user: str = "", environment: Mapping[str, str] = os.environ) -> SmbAccess:
    """The first of the places that knows a user for `host`, of the name `user` if one is given. An SmbAccess without a user when
    none does: then the server is not asked, and the error says where to write it down."""
    for found in (_from_environment(environment), _from_file(environment), _from_netrc(host, environment)):
        if found is not None and user in ("", found.user, found.user.rpartition("\\")[2]):
            return found
    return SmbAccess()


def _from_environment(environment: Mapping[str, str]) -> SmbAccess | None:
    user = environment.get(USERNAME, "")
    return _access(user, environment.get(PASSWORD, ""), environment.get(DOMAIN, "")) if user else None


def _from_file(environment: Mapping[str, str]) -> SmbAccess | None:
    name = environment.get(FILE, "")
    if not name:
        return None
    try:
        text = Path(name).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(
            f"The SMB credentials file {name} cannot be read: {getattr(wrong, 'strerror', 'it is no text')}.",
            hint=f"{FILE} names it; it has the lines username=, password= and domain=.",
        ) from wrong
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    told = {key.strip().lower(): value.strip() for key, _, value in pairs}
    user = told.get("username", "")
    return _access(user, told.get("password", ""), told.get("domain", "")) if user else None


def _from_netrc(host: str, environment: Mapping[str, str]) -> SmbAccess | None:
    file = Path(environment.get("NETRC", "") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(str(file)).authenticators(host)
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError) as wrong:
        told = wrong.msg if isinstance(wrong, netrc.NetrcParseError) else wrong.strerror
        raise ConfigurationError(f"{file} cannot be used: {told}.", hint="See netrc(5).") from None
    return _access(found[0], found[2] or "", found[1]) if found and found[0] else None


def _access(user: str, password: str, domain: str = "") -> SmbAccess:
    return SmbAccess(f"{domain}\\{user}" if domain and "\\" not in user else user, password)
