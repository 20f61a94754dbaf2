from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.framing import EventStreamDecoder, EventStreamMessage, FramingError, HeaderValue

from .helpers import cut_at, cut_every, cut_randomly, decode, every_cut, recorded_bodies


def frame(headers: bytes, payload: bytes = b"", *, headers_length: int | None = None) -> bytes:
    """A message with right checksums around these header bytes."""
    announced = len(headers) if headers_length is None else headers_length
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), announced)
    prelude += struct.pack("!I", crc32(prelude))
    whole = prelude + headers + payload
    return whole + struct.pack("!I", crc32(whole))


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def sized(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value


EVERY_TYPE = b"".join(
    [
        header("yes", 0, b""),
        header("no", 1, b""),
        header("byte", 2, b"\xff"),
        header("short", 3, b"\x80\x00"),
        header("int", 4, b"\x00\x00\x01\x00"),
        header("long", 5, b"\xff" * 8),
        header("bytes", 6, sized(b"\x00\xff")),
        header("text", 7, sized("\u00fc".encode())),
        header("time", 8, struct.pack("!q", 1_700_000_000_000)),
        header("uuid", 9, bytes(range(16))),
        header("", 7, sized(b"")),
    ]
)
EVERY_VALUE: dict[str, HeaderValue] = {
    "yes": True,
    "no": False,
    "byte": -1,
    "short": -32768,
    "int": 256,
    "long": -1,
    "bytes": b"\x00\xff",
    "text": "\u00fc",
    "time": 1_700_000_000_000,
    "uuid": bytes(range(16)),
    "": "",
}

HEADERS = st.dictionaries(
    st.text(max_size=10),
    st.one_of(
        st.booleans().map(lambda value: (int(not value), b"")),
        st.binary(min_size=1, max_size=1).map(lambda value: (2, value)),
        st.binary(min_size=2, max_size=2).map(lambda value: (3, value)),
        st.binary(min_size=4, max_size=4).map(lambda value: (4, value)),
        st.binary(min_size=8, max_size=8).map(lambda value: (5, value)),
        st.binary(max_size=20).map(lambda value: (6, sized(value))),
        st.text(max_size=20).map(lambda value: (7, sized(value.encode()))),
        st.binary(min_size=8, max_size=8).map(lambda value: (8, value)),
        st.binary(min_size=16, max_size=16).map(lambda value: (9, value)),
    ),
    max_size=5,
).map(lambda headers: b"".join(header(name, *value) for name, value in headers.items()))
FRAMES = st.builds(frame, HEADERS, st.binary(max_size=50))


def botocore_messages(body: bytes) -> list[EventStreamMessage]:
    """What botocore, AWS's own client library, makes of the same bytes."""
    eventstream: Any = pytest.importorskip("botocore.eventstream")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(body)
    return [EventStreamMessage(message.headers, message.payload) for message in buffer]


def test_every_header_type_cut_at_every_position() -> None:
    body = frame(EVERY_TYPE, b'{"a":1}') + frame(b"") + frame(header("x", 0, b""), b"\x00")
    messages = [
        EventStreamMessage(EVERY_VALUE, b'{"a":1}'),
        EventStreamMessage({}, b""),
        EventStreamMessage({"x": True}, b"\x00"),
    ]
    for pieces in every_cut(body):
        assert decode(EventStreamDecoder(), pieces) == messages


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(0, 300), max_size=6))
def test_any_messages_in_any_pieces_read_as_botocore_reads_them(frames: list[bytes], cuts: list[int]) -> None:
    body = b"".join(frames)
    messages = decode(EventStreamDecoder(), cut_at(body, *(min(cut, len(body)) for cut in cuts)))
    assert len(messages) == len(frames)
    assert messages == botocore_messages(body)


def test_recorded_bodies_read_as_botocore_reads_them(wire_dir: Path) -> None:
    bodies = recorded_bodies(wire_dir, "application/vnd.amazon.eventstream")
    assert bodies
    for seed, (name, body) in enumerate(bodies):
        messages = decode(EventStreamDecoder(), [body])
        assert messages, name
        assert messages == botocore_messages(body), name
        assert decode(EventStreamDecoder(), cut_randomly(body, seed)) == messages, name


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1 200 OK\r\n",
        bytes(12),
        frame(b"", headers_length=1),
        frame(b"", headers_length=0xFFFFFFFF),
        frame(b"\x05ab"),
        frame(b"\x01a"),
        frame(header("a", 7, b"\x00")),
        frame(header("a", 7, b"\x00\x05ab"), b"cde"),
        frame(header("a", 9, b"short")),
        frame(header("a", 5, b"1234")),
        frame(header("a", 10, b"")),
        frame(header("a", 7, sized(b"\xff"))),
        frame(b"\x01\xff\x00"),
        frame(header("a", 0, b"") + header("a", 1, b"")),
        struct.pack("!III", 3, 0, crc32(struct.pack("!II", 3, 0))),
    ],
)
def test_malformed_messages_fail_after_the_good_ones(body: bytes) -> None:
    with pytest.raises(FramingError):
        EventStreamDecoder().feed(body)
    decoder = EventStreamDecoder()
    assert decoder.feed(frame(b"", b"good") + body) == [EventStreamMessage({}, b"good")]
    for again in (lambda: decoder.feed(b""), decoder.finish):
        with pytest.raises(FramingError):
            again()


def test_every_flipped_bit_is_noticed() -> None:
    body = frame(header(":event-type", 7, sized(b"x")), b"payload")
    for position in range(len(body)):
        for bit in range(8):
            damaged = bytearray(body)
            damaged[position] ^= 1 << bit
            with pytest.raises(FramingError):
                EventStreamDecoder().feed(bytes(damaged))


@given(st.binary(max_size=60), st.integers(1, 20))
def test_any_bytes_raise_nothing_else(noise: bytes, size: int) -> None:
    for body in (noise, frame(noise), frame(noise[:20], noise), frame(b"", noise)[:-1]):
        with contextlib.suppress(FramingError):
            decode(EventStreamDecoder(), cut_every(body, size))


def test_a_message_that_is_not_whole_is_not_returned() -> None:
    body = frame(b"", b"1") + frame(b"", b"2")
    for end in range(len(body)):
        assert len(decode(EventStreamDecoder(), [body[:end]])) == (end >= len(body) // 2)


def test_the_limit_counts_before_the_message_is_there() -> None:
    body = frame(b"", b"x" * 84)
    assert len(decode(EventStreamDecoder(max_event_bytes=100), [body])) == 1
    with pytest.raises(FramingError, match="99 bytes"):
        EventStreamDecoder(max_event_bytes=99).feed(body[:12])


@pytest.mark.parametrize("size", [1, 1024])
def test_a_large_message_costs_linear_work(size: int) -> None:
    payload = b"x" * (300_000 if size == 1 else 10_000_000)
    assert decode(EventStreamDecoder(), cut_every(frame(b"", payload), size)) == [EventStreamMessage({}, payload)]
