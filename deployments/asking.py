"""A Prefect server asked over plain HTTP, without importing prefect: is it there, does it take our account, and its answers."""

from __future__ import annotations

import base64
import json
import os
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from isomanager.errors import ConnectionFailed

_PATIENCE = 20.0


def is_healthy(api_url: str, limit: float = 5.0) -> bool:
    """Whether the API answers its health check, which needs no account, within `limit` seconds."""
    try:
        with urlopen(f"{api_url}/health", timeout=limit) as answer:  # noqa: S310 - an address of ours, http or https
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False


def require_account(api_url: str) -> None:
    """ConnectionFailed when the server does not take the account that PREFECT_API_AUTH_STRING names, or wants one."""
    ask(api_url, "/admin/version")


def without_password(url: str) -> str:
    """The address as it may be shown."""
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()


def ask(api_url: str, path: str, body: object = None) -> Any:
    """The answer's JSON; a request with a `body` posts it. ConnectionFailed."""
    headers = {"Content-Type": "application/json"}
    account = os.environ.get("PREFECT_API_AUTH_STRING")
    if account:
        headers["Authorization"] = f"Basic {base64.b64encode(account.encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{api_url}{path}", data, headers)  # noqa: S310 - an address of ours
    try:
        with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            return json.loads(answer.read() or "null")
    except HTTPError as refused:
        raise ConnectionFailed(
            f"The Prefect server at {without_password(api_url)} answered {refused.code}.",
            hint="It wants an account: set PREFECT_API_AUTH_STRING." if refused.code == 401 else "Look at its log.",
        ) from refused
    except (URLError, OSError, ValueError) as wrong:
        raise ConnectionFailed(
            f"The Prefect server at {without_password(api_url)} does not answer: {wrong}."
        ) from wrong
