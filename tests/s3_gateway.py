"""A gate before an S3 server that knows temporary keys, as Amazon's has them: a key, its secret, and a token that ends.

It checks every signature for itself, answers a token that has ended as Amazon does, and hands everything else on, signed with the
owner's key.
"""

from __future__ import annotations

import http.client
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from store_servers import S3Server

REGION = "us-east-1"
_SIGNED = re.compile(r"Credential=(?P<key>[^/]+)/.*SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<signature>[0-9a-f]+)")
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


@dataclass
class Gateway:
    """Its address, and the keys that it gave."""

    behind: S3Server
    endpoint: str = ""
    known: dict[str, Credentials] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def key(self) -> Credentials:
        """A new temporary key."""
        made = Credentials(f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(30))
        self.known[made.access_key] = made
        return made

    def end(self, key: Credentials) -> None:
        """From now on its token has expired."""
        self.ended.add(key.access_key)

    def wrong(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        """The status and the code with which a request is refused; 0 where it is not."""
        told = _SIGNED.search(headers.get("authorization", ""))
        key = self.known.get(told["key"]) if told else None
        if told is None or key is None:
            return 403, "InvalidAccessKeyId"
        if headers.get("x-amz-security-token") != key.token:
            return 400, "InvalidToken"
        request = AWSRequest(method, f"http://{headers['host']}{path}")
        for name in told["names"].split(";"):
            request.headers[name] = headers[name]
        request.context["timestamp"] = headers["x-amz-date"]
        signer = S3SigV4Auth(key, "s3", REGION)
        signed = signer.string_to_sign(request, signer.canonical_request(request))
        if signer.signature(signed, request) != told["signature"]:
            return 403, "SignatureDoesNotMatch"
        return (400, "ExpiredToken") if key.access_key in self.ended else (0, "")

    def handed_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, list[Any], bytes]:
        """What the server behind answers."""
        place = self.behind.endpoint.removeprefix("http://")
        request = AWSRequest(method, f"http://{place}{path}", data=body)
        for name, value in headers.items():
            if name not in ("authorization", "x-amz-security-token", "host", "connection", "x-amz-date", "expect"):
                request.headers[name] = value
        S3SigV4Auth(Credentials(self.behind.key, self.behind.secret), "s3", REGION).add_auth(request)
        connection = http.client.HTTPConnection(place, timeout=60)
        try:
            connection.request(method, path, body or None, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


@contextmanager
def gateway(behind: S3Server) -> Iterator[Gateway]:
    """The gate, on a port of its own."""
    gate = Gateway(behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    gate.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(gate: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            status, code = gate.wrong(self.command, self.path, headers)
            if status:
                self.send(status, [("Content-Type", "application/xml")], _ERROR.format(code, code).encode())
            else:
                self.send(*gate.handed_on(self.command, self.path, headers, body))

        def send(self, status: int, headers: list[Any], body: bytes) -> None:
            self.send_response_only(status)
            about_bytes = (
                ("transfer-encoding", "connection")
                if self.command == "HEAD"
                else ("transfer-encoding", "connection", "content-length")
            )
            for name, value in headers:
                if name.lower() not in about_bytes:
                    self.send_header(name, value)
            if self.command != "HEAD" and status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
            pass

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - their names there

    return Handler
