"""A server that does what Microsoft's do, by their documented forms, and enforces what they enforce.

One host stands for all of them: download pages, the connector with its sessions and handshake, the evaluation centre, the short
links, and the static and signed file hosts. It is reached over TLS, as the real ones are.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONNECTOR = "/software-download-connector/api/"
SKUS, LINKS = (
    f"{CONNECTOR}getskuinformationbyproductedition".lower(),
    f"{CONNECTOR}GetProductDownloadLinksBySku".lower(),
)
MESSAGE = (
    "<p>We are unable to complete your request at this time. Some users, entities and locations are banned from using this "
    "service. Refer to message code 715-123130 and </p>"
)
CHANGED = datetime(2026, 1, 20, 13, 56, 22, tzinfo=UTC)
TYPES = {"i686": 0, "x86_64": 1, "aarch64": 2}
HOSTS = ("www.microsoft.com", "vlscppe.microsoft.com", "ov-df.microsoft.com", "go.microsoft.com")


@dataclass
class Edition:
    """What one product edition id stands for: `files` by language and architecture, languages by both of their names."""

    page: str
    name: str
    display: str
    release: str
    languages: dict[str, str]
    files: dict[tuple[str, str], str]
    publishes: bool = True


@dataclass
class Session:
    """How far a session has come."""

    tagged: bool = False
    numbers: tuple[str, str] = ("", "")
    shaken: bool = False
    skus: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Asked:
    """A request as the server saw it; names of headers in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def iso(name: str) -> bytes:
    """The bytes of a file by this name: small, and different for every name."""
    return (b"\0" * 32768 + b"\1CD001\1\0" + name.encode() + hashlib.sha256(name.encode()).digest() * 900)[:65536]


class Microsoft:
    """The state behind the server, and the knobs a test turns."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.base = ""
        self.asked: list[Asked] = []
        self.sessions: dict[str, Session] = {}
        self.editions: dict[str, Edition] = {}
        self.evaluation: dict[str, list[tuple[str, str]]] = {}
        self.leads_to: dict[tuple[str, str], str] = {}
        self.sizes: dict[str, int] = {}
        self.flagged = False
        self.shows_refusal = True
        self.link_hours = 24.0
        self.instead: dict[str, list[Reply]] = {}
        self.as_text = False
        self.lists: dict[str, Any] = {}
        self._signed: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def count(self, path: str, method: str = "GET") -> int:
        """How often a path was asked for."""
        return sum(one.path.lower() == path.lower() and one.method == method for one in self.asked)

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            path = asked.path.lower()
            if self.instead.get(path):
                return self.instead[path].pop(0)
            return self._reply(asked, path)

    def _reply(self, asked: Asked, path: str) -> Reply:
        if path == "/tags":
            return self._tags(asked)
        if path == "/mdt.js":
            return self._script(asked)
        if path == "/":
            return self._shaken(asked)
        if path == SKUS:
            return self._skus(asked)
        if path == LINKS:
            return self._links(asked)
        if "/software-download/" in path:
            return self._page(asked, path.rpartition("/")[2])
        if "/evalcenter/" in path:
            return self._evaluation(path.rpartition("/")[2])
        if path in self.lists:
            return self._json(self.lists[path])
        if path.startswith("/fwlink/"):
            return self._short_link(asked)
        return self._file(asked)

    # the connector

    def _tags(self, asked: Asked) -> Reply:
        if asked.query.get("org_id") == "y6jn8c31":
            self.sessions.setdefault(asked.query.get("session_id", ""), Session()).tagged = True
        return Reply()

    def _script(self, asked: Asked) -> Reply:
        session = self.sessions.setdefault(asked.query.get("session_id", ""), Session())
        session.numbers = (f"8DF{len(self.sessions):012X}", str(1791644954000 + len(self.sessions)))
        w, rticks = session.numbers
        script = (
            f'window.dfp={{url:"https://ov-df.microsoft.com/?session_id={asked.query.get("session_id")}&PageId=si&w={w}"}};'
            f'window.dfp.doFpt=function(){{var start=Date.now();src+="&mdt="+start;src+="&rticks="+{rticks};}}'
        )
        return Reply(body=script.encode(), headers={"Content-Type": "application/javascript"})

    def _shaken(self, asked: Asked) -> Reply:
        session = self.sessions.get(asked.query.get("session_id", ""))
        told = (asked.query.get("w"), asked.query.get("rticks"))
        now = self.clock().timestamp() * 1000
        timely = abs(now - float(asked.query.get("mdt", "0"))) < 300_000
        if session is not None and told == session.numbers and timely:
            session.shaken = True
        return Reply()

    def _skus(self, asked: Asked) -> Reply:
        edition = self.editions.get(asked.query.get("producteditionid", ""))
        if edition is None:
            return self._refused(10, "ErrorSettings.ProductNotAvailable")
        session = self.sessions.setdefault(asked.query.get("sessionid", ""), Session())
        number = asked.query["producteditionid"]
        rows = [
            (f"{number}{place:02}", language, localized)
            for place, (language, localized) in enumerate(edition.languages.items())
        ]
        session.skus = {sku: (number, language) for sku, language, _ in rows}
        skus = [
            {"Id": sku, "Language": one, "LocalizedLanguage": other, "ProductDisplayName": edition.display}
            for sku, one, other in rows
        ]
        return self._json({"Skus": skus, "ValidationContainer": {"ErrorList": [], "Errors": []}, "Tickets": None})

    def _links(self, asked: Asked) -> Reply:
        if self.flagged:
            return self._refused(9)
        session = self.sessions.get(asked.query.get("sessionid", ""), Session())
        known = session.skus.get(asked.query.get("sku", ""))
        referred = "/software-download/" in asked.headers.get("referer", "")
        if not (session.tagged and session.shaken and referred and known):
            return self._refused(8)
        number, language = known
        edition = self.editions[number]
        expires = self.clock() + timedelta(hours=self.link_hours)
        options = [
            {
                "Name": f"{edition.display} {language}",
                "Uri": self._signed_url(name, expires),
                "ProductDisplayName": edition.display,
                "Language": language,
                "LocalizedLanguage": edition.languages[language],
                "DownloadType": TYPES[machine],
            }
            for (spoken, machine), name in edition.files.items()
            if spoken == language
        ]
        told = f"{expires:%Y-%m-%dT%H:%M:%S}.3524039Z"
        return self._json({"ProductDownloadOptions": options, "DownloadExpirationDatetime": told})

    def _signed_url(self, name: str, expires: datetime) -> str:
        token = hashlib.sha256(f"{name}{len(self.asked)}".encode()).hexdigest()[:32]
        self._signed[token] = expires
        return f"{self.base}/dbazure/{quote(name)}?t={token}&P1={int(expires.timestamp())}&P2=602&P3=2&P4=c2lnbmF0dXJl"

    def _refused(self, kind: int, key: str = "ErrorSettings.SentinelReject") -> Reply:
        said = "Sentinel marked this request as rejected." if kind < 10 else "The product is not available."
        return self._json({"Errors": [{"Key": key, "Value": said, "Type": kind}]})

    def _json(self, value: Any) -> Reply:
        text = json.dumps(value)
        return Reply(
            body=(json.dumps(text) if self.as_text else text).encode(), headers={"Content-Type": "application/json"}
        )

    # pages

    def _page(self, asked: Asked, name: str) -> Reply:
        if name == "windows10iso" and "windows" in asked.headers.get("user-agent", "").lower():
            return Reply(302, headers={"Location": "/en-us/software-download/windows10"})
        hidden = MESSAGE.replace("<", "&lt;").replace(">", "&gt;")
        message = f'<input id="msg-01" type="hidden" value="{hidden}"/>'
        offered = {number: one for number, one in self.editions.items() if one.page.lower() == name}
        if self.flagged and self.shows_refusal:
            return self._html(message)
        if not offered:
            return Reply(404, b"<html>gone</html>")
        options = "".join(f'<option value="{number}">{one.name}</option>' for number, one in offered.items())
        release = next(iter(offered.values())).release
        rows = "".join(self._row(one, *key) for one in offered.values() if one.publishes for key in one.files)
        select = f'<select id="product-edition"><option value="" selected>Select</option>{options}</select>'
        return self._html(f"<p>Windows l Version {release}</p>{message}{select}<table>{rows}</table>")

    def _row(self, edition: Edition, language: str, machine: str) -> str:
        bits = {"x86_64": "64-bit", "i686": "32-bit", "aarch64": "ARM64"}[machine]
        digest = hashlib.sha256(iso(edition.files[language, machine])).hexdigest().upper()
        return f"<tr><td>{language} {bits}</td><td>{digest}</td></tr>"

    def _html(self, body: str) -> Reply:
        return Reply(body=f"<html><body>{body}</body></html>".encode(), headers={"Content-Type": "text/html"})

    def _evaluation(self, name: str) -> Reply:
        if name not in self.evaluation:
            return Reply(404)
        rows = (f'<a aria-label="{label}" href="{href}">edition</a>' for label, href in self.evaluation[name])
        return self._html("".join(rows).replace("{base}", self.base))

    def _short_link(self, asked: Asked) -> Reply:
        place = self.leads_to.get((asked.query.get("linkid", ""), asked.query.get("culture", "").lower()))
        return Reply(302, headers={"Location": f"{self.base}{place}"}) if place else Reply(404)

    # files

    def _file(self, asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        signed = asked.path.startswith("/dbazure/") and name.lower().startswith("win")
        until = self._signed.get(asked.query.get("t", ""))
        if signed and (until is None or self.clock() >= until):
            return Reply(403, b"<html>Forbidden</html>")
        if not name.lower().endswith(".iso"):
            return Reply(404)
        content = iso(name)
        size = self.sizes.get(name, len(content))
        headers = {
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "Last-Modified": format_datetime(CHANGED, usegmt=True),
            "ETag": f'"{hashlib.md5(name.encode()).hexdigest()}"',
        }
        span = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        if span and asked.method == "GET":
            first = int(span[1])
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
            return Reply(206, content[first:], headers)
        length = {"Content-Length": str(size)} if asked.method == "HEAD" else {}
        return Reply(200, content, headers | length)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name.lower(): values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.microsoft.reply(Asked(self.command, parts.path, query, headers))
        self.send_response_only(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(reply.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_said: Any) -> None:
        """Tests say what they need themselves."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, microsoft: Microsoft, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.microsoft, self._context = microsoft, context

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            wrapped = self._context.wrap_socket(request, server_side=True)
        except OSError:  # a client that went away
            return
        super().finish_request(wrapped, client_address)
        wrapped.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no trouble."""


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine alone, and a context that serves with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    public, private = folder / "authority.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


@contextmanager
def serving(microsoft: Microsoft, context: ssl.SSLContext) -> Iterator[Microsoft]:
    """The server while the block lasts; `microsoft.base` is its address."""
    server = _Server(microsoft, context)
    microsoft.base = f"https://127.0.0.1:{server.server_port}"
    loop = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    loop.start()
    try:
        yield microsoft
    finally:
        server.shutdown()
        server.server_close()
        loop.join()


def write_products(folder: Path, base: str) -> None:
    """The bundled product files with this server in the place of Microsoft's hosts, and images as small as its files."""
    folder.mkdir(parents=True, exist_ok=True)
    host = base.removeprefix("https://")
    for name in ("windows", "windows-server"):
        bundled = files("isomanager.catalogue") / "products" / "windows" / f"{name}.toml"
        text = bundled.read_text(encoding="utf-8").replace('["3GiB', '["1KiB')
        for one in HOSTS:
            text = text.replace(f"https://{one}", base)
        text = text.replace('hosts = ["microsoft.com"]', f'hosts = ["{host}"]')
        for one in ("https://raw.githubusercontent.com", "https://endoflife.date"):
            text = text.replace(one, f"{base}/elsewhere")
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
