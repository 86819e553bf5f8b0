"""Addresses of stores on other machines, taken apart. What they say is public: they stand in databases and reports."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from isomanager.errors import ConfigurationError
from isomanager.storage.paths import safe_path

_USUAL_PORTS = {"smb": 445, "nfs": 2049}


@dataclass(frozen=True)
class Address:
    """`scheme://user@host:port/path?options`; `port` 0 when it is not said, `path` decoded, without slashes at its ends."""

    scheme: str
    host: str
    path: str
    port: int = 0
    user: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The address as it is written, without user and options."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port not in (0, _USUAL_PORTS.get(self.scheme)) else ""
        return f"{self.scheme}://{host}{port}/{quote(self.path)}".rstrip("/")

    def option(self, name: str, default: str = "") -> str:
        """The value of an option, or `default`."""
        return dict(self.options).get(name, default)


def read_address(url: str, example: str, *, options: frozenset[str] = frozenset()) -> Address:
    """The parts of `url`. ConfigurationError when it is no address of this form, has options other than `options`, or carries a
    password: its text then never holds the address."""
    parts = urlsplit(url)
    if parts.password is not None:
        raise ConfigurationError(
            f"An address of the form {example} may not carry a password.",
            hint="Keep it in a block, in the environment or in a credentials file: docs/repositories.md says how.",
        )
    told, port = parse_qsl(parts.query, keep_blank_values=True), _port(parts)
    unknown = [name for name, _ in told if name not in options]
    if not parts.hostname or port is None or unknown or parts.fragment:
        what = f"does not know the option '{unknown[0]}'" if unknown else "needs a host"
        raise ConfigurationError(f"An address of the form {example} {what}.", hint=f"Write it like {example}.")
    path = unquote(parts.path).strip("/")
    if path:
        safe_path(path)
    return Address(parts.scheme.lower(), parts.hostname, path, port, unquote(parts.username or ""), tuple(told))


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or 0
    except ValueError:
        return None


def refuse_password(url: str) -> None:
    """ConfigurationError for an address with a password in it, whatever its scheme; nothing of it is told."""
    try:
        carries = urlsplit(url).password is not None
    except ValueError:
        carries = "@" in url
    if carries and "://" in url:
        raise ConfigurationError(
            "An address of a repository may not carry a password.",
            hint="Keep it in a block, in the environment or in a credentials file: docs/repositories.md says how.",
        )
