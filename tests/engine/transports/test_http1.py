"""The reader of replies: any split of the bytes gives the same, and no bytes break it."""

from __future__ import annotations

import gzip
import itertools
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.server import chunked, reply

from polydriver.data.http import Request
from polydriver.engine.transports.address import locate
from polydriver.engine.transports.content import Content
from polydriver.engine.transports.decompress import decoder_for
from polydriver.engine.transports.encode import encode_request
from polydriver.engine.transports.http1 import ResponseReader
from polydriver.errors import APIConnectionError, ConfigurationError, InvalidResponseError, ProviderError

CHUNKED = {"Transfer-Encoding": "chunked"}
REPLIES = {
    "length": reply(b"hello world", headers={"A": "1", "a": "2"}),
    "chunked": reply(headers=CHUNKED, length=False) + chunked(b"hello", b" ", b"world"),
    "trailers": reply(headers=CHUNKED, length=False) + b'b;x="y"\r\nhello world\r\n0\r\nA: b\r\nC: d\r\n\r\n',
    "informational": b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"hello world"),
    "line feeds": b"HTTP/1.1 200\nContent-Length: 11\n\nhello world",
    "folded": b"HTTP/1.1 200 OK\r\nA: 1,\r\n  2\r\nContent-Length: 11\r\n\r\nhello world",
}


def reader() -> ResponseReader:
    return ResponseReader("POST", "host", 65536, 256)


@pytest.mark.parametrize("name", REPLIES)
def test_every_split(name: str) -> None:
    data = REPLIES[name]
    for first in range(len(data) + 1):
        read = reader()
        body = read.feed(data[:first]) + read.feed(data[first:])
        assert (body, read.status, read.finished, read.reusable) == (b"hello world", 200, True, True)
    read = reader()
    assert b"".join(read.feed(data[i : i + 1]) for i in range(len(data))) == b"hello world"
    assert read.reusable


@pytest.mark.parametrize("name", REPLIES)
def test_every_prefix_is_cut_short(name: str) -> None:
    data = REPLIES[name]
    for end in range(len(data)):
        read = reader()
        read.feed(data[:end])
        with pytest.raises(APIConnectionError):
            read.end()


@pytest.mark.parametrize("name", REPLIES)
@given(surplus=st.binary(min_size=1, max_size=5), cut=st.integers(0, 200))
def test_surplus_is_seen(name: str, surplus: bytes, cut: int) -> None:
    data = REPLIES[name] + surplus
    read = reader()
    assert read.feed(data[:cut]) + read.feed(data[cut:]) == b"hello world"
    assert read.surplus
    assert not read.reusable


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=12),
    cuts=st.lists(st.integers(0, 600), max_size=8),
)
def test_chunks_in_any_pieces(chunks: list[bytes], cuts: list[int]) -> None:
    data = reply(headers=CHUNKED, length=False) + chunked(*chunks)
    read = reader()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    body = b"".join(read.feed(data[start:end]) for start, end in itertools.pairwise(edges))
    assert body == b"".join(chunks)
    assert read.reusable


@given(data=st.binary(max_size=300), start=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", *REPLIES.values()]))
def test_no_bytes_break_it(data: bytes, start: bytes) -> None:
    read = reader()
    try:
        read.feed(start)
        read.feed(data)
        read.end()
        if read.status:
            Content(read, b"", 1000).next()
    except ProviderError:
        pass


@pytest.mark.parametrize(
    "line", [b"+5", b"0x5", b"5_0", b" 5", b"-1", b"", b"5 5", b"5\n", b"f" * 17, b"5;" + b"x" * 5000]
)
def test_chunk_sizes_that_are_none(line: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        reader().feed(reply(headers=CHUNKED, length=False) + line + b"\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("length", ["+5", "5_0", "-1", "5.0", "\u0665", "9" * 19, "5,4", ""])
def test_lengths_that_are_none(length: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    with pytest.raises(InvalidResponseError):
        reader().feed(head)


def test_both_framings_end_the_connection() -> None:
    read = reader()
    assert read.feed(reply(headers={**CHUNKED, "Content-Length": "99"}, length=False) + chunked(b"a")) == b"a"
    assert read.finished
    assert not read.reusable


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_replies_without_a_body(method: str, status: int) -> None:
    read = ResponseReader(method, "host", 65536, 256)
    assert read.feed(reply(b"", status, {"Content-Length": "5"}, length=False)) == b""
    assert read.reusable


@given(content=st.binary(max_size=2000), step=st.integers(1, 50))
def test_gzip_in_any_pieces(content: bytes, step: int) -> None:
    packed = gzip.compress(content)
    decoder = decoder_for(200, {"content-encoding": "gzip"}, 10_000)
    parts = []
    for position in range(0, len(packed), step):
        parts.append(decoder.feed(packed[position : position + step]))
        while decoder.pending:
            parts.append(decoder.feed(b""))
    decoder.finish()
    assert b"".join(parts) == content


def test_one_piece_of_decoded_content_is_bounded() -> None:
    decoder = decoder_for(200, {"content-encoding": "gzip"}, 1 << 30)
    assert len(decoder.feed(gzip.compress(bytes(10 << 20)))) == 64 * 1024
    assert decoder.pending


def test_a_request_as_bytes() -> None:
    request = Request(method="POST", url="https://h.example:8443/a%20b/\u00e9?q=[1]#f", headers={"x": "y"}, body=b"{}")
    address = locate(request.url)
    assert encode_request(request, address, address.target, {}) == (
        b"POST /a%20b/%C3%A9?q=[1] HTTP/1.1\r\nhost: h.example:8443\r\naccept: */*\r\naccept-encoding: gzip\r\n"
        b"x: y\r\ncontent-length: 2\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://h/", "h"),
        ("http://h:80/", "h"),
        ("https://h:80/", "h:80"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("http://b\u00fccher.example/", "xn--bcher-kva.example"),
    ],
)
def test_authority(url: str, authority: str) -> None:
    assert locate(url).authority == authority


@given(ends=st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=4, max_size=4), cut=st.integers(0, 60))
def test_line_ends_may_lack_their_cr(ends: list[bytes], cut: int) -> None:
    lines = [b"HTTP/1.1 200 OK", b"a: 1", b"content-length: 6", b""]
    body = b"\n\r\n\r\n\n"
    data = b"".join(line + end for line, end in zip(lines, ends, strict=True)) + body
    made = ResponseReader("GET", "host", 1000, 10)
    assert b"".join(made.feed(piece) for piece in (data[:cut], data[cut:]) if piece) == body
    assert made.headers == {"a": "1", "content-length": "6"}
    assert made.finished


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 O\rK\r\nA: 1",
        b"HTTP/1.1 200 OK\r\r\nA: 1",
        b"HTTP/1.1 200 O\0K\r\nA: 1",
        b"HTTP/1.1 200 OK\r\n folded\r\nA: 1",
        b"HTTP/1.1 200 OK\r\n\tA: 1",
        b"HTTP/1.1 200 OK\n A: 1",
        b"HTTP/1.1 200\r\n OK\r\nA: 1",
        b"HTTP/1.1 200 OK\r\nA: 1\0",
        b"HTTP/1.1 200 OK\r\nA: 1\r2",
        b"HTTP/1.1 200 OK\r\nA : 1",
    ],
)
def test_heads_that_are_none(head: bytes) -> None:
    for step in (1, 1000):
        read = reader()
        data = head + b"\r\nContent-Length: 0\r\n\r\n"
        pieces = (data[at : at + step] for at in range(0, len(data), step))
        with pytest.raises(InvalidResponseError):
            deque(map(read.feed, pieces))


@pytest.mark.parametrize("name", ["transfer-encoding", "Transfer-Encoding"])
def test_how_a_request_is_framed_is_not_the_users_to_say(name: str) -> None:
    address = locate("https://host/path")
    with pytest.raises(ConfigurationError, match="transfer-encoding"):
        encode_request(
            Request(method="POST", url="https://host/path", headers={name: "chunked"}, body=b"x"), address, "/path", {}
        )
    head = encode_request(
        Request(method="GET", url="https://host/path", headers={"content-length": "5"}), address, "/path", {}
    )
    assert b"content-length" not in head


@pytest.mark.parametrize("encoded", [False, True])
def test_content_is_kept_from_any_pieces_up_to_its_bound(encoded: bool) -> None:
    content = b"hello world " * 3
    body = gzip.compress(content) if encoded else content
    encoding = b"content-encoding: gzip\r\n" if encoded else b""
    whole = b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n" % (encoding, len(body)) + body

    def keep(split: int, most: int) -> ResponseReader:
        read = ResponseReader("GET", "host", 1000, 10)
        for piece in (whole[:split], whole[split:]):
            rest = read.take(piece) if piece else b""
            if read.status:
                read.keep(rest, most)
        return read

    for split in range(len(whole) + 1):
        read = keep(split, len(content))
        assert (b"".join(read.pieces), read.finished) == (content, True)
        with pytest.raises(InvalidResponseError, match="larger than the limit"):
            keep(split, len(content) - 1)
