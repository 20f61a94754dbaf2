"""What goes over the wire, and what comes back from a server in good order and from a hostile one."""

from __future__ import annotations

import functools
import gzip
import tracemalloc
import zlib

import pytest
from tests.faults.server import AGAIN, CLOSE, HANG, READ, RESET, Server, chunked, drip, reply

from polydriver.errors import AIError, APIConnectionError, ConfigurationError, InvalidResponseError

from .clients import Client, get, post, read_all, stream, within

CHUNKED = {"transfer-encoding": "chunked"}


def test_request_and_reply(client: Client) -> None:
    with Server([READ, reply(b"hello", headers={"X-Request-ID": "r1", "Set-Cookie": "a=b"}), AGAIN]) as server:
        answer = client.send(post(f"{server.url}/v1/chat?a=b", b"body", authorization="Bearer k"), within())
        client.send(get(server.url), within())
    first, second = server.requests
    assert (answer.status, answer.body, answer.request_id) == (200, b"hello", "r1")
    assert (first.method, first.target, first.body) == ("POST", "/v1/chat?a=b", b"body")
    assert first.headers["authorization"] == "Bearer k"
    assert first.headers["host"] == f"127.0.0.1:{server.port}"
    assert first.headers["accept-encoding"] == "gzip"
    assert (second.method, second.target) == ("GET", "/")
    assert "cookie" not in second.headers
    assert "authorization" not in second.headers
    assert server.connections == 1


def test_stream_asks_for_no_encoding(client: Client) -> None:
    with Server([READ, reply(headers=CHUNKED, length=False), chunked(b"one", b"two"), AGAIN]) as server:
        body = client.open(stream(server.url), within())
        assert body.status == 200
        assert read_all(body) == b"onetwo"
        assert body.read() == b""
        body.close()
        body.close()
        assert read_all(client.open(stream(server.url), within())) == b"onetwo"
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert server.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_replies(client: Client, status: int) -> None:
    with Server([READ, reply(b"", status, {"Location": "http://127.0.0.1:9/"}), CLOSE]) as server:
        answer = client.send(post(server.url), within())
    assert (answer.status, answer.headers["location"]) == (status, "http://127.0.0.1:9/")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "bytes_sent",
    [
        reply(headers=CHUNKED, length=False) + chunked(b"he", b"llo"),
        reply(headers=CHUNKED, length=False) + b"2;x=y\r\nhe\r\n03\r\nllo\r\n0\r\nTrailer: t\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + reply(b"hello"),
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        reply(b"hello", length=False),
        reply(b"hello", headers={"Content-Length": "5"}),
        reply(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"}),
        reply(gzip.compress(b"he") + gzip.compress(b"llo"), headers={"Content-Encoding": "x-gzip"}),
        reply(zlib.compress(b"hello"), headers={"Content-Encoding": "deflate"}),
        reply(zlib.compress(b"hello", wbits=-15), headers={"Content-Encoding": "deflate"}),
    ],
    ids=["chunked", "trailers", "informational", "http10", "until-close", "lengths", "gzip", "members", "zlib", "raw"],
)
def test_ways_to_frame_a_reply(client: Client, bytes_sent: bytes) -> None:
    with Server([READ, bytes_sent, CLOSE], [READ, *drip(bytes_sent, 0.0), CLOSE]) as server:
        assert client.send(get(server.url), within()).body == b"hello"
        client.close_idle()
        assert read_all(client.open(stream(server.url), within())) == b"hello"


BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "short length": reply(b"hell", headers={"Content-Length": "5"}, length=False),
    "no chunk": reply(headers=CHUNKED, length=False),
    "half a chunk": reply(headers=CHUNKED, length=False) + b"5\r\nhe",
    "no last chunk": reply(headers=CHUNKED, length=False) + chunked(b"hello", end=False),
    "no trailer end": reply(headers=CHUNKED, length=False) + chunked(b"hello", end=False) + b"0\r\n",
}
UNREADABLE = {
    "garbage": b"\x00\xff\x00 not http at all\r\n\r\n",
    "status word": b"HTTP/1.1 abc OK\r\n\r\n",
    "bad chunk size": reply(headers=CHUNKED, length=False) + b"xyz\r\nhello\r\n",
    "no line break after chunk": reply(headers=CHUNKED, length=False) + b"5\r\nhelloXX0\r\n\r\n",
    "bad length": reply(b"hello", headers={"Content-Length": "five"}, length=False),
    "two lengths": reply(b"hello", headers={"Content-Length": "5, 6"}, length=False),
    "header without colon": b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
    "giant header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"Y: 1\r\n" * 2000 + b"\r\n",
    "corrupt gzip": reply(gzip.compress(b"hello")[:8] + b"\xff" * 12, headers={"Content-Encoding": "gzip"}),
    "not gzip": reply(b"hello", headers={"Content-Encoding": "gzip"}),
    "unknown encoding": reply(b"hello", headers={"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_reply_is_never_a_clean_end(client: Client, case: str) -> None:
    with Server([READ, BROKEN[case], CLOSE]) as server:
        with pytest.raises(APIConnectionError):
            client.send(get(server.url), within())
        with pytest.raises(APIConnectionError):
            read_all(client.open(stream(server.url), within()))


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_unreadable_reply(client: Client, case: str) -> None:
    with Server([READ, UNREADABLE[case], HANG]) as server:
        with pytest.raises(InvalidResponseError):
            client.send(get(server.url), within())
        with pytest.raises(InvalidResponseError):
            read_all(client.open(stream(server.url), within()))
        client.settle()
        assert server.wait_hung_up(2)


def test_truncated_compression(client: Client) -> None:
    short = reply(gzip.compress(b"hello")[:-6], headers={"Content-Encoding": "gzip"})
    with Server([READ, short, AGAIN]) as server:
        with pytest.raises(InvalidResponseError):
            client.send(get(server.url), within())
        with pytest.raises(InvalidResponseError):
            read_all(client.open(stream(server.url), within()))


def test_endless_headers(client: Client) -> None:
    flood = [b"X-Flood: 1\r\n" * 500] * 100
    with Server([READ, b"HTTP/1.1 200 OK\r\n", *flood, HANG]) as server, pytest.raises(InvalidResponseError):
        client.send(get(server.url), within())


def test_a_reset_is_a_connection_error(client: Client) -> None:
    with Server([READ, RESET], [READ, reply(headers=CHUNKED, length=False), chunked(b"a", end=False), RESET]) as server:
        with pytest.raises(APIConnectionError):
            client.send(get(server.url), within())
        with pytest.raises(APIConnectionError):
            read_all(client.open(stream(server.url), within()))


def test_no_server(client: Client) -> None:
    with Server([CLOSE]) as server:
        url = server.url
    with pytest.raises(APIConnectionError) as caught:
        client.send(post(url, authorization="Bearer sk-secret"), within())
    assert caught.value.details["phase"] == "connect"
    with pytest.raises(APIConnectionError):
        client.send(get("http://nowhere.invalid/"), within())


def test_content_that_is_too_large(client: Client) -> None:
    with Server([READ, reply(b"a" * 2000), AGAIN]) as server:
        assert len(client.send(get(server.url), within(max_bytes=2000)).body) == 2000
        with pytest.raises(InvalidResponseError):
            client.send(get(server.url), within(max_bytes=1999))


@functools.cache
def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()


def test_gzip_bomb(client: Client) -> None:
    assert len(bomb()) < 310_000
    with Server([READ, reply(bomb(), headers={"Content-Encoding": "gzip"}), HANG]) as server:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidResponseError):
                client.send(get(server.url), within(30))
            assert tracemalloc.get_traced_memory()[1] < 150 << 20
        finally:
            tracemalloc.stop()


def test_an_error_in_an_unknown_encoding_keeps_its_status(client: Client) -> None:
    with Server([READ, reply(b"\x0b\x02", 401, {"Content-Encoding": "br"}), CLOSE]) as server:
        assert client.send(get(server.url), within()).status == 401


def test_a_large_request_and_reply(client: Client) -> None:
    with Server([READ, reply(b"r" * 3_000_000), AGAIN]) as server:
        assert len(client.send(post(server.url, b"q" * 3_000_000), within()).body) == 3_000_000
    assert len(server.requests[0].body) == 3_000_000


def test_an_answer_before_the_request_is_read(client: Client) -> None:
    with Server([reply(b"too large", 413, {"Connection": "close"}), HANG]) as server:
        answer = client.send(post(server.url, b"q" * 10_000), within())
    assert (answer.status, answer.body) == (413, b"too large")


@pytest.mark.parametrize("value", ["sk-secret\n", "sk-secret\r\nX-Evil: 1", "sk-se\0cret", "sk-secret\u2019"])
def test_a_header_that_cannot_be_sent(client: Client, value: str) -> None:
    with Server([HANG]) as server, pytest.raises(ConfigurationError) as caught:
        client.send(post(server.url, authorization=value), within())
    assert "authorization" in str(caught.value)
    assert "sk-se" not in f"{caught.value!s} {caught.value!r} {caught.value.__context__!r}"
    assert server.connections == 0


@pytest.mark.parametrize("url", ["ftp://h/", "http://", "/v1", "http://h/a b", "http://u:sk-pass@h/", "http://h:x/"])
def test_a_url_that_cannot_be_used(client: Client, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client.send(get(url), within())
    assert "sk-pass" not in str(caught.value)


def test_no_secret_in_any_failure(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    echo = reply(b"", headers={"X-Echo": "sk-secret", "Content-Length": "sk-secret"}, length=False)
    url = "/v1?key=sk-secret"
    with Server([READ, b"sk-secret\r\n\r\n", CLOSE], [READ, echo, CLOSE], [READ, CLOSE]) as server:
        for _ in range(3):
            with pytest.raises(AIError) as caught:
                client.send(post(server.url + url, authorization="Bearer sk-secret"), within())
            error: BaseException | None = caught.value
            while error is not None:
                assert "sk-secret" not in f"{error!s} {error!r} {vars(error)!r}"
                error = error.__cause__
    assert "sk-secret" not in caplog.text
