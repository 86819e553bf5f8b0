"""What a proxy does wrong is told as the proxy's: its address without its password, and who named it."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator

import httpx
import pytest

from isomanager.errors import ConnectionFailed, FetchRefused, IsoManagerError
from isomanager.settings import Settings
from isomanager.transfer.http import mapped, open_client, open_stream
from isomanager.transfer.policy import FetchPolicy
from isomanager.transfer.proxies import Proxy, proxy_for
from transfer.serving import Reply, scripted


@pytest.fixture
def dead() -> Iterator[int]:
    """A port at which nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


HERE = FetchPolicy(allow_http=True, allow_private=True)
SECRET = "hunter2"


def asked(url: str, **settings: str) -> IsoManagerError:
    """What becomes of asking for `url`."""
    with (
        open_client(Settings(**settings)) as client,
        pytest.raises(IsoManagerError) as told,
        open_stream(client, "GET", url, policy=HERE),
    ):
        pass
    return told.value


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("named", ["{scheme}_proxy", "{SCHEME}_PROXY", "ALL_PROXY"])
def test_a_dead_proxy_of_the_environment_is_named_without_its_password(
    scheme: str, named: str, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = named.format(scheme=scheme, SCHEME=scheme.upper())
    monkeypatch.setenv(variable, f"http://me:{SECRET}@127.0.0.1:{dead}")
    wrong = asked(f"{scheme}://vendor.example/image.iso")
    assert isinstance(wrong, ConnectionFailed)
    assert f"the proxy http://127.0.0.1:{dead} (named by {variable} in the environment)" in wrong.message
    assert f"{scheme}://vendor.example/image.iso" in wrong.message
    assert "NO_PROXY" in wrong.hint
    assert (wrong.code, wrong.data["proxy"]) == ("proxy-unreachable", f"http://127.0.0.1:{dead}")
    assert SECRET not in "".join(traceback.format_exception(wrong))


def test_a_dead_proxy_of_the_settings_is_named_as_the_settings(dead: int) -> None:
    wrong = asked("https://vendor.example/image.iso", proxy=f"http://127.0.0.1:{dead}")
    assert f"the proxy http://127.0.0.1:{dead} (named by the setting proxy) cannot be reached" in wrong.message


def test_a_proxy_whose_name_nobody_knows_is_not_the_vendor() -> None:
    wrong = asked("https://127.0.0.1/image.iso", proxy="http://proxy.invalid:3128")
    assert "the proxy http://proxy.invalid:3128" in wrong.message


@pytest.mark.parametrize(("status", "kind"), [(403, FetchRefused), (404, FetchRefused), (502, ConnectionFailed)])
def test_a_proxy_that_leads_nowhere_is_told_with_what_it_said(status: int, kind: type[IsoManagerError]) -> None:
    with scripted(lambda _: Reply(status)) as proxy:
        wrong = asked("https://vendor.example/image.iso", proxy=proxy.url)
    assert isinstance(wrong, kind)
    assert f"the proxy {proxy.url} (named by the setting proxy) does not lead there ({status}" in wrong.message


def test_a_host_that_needs_no_proxy_is_blamed_itself(dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    wrong = asked(f"http://127.0.0.1:{dead}/image.iso")
    assert wrong.code == "connection-failed"
    assert "proxy" not in wrong.message


def test_the_certificate_of_a_host_behind_a_proxy_is_the_hosts() -> None:
    wrong = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    told = mapped(wrong, "https://vendor.example/x", Proxy("http://proxy.example:3128", "named by the setting proxy"))
    assert told.code == "tls"


def test_without_a_proxy_there_is_none_to_blame() -> None:
    with open_client(Settings()) as client:
        assert proxy_for(client, "https://vendor.example/") is None
