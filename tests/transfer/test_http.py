"""Redirects are judged hop by hop, every error of httpx becomes one of ours, and no secret is ever told."""

from __future__ import annotations

import inspect
import logging
import socket
import traceback
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isomanager.errors import (
    BodyTruncated,
    ConfigurationError,
    ConnectionFailed,
    FetchRefused,
    IsoManagerError,
    ServerBusy,
    Stalled,
    TransientError,
)
from isomanager.sample.server import SampleServer
from isomanager.settings import Settings
from isomanager.transfer.http import (
    FetchPolicy,
    mapped_errors,
    open_client,
    open_stream,
    retry_after,
    without_secrets,
)
from isomanager.transfer.policy import ConnectionJudge, check_address, check_redirect, reaches_private
from transfer.serving import HERE, IMAGE, SHA256, Fetch, Reply, fault, scripted

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
STRICT = FetchPolicy()

# redirects


def test_a_redirect_on_the_same_server_is_followed(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("redirect", IMAGE, to="mirror.iso"))
    received = fetch(server.url + IMAGE)
    assert received.sha256 == SHA256
    assert [one.path for one in server.requests] == [IMAGE, "/mirror.iso"]


def test_a_resume_goes_through_redirects_too(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("redirect", IMAGE, to="/mirror.iso"))
    server.faults.add(fault("truncate", "/mirror.iso", at=1000, times=1))
    with pytest.raises(BodyTruncated):
        fetch(server.url + IMAGE)
    assert fetch(server.url + IMAGE).resumed_at == 1000


def test_redirects_that_lead_in_circles_come_to_an_end(server: SampleServer, fetch: Fetch) -> None:
    server.faults.add(fault("redirect", IMAGE, to="/mirror.iso"))
    server.faults.add(fault("redirect", "/mirror.iso", to=IMAGE))
    with pytest.raises(FetchRefused, match="more than 10 times") as refused:
        fetch(server.url + IMAGE)
    assert refused.value.code == "forbidden-redirect"
    assert len(server.requests) == 11


@pytest.mark.parametrize("url", ["http://vendor.example/x.iso", "ftp://vendor.example/x.iso", "file:///etc/passwd"])
def test_anything_but_https_must_be_allowed_by_the_source(fetch: Fetch, url: str) -> None:
    with pytest.raises(FetchRefused) as refused:
        fetch(url, policy=STRICT)
    assert refused.value.code in ("forbidden-redirect", "http-status")


def test_a_redirect_to_plain_http_must_be_allowed_by_the_source() -> None:
    with pytest.raises(FetchRefused, match="leaves HTTPS"):
        check_redirect("https://vendor.example/x", "http://vendor.example/x", FetchPolicy(allow_http=True))
    told = check_redirect("http://vendor.example/x", "http://cdn.example/x", FetchPolicy(allow_http=True))
    assert told == "http://cdn.example/x"


@pytest.mark.parametrize("target", ["ftp://vendor.example/x", "file:///etc/passwd", "javascript:alert(1)", "data:,x"])
def test_a_redirect_to_another_kind_of_address_is_refused(target: str) -> None:
    with pytest.raises(FetchRefused, match="leaves HTTPS"):
        check_redirect("https://vendor.example/x", target, HERE)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "localhost"],
)
def test_a_redirect_into_a_private_network_must_be_allowed_by_the_source(host: str) -> None:
    with pytest.raises(FetchRefused, match="private network"):
        check_redirect("https://vendor.example/x", f"https://{host}/x", STRICT)
    assert check_redirect("https://vendor.example/x", f"https://{host}/x", FetchPolicy(allow_private=True))


def test_a_private_server_may_redirect_to_itself_but_not_to_another(server: SampleServer, fetch: Fetch) -> None:
    http_only = FetchPolicy(allow_http=True)
    server.faults.add(fault("redirect", IMAGE, to="/mirror.iso"))
    assert fetch(server.url + IMAGE, policy=http_only).sha256 == SHA256
    server.faults.clear()
    server.faults.add(fault("redirect", IMAGE, to=server.url.replace("127.0.0.1", "localhost") + "/mirror.iso"))
    with pytest.raises(FetchRefused, match="private network"):
        fetch(server.url + IMAGE, key="another", policy=http_only)
    assert fetch(server.url + IMAGE, key="another").sha256 == SHA256


def test_a_name_that_leads_into_a_private_network_only_when_it_is_connected_to_is_refused_then(
    server: SampleServer, monkeypatch: pytest.MonkeyPatch, fetch: Fetch
) -> None:
    """A name may be answered otherwise the second time (DNS rebinding)."""
    monkeypatch.setattr("isomanager.transfer.policy.reaches_private", lambda host: False)
    server.faults.add(fault("redirect", IMAGE, to=server.url.replace("127.0.0.1", "localhost") + "/mirror.iso"))
    with open_client(Settings()) as fresh, pytest.raises(FetchRefused, match="private network"):
        Fetch(fetch.store, fresh)(server.url + IMAGE, policy=FetchPolicy(allow_http=True))
    assert [one.path for one in server.requests] == [IMAGE]


def test_what_a_proxy_connects_to_is_the_proxys_to_judge() -> None:
    class Stream:
        def get_extra_info(self, _name: str) -> tuple[str, int]:
            return ("10.0.0.1", 3128)

    judge = ConnectionJudge("https://vendor.example/x")
    judge("connection.connect_tcp.started", {"host": "proxy.example"})
    judge("connection.connect_tcp.complete", {"return_value": Stream()})


@pytest.mark.parametrize("proxy", ["proxy.example", "ftp://proxy.example", "http://me:hunter2@proxy.example:3128"])
def test_a_proxy_that_is_none_or_has_credentials_is_refused_without_telling_them(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy") as wrong:
        open_client(Settings(proxy=proxy))
    assert SECRET not in str(wrong.value)


def test_everything_goes_through_the_proxy_that_the_setting_names(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Reply(body=b"through the proxy")
    with scripted(lambda _: reply) as proxy, open_client(Settings(proxy=proxy.url)) as client:
        received = Fetch(fetch.store, client)("http://vendor.example/image.iso")
        assert proxy.asked[0].path == "http://vendor.example/image.iso"
    assert received.size == len(reply.body)
    with scripted(lambda _: reply) as named:
        monkeypatch.setenv("HTTP_PROXY", named.url)
        with open_client(Settings()) as client:
            assert Fetch(fetch.store, client)("http://vendor.example/image.iso", key="other").size == len(reply.body)
        assert len(named.asked) == 1


@pytest.mark.parametrize(
    "target", ["http://[bad/", "http://host:99999/", "http://host:pass/", "http://" + "a" * 64 + "/", "http:///x", "//"]
)
def test_a_redirect_to_what_is_no_address_is_refused(server: SampleServer, fetch: Fetch, target: str) -> None:
    server.faults.add(fault("redirect", IMAGE, to=target))
    with pytest.raises(FetchRefused) as refused:
        fetch(server.url + IMAGE)
    assert refused.value.code in ("forbidden-redirect", "http-status")


def test_an_address_nobody_can_resolve_is_not_called_private() -> None:
    assert not reaches_private("nothing.invalid")
    assert reaches_private("127.0.0.1")
    assert not reaches_private("93.184.216.34")


# the map of errors


def every_kind(kind: type[Exception]) -> list[type[Exception]]:
    """httpx's own exceptions; other libraries in the process may have derived theirs."""
    own = [below for below in kind.__subclasses__() if below.__module__.partition(".")[0] == "httpx"]
    return [kind, *(deeper for below in own for deeper in every_kind(below))]


def raised_as(wrong: Exception) -> IsoManagerError:
    with pytest.raises(IsoManagerError) as caught, mapped_errors("https://user:word@vendor.example/x?token=word"):
        raise wrong
    assert "word" not in str(caught.value)
    return caught.value


def made(kind: type[Exception]) -> Exception:
    request = httpx.Request("GET", "https://vendor.example/x")
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError("bad", request=request, response=httpx.Response(500))
    return kind("bad")


@pytest.mark.parametrize("kind", every_kind(httpx.HTTPError) + every_kind(httpx.InvalidURL))
def test_every_error_of_httpx_becomes_one_of_ours(kind: type[Exception]) -> None:
    told = raised_as(made(kind))
    assert told.code
    assert "vendor.example" in told.message
    assert told.data["url"] == "https://vendor.example/x"


def test_an_error_that_may_quote_the_address_is_not_handed_on() -> None:
    quoting = "Invalid port: 'hunter2'"
    for wrong in (httpx.InvalidURL(quoting), httpx.RemoteProtocolError(f"Invalid URL in location header: {quoting}.")):
        with pytest.raises(FetchRefused) as caught, mapped_errors("https://vendor.example/"):
            raise wrong
        assert quoting not in "".join(traceback.format_exception(caught.value))


def test_no_error_of_httpx_is_left_out_of_the_map() -> None:
    raised = {one for _, one in inspect.getmembers(httpx, inspect.isclass) if issubclass(one, Exception)}
    # mistakes of the program that calls httpx, not something that happens on a network
    mistakes = {*every_kind(httpx.StreamError), httpx.CookieConflict}
    assert raised == {*every_kind(httpx.HTTPError), *every_kind(httpx.InvalidURL), *mistakes} & raised


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        (httpx.ConnectTimeout, ConnectionFailed),
        (httpx.ReadTimeout, Stalled),
        (httpx.WriteTimeout, Stalled),
        (httpx.ConnectError, ConnectionFailed),
        (httpx.ReadError, ConnectionFailed),
        (httpx.ProxyError, ConnectionFailed),
        (httpx.RemoteProtocolError, ConnectionFailed),
        (httpx.DecodingError, FetchRefused),
        (httpx.UnsupportedProtocol, FetchRefused),
        (httpx.TooManyRedirects, FetchRefused),
        (httpx.InvalidURL, FetchRefused),
    ],
)
def test_what_happened_keeps_its_meaning(kind: type[Exception], ours: type[IsoManagerError]) -> None:
    assert type(raised_as(made(kind))) is ours


def test_an_answer_that_ends_early_is_told_from_one_that_is_no_http() -> None:
    for text, ours in (("peer closed connection", BodyTruncated), ("Server disconnected", BodyTruncated)):
        assert type(raised_as(httpx.RemoteProtocolError(text))) is ours
    assert "does not speak HTTP" in str(raised_as(httpx.RemoteProtocolError("illegal status line")))


def test_a_host_that_nobody_knows_is_said_so() -> None:
    wrong = httpx.ConnectError("[Errno -2] Name or service not known")
    wrong.__cause__ = socket.gaierror(-2, "Name or service not known")
    told = raised_as(wrong)
    assert "not known here" in str(told)
    assert "name server" in told.hint


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_no_broken_connection(scheme: str) -> None:
    refusing = Reply(407, {"Proxy-Authenticate": 'Basic realm="x"'})
    with scripted(lambda _: refusing) as proxy, open_client(Settings(proxy=proxy.url)) as client:
        with (
            pytest.raises(FetchRefused, match="wants a user and a password") as told,
            open_stream(client, "GET", f"{scheme}://vendor.example/image.iso", policy=HERE),
        ):
            pass
        assert (told.value.code, "HTTPS_PROXY" in told.value.hint) == ("proxy", True)


@pytest.mark.parametrize("proxy", ["socks5://me:hunter2@127.0.0.1:1", "gopher://me:hunter2@127.0.0.1:1"])
def test_a_proxy_of_the_environment_that_cannot_be_used_is_the_users_to_mend(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="ALL_PROXY") as told:
        open_client(Settings())
    assert "hunter2" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (503, {"Retry-After": "864000"}, "left alone for 10 days"),
        (429, {"Retry-After": "90"}, "left alone for 90 s"),
        (503, {}, "asks for patience"),
        (500, {}, "trouble of its own"),
    ],
)
def test_what_a_busy_server_asks_for_is_told_in_words(status: int, headers: dict[str, str], told: str) -> None:
    reply = Reply(status, headers)
    with (
        scripted(lambda _: reply) as server,
        open_client(Settings()) as client,
        pytest.raises(ServerBusy, match=told),
        open_stream(client, "GET", f"{server.url}/x.iso", policy=HERE),
    ):
        pass


def test_a_network_that_fails_is_worth_another_try() -> None:
    protocol = {httpx.UnsupportedProtocol, httpx.LocalProtocolError}
    kinds = [one for one in every_kind(httpx.TransportError) if one not in protocol]
    assert all(isinstance(raised_as(made(one)), TransientError) for one in kinds)


# secrets


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://me:hunter2@vendor.example:8443/a/b.iso?sig=hunter2#hunter2", "https://vendor.example:8443/a/b.iso"),
        ("https://hunter2@[2001:db8::1]:81/x", "https://[2001:db8::1]:81/x"),
        ("https://me:hunter2/x@vendor.example/", "https://(an unreadable address)"),
        ("https://[hunter2/", "https://(an unreadable address)"),
        ("me:hunter2@vendor.example/x", "me://(an unreadable address)"),
        ("", ""),
    ],
)
def test_an_address_is_told_without_its_secrets(url: str, told: str) -> None:
    assert without_secrets(url) == told


@given(st.text(max_size=40))
@example("http://a:b")
@example("http://[::1")
@example("//@:@")
@example("http://a\u2100b/")
def test_telling_and_judging_an_address_never_fails_otherwise_than_said(text: str) -> None:
    assert isinstance(without_secrets(text), str)
    for url in (text, f"https://{text}", f"https://vendor.example:{text}"):
        try:
            check_address(url, STRICT)
        except FetchRefused:
            continue


def with_secrets(url: str) -> str:
    return f"{url.replace('://', f'://me:{SECRET}@')}{IMAGE}?token={SECRET}#{SECRET}"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503, {"Retry-After": "1"}),
        Reply(404),
        Reply(302, {"Location": "http://me:hunter2@127.0.0.1:1/x?token=hunter2"}),
        Reply(302, {"Location": "https://me:hunter2@[bad/?token=hunter2"}),
        Reply(302, {"Location": "https://me:hunter2/x@vendor.example/"}),
        Reply(302, {"Location": "ftp://me:hunter2@vendor.example/"}),
        Reply(200, {"Content-Type": "text/html"}),
        Reply(200, {"Content-Encoding": "gzip"}, b"x"),
        Reply(200, {}, b"x", length=10),
        Reply(416),
        Reply(0),
    ],
    ids=lambda one: f"{one.status} {' '.join(one.headers)}",
)
def test_no_error_tells_a_secret_of_the_address(fetch: Fetch, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted(lambda _: reply) as server, pytest.raises(IsoManagerError) as wrong:
        fetch(with_secrets(server.url))
    told = "".join(traceback.format_exception(wrong.value))
    assert SECRET not in told + str(wrong.value.as_json())
    assert SECRET not in caplog.text


def test_what_a_finished_transfer_tells_has_no_secret_in_it(
    server: SampleServer, fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    received = fetch(with_secrets(server.url))
    assert SECRET not in received.model_dump_json()
    logged = "".join(one.getMessage() for one in caplog.records if not one.name.startswith("isomanager.sample"))
    assert SECRET not in logged
    assert "/image.iso" in logged
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert not [one for one in fetch.store.root.rglob("*.json") if SECRET in one.read_text()]


def test_credentials_do_not_follow_a_redirect_to_another_server(server: SampleServer, fetch: Fetch) -> None:
    with scripted(lambda _: Reply(302, {"Location": server.url + IMAGE})) as first:
        fetch(first.url.replace("://", "://me:hunter2@") + IMAGE)
        assert "authorization" in first.asked[0].headers
    assert "authorization" not in server.requests[0].headers


# Retry-After, the client


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Mon, 23 Nov 2026 03:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 02:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("9" * 5000, None),
        ("Mon, 99 Nov 2026 03:01:00 GMT", None),
    ],
)
def test_how_long_to_wait_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


def test_a_file_of_certificates_that_is_none_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    for make in (lambda: None, lambda: wrong.write_text("no certificate")):
        make()
        with pytest.raises(ConfigurationError, match="ca_file"):
            open_client(Settings(ca_file=wrong))
