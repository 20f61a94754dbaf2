"""TLS with certificates of our own, and proxies with and without tunnels."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.server import AGAIN, CLOSE, HANG, READ, Script, Server, chunked, drip, reply

from polydriver.data.http import TransportConfig
from polydriver.engine.transports.address import locate, proxy_for
from polydriver.errors import APIConnectionError, APITimeoutError, ConfigurationError, InvalidResponseError

from .clients import Client, get, post, read_all, stream, within

Make = Callable[[TransportConfig], Client]


@contextlib.contextmanager
def tunnel() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that answers CONNECT and passes bytes on; gives its URL and the heads it got."""
    heads: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for link in (source, sink):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def serve(link: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(65536)
        heads.append(head)
        _, _, port = head.split(b" ")[1].decode().rpartition(":")
        with link, socket.create_connection(("127.0.0.1", int(port))) as onward:
            link.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, link), daemon=True)
            back.start()
            pump(link, onward)
            back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = listener.accept()
                threading.Thread(target=serve, args=(link,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://user:pa%3Ass@127.0.0.1:{listener.getsockname()[1]}", heads
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)


def test_tls(make_client: Make, certificate: Path, server_tls: ssl.SSLContext) -> None:
    client = make_client(TransportConfig(ca_file=str(certificate)))
    head = reply(headers={"transfer-encoding": "chunked"}, length=False)
    with Server([READ, head, chunked(b"one", b"two"), AGAIN], tls=server_tls) as server:
        for _ in range(2):
            assert client.send(get(server.url), within()).body == b"onetwo"
            assert read_all(client.open(stream(server.url), within())) == b"onetwo"
    assert server.connections == 1


def test_tls_connections_are_freed(make_client: Make, certificate: Path, server_tls: ssl.SSLContext) -> None:
    client = make_client(TransportConfig(ca_file=str(certificate), max_connections=1))
    head = reply(headers={"transfer-encoding": "chunked"}, length=False)
    cut: Script = [READ, head, chunked(b"a", end=False), HANG]
    surplus: Script = [READ, reply(b"mine") + reply(b"other"), HANG]
    with Server(cut, surplus, [READ, reply(b"yours"), CLOSE], tls=server_tls) as server:
        body = client.open(stream(server.url), within())
        assert body.read() == b"a"
        body.close()
        assert server.wait_hung_up()
        assert client.send(get(server.url), within()).body == b"mine"
        assert client.send(get(server.url), within()).body == b"yours"


def test_an_unknown_certificate_is_refused(client: Client, server_tls: ssl.SSLContext) -> None:
    with Server([READ, reply(b"a"), AGAIN], tls=server_tls) as server, pytest.raises(APIConnectionError) as caught:
        client.send(post(server.url, authorization="Bearer sk-secret"), within())
    assert "certificate" in str(caught.value).lower()
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(
    make_client: Make, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    client = make_client(TransportConfig(ca_file=str(certificate)))
    with Server([READ, reply(b"a"), AGAIN], tls=server_tls) as server, pytest.raises(APIConnectionError):
        client.send(get(server.url.replace("localhost", "127.0.0.2")), within())
    assert server.requests == []


def test_verification_can_be_switched_off(make_client: Make, server_tls: ssl.SSLContext) -> None:
    client = make_client(TransportConfig(verify=False))
    with Server([READ, reply(b"a"), AGAIN], tls=server_tls) as server, pytest.warns(match="verify=False"):
        assert client.send(get(server.url), within()).body == b"a"


def test_client_certificate(make_client: Make, certificate: Path, server_tls: ssl.SSLContext) -> None:
    server_tls.load_verify_locations(certificate)
    server_tls.verify_mode = ssl.CERT_REQUIRED
    anonymous = make_client(TransportConfig(ca_file=str(certificate)))
    known = make_client(TransportConfig(ca_file=str(certificate), client_cert=str(certificate)))
    with Server([READ, reply(b"a"), AGAIN], tls=server_tls) as server:
        with pytest.raises(APIConnectionError):
            anonymous.send(get(server.url), within())
        assert known.send(get(server.url), within()).body == b"a"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (TransportConfig(ca_file="nowhere.pem"), "ca_file"),
        (TransportConfig(client_cert="nowhere.pem"), "client_cert"),
        (TransportConfig(client_cert=("nowhere.pem", "nowhere.key")), "client_cert"),
    ],
)
def test_a_missing_file_is_a_setting_to_correct(make_client: Make, config: TransportConfig, field: str) -> None:
    client = make_client(config)
    with pytest.raises(ConfigurationError, match=field):
        client.send(get("https://localhost:9/"), within())


def test_tunnel(make_client: Make, certificate: Path, server_tls: ssl.SSLContext) -> None:
    with tunnel() as (proxy, heads), Server([READ, reply(b"a"), AGAIN], tls=server_tls) as server:
        client = make_client(TransportConfig(ca_file=str(certificate), proxy=proxy))
        for _ in range(2):
            assert client.send(post(server.url, authorization="Bearer sk-secret"), within()).body == b"a"
        client.close_idle()
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT localhost:%d HTTP/1." % server.port)
    assert b"\r\nproxy-authorization: Basic dXNlcjpwYTpzcw==\r\n" in heads[0].lower().replace(
        b"basic dxnlcjpwytpzcw==", b"Basic dXNlcjpwYTpzcw=="
    )
    assert b"sk-secret" not in heads[0]
    assert "proxy-authorization" not in server.requests[0].headers


def test_forwarding(make_client: Make) -> None:
    with Server([READ, reply(b"a"), AGAIN]) as server:
        client = make_client(TransportConfig(proxy=f"http://user:pass@127.0.0.1:{server.port}"))
        assert client.send(get("http://api.invalid/v1?a=b"), within()).body == b"a"
    request = server.requests[0]
    assert request.target == "http://api.invalid/v1?a=b"
    assert request.headers["host"] == "api.invalid"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"


def test_a_proxy_that_refuses_or_stalls(make_client: Make) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with Server([READ, refusal, CLOSE]) as server:
        client = make_client(TransportConfig(proxy=f"http://user:sk-pass@127.0.0.1:{server.port}"))
        with pytest.raises(APIConnectionError) as caught:
            client.send(get("https://api.invalid/"), within())
    assert "sk-pass" not in f"{caught.value!s} {caught.value.__cause__!r}"
    with Server([READ, *drip(b"HTTP/1.1 200 Connection " + b"a" * 400, 0.01), HANG]) as server:
        client = make_client(TransportConfig(proxy=f"http://127.0.0.1:{server.port}"))
        with pytest.raises(APITimeoutError):
            client.send(get("https://api.invalid/"), within(0.2))


def test_proxies_of_the_environment(make_client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server([READ, reply(b"proxy"), AGAIN]) as proxy, Server([READ, reply(b"direct"), AGAIN]) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", f"example.org, 127.0.0.1:{server.port}")
        assert make_client(TransportConfig()).send(get("http://api.invalid/"), within()).body == b"proxy"
        assert make_client(TransportConfig()).send(get(server.url), within()).body == b"direct"
        with pytest.raises(APIConnectionError):
            make_client(TransportConfig(trust_env=False)).send(get("http://api.invalid/"), within())
        monkeypatch.delenv("HTTP_PROXY")
        monkeypatch.setenv("ALL_PROXY", f"127.0.0.1:{proxy.port}")
        assert make_client(TransportConfig()).send(get("http://api.invalid/"), within()).body == b"proxy"


def test_a_proxy_of_another_kind(make_client: Make) -> None:
    with pytest.raises(ConfigurationError, match="proxy"):
        make_client(TransportConfig(proxy="socks5://127.0.0.1:9")).send(get("http://api.invalid/"), within())


@pytest.mark.parametrize(
    ("listed", "url", "direct"),
    [
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://10.example/", False),
        ("192.168.1.7/16", "http://192.168.200.1/", True),
        ("fd00::/8", "http://[fd12::1]:8080/", True),
        ("::1", "http://[::1]/", True),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("[::1]:8080", "http://[::1]/", False),
        ("10.1.2.3", "http://10.1.2.3:99/", True),
        ("10.1.2.3:98", "http://10.1.2.3:99/", False),
        ("example.org", "http://api.example.org/", True),
        (".example.org", "http://example.org/", True),
        ("*.Example.org", "http://API.example.org./", True),
        ("example.org", "http://badexample.org/", False),
        ("a.example, b.example", "http://b.example/", True),
        ("*", "http://a.example/", True),
        ("300.0.0.0/8,/,:,[", "http://a.example/", False),
        ("", "http://a.example/", False),
    ],
)
def test_what_no_proxy_means(monkeypatch: pytest.MonkeyPatch, listed: str, url: str, direct: bool) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", listed)
    assert (proxy_for(locate(url).origin, TransportConfig()) is None) is direct


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "http_proxy"])
def test_a_socks_proxy_of_the_environment_is_named_and_never_stands_before_this_machine(
    make_client: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "socks5h://127.0.0.1:9")
    with Server([READ, reply(b"direct"), AGAIN]) as server:
        assert make_client(TransportConfig()).send(get(server.url), within()).body == b"direct"
    with pytest.raises(ConfigurationError, match=rf"^{name} names a SOCKS proxy"):
        make_client(TransportConfig()).send(get("http://api.invalid/"), within())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 abc\r\n\r\n",
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na" + b"b" * 99_999,
        b"",
    ],
)
def test_a_proxy_that_talks_nonsense(make_client: Make, answer: bytes) -> None:
    with Server([READ, answer]) as proxy:
        client = make_client(TransportConfig(proxy=f"http://127.0.0.1:{proxy.port}"))
        with pytest.raises((APIConnectionError, APITimeoutError, InvalidResponseError)):
            client.send(get("https://api.invalid/"), within(1))
