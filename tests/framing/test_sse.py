from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.framing import FramingError, SSEDecoder, SSEEvent
from polydriver.framing.sse import UNFRAMED_BYTES

from .helpers import cut_at, cut_every, cut_randomly, decode, every_cut, recorded_bodies

SAMPLES: list[tuple[bytes, list[SSEEvent]]] = [
    (b"", []),
    (b"data: a\n\n", [(b"", b"a")]),
    (b"data: a\n\ndata: b\n\n", [(b"", b"a"), (b"", b"b")]),
    (b"event: x\ndata: a\n\nevent: y\ndata: b\n\n", [(b"x", b"a"), (b"y", b"b")]),
    (b"event: x\ndata: a\n\ndata: b\n\n", [(b"x", b"a"), (b"", b"b")]),
    (b"data: a\n\nevent: x\ndata: b\n\n", [(b"", b"a"), (b"x", b"b")]),
    (b"event: a\ndata: x\ndata: y\n\nevent: b\n\n", [(b"a", b"x\ny")]),
    (b"data: a\nevent: x\n\n", [(b"x", b"a")]),
    (b"event: x\nevent: y\ndata: a\n\n", [(b"y", b"a")]),
    (b"data: a\r\n\r\ndata: b\r\n\r\n", [(b"", b"a"), (b"", b"b")]),
    (b"data: a\r\rdata: b\r\r", [(b"", b"a"), (b"", b"b")]),
    (b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", [(b"", b"a"), (b"", b"b"), (b"", b"c")]),
    (b"data: a\rdata: b\ndata: c\r\ndata: d\r\n\r\n", [(b"", b"a\nb\nc\nd")]),
    (b"\xef\xbb\xbfdata: a\n\ndata: b\n\n", [(b"", b"a"), (b"", b"b")]),
    (b"\xef\xbb\xbf\r\ndata: a\r\n\r\n", [(b"", b"a")]),
    (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [(b"", b"a")]),
    (b"\n\n\xef\xbb\xbfdata: b\n\n", []),
    (b": keep-alive\n\n: PROCESSING\n\ndata: a\n\n", [(b"", b"a")]),
    (b": note\ndata: a\n:\n\n", [(b"", b"a")]),
    (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [(b"", b"a"), (b"", b"b")]),
    (b"data:a\n\ndata:  b\n\n", [(b"", b"a"), (b"", b" b")]),
    (b"data\n\ndata\ndata\n\ndata:\n\n", [(b"", b""), (b"", b"\n"), (b"", b"")]),
    (b"event: ping\n\ndata: a\n\n", [(b"", b"a")]),
    (b"Data: a\n\n data: b\n\nfoo: c\n\ndatax\n\n", []),
    (b"data: a: b\n\ndata: :\n\n", [(b"", b"a: b"), (b"", b":")]),
    ("data: \u00fc\u4f60\U0001f600\u2028\n\n".encode(), [(b"", "\u00fc\u4f60\U0001f600\u2028".encode())]),
    (b"data: \xff\xfe\x00\n\n", [(b"", b"\xff\xfe\x00")]),
    (b"data: a\n\ndata: b", [(b"", b"a"), (b"", b"b")]),
    (b"data: a\n\ndata: b\n", [(b"", b"a"), (b"", b"b")]),
    (b"data: a\n\ndata: b\r", [(b"", b"a"), (b"", b"b")]),
    (b"data: a\n\nevent: x\n", [(b"", b"a")]),
    (b"\xef\xbb\xbfdata: a", [(b"", b"a")]),
]


def reference(body: bytes) -> list[SSEEvent]:
    """The standard's rules read literally, line by line; the last event may lack its blank line."""
    lines = re.split(rb"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf"))
    events: list[SSEEvent] = []
    name, data, has_data = b"", b"", False
    for line in [*lines, b""]:
        if not line:
            if has_data:
                events.append((name, data[:-1]))
            name, data, has_data = b"", b"", False
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data, has_data = data + value + b"\n", True
        elif field == b"event":
            name = value
    return events


@pytest.mark.parametrize(("body", "events"), SAMPLES)
def test_samples_cut_at_every_position(body: bytes, events: list[SSEEvent]) -> None:
    assert reference(body) == events
    for pieces in every_cut(body):
        assert decode(SSEDecoder(), pieces) == events


def test_samples_after_one_another_cut_in_three() -> None:
    body = b"data: 1\r\n\r\nevent: e\ndata: 2\n\n: c\n\ndata: 3\r\r\ndata: 4\n\n"
    events = reference(body)
    assert len(events) == 4
    for first in range(len(body) + 1):
        for second in range(first, len(body) + 1):
            assert decode(SSEDecoder(), cut_at(body, first, second)) == events


FRAGMENTS = st.sampled_from(
    [
        *(b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b":", b" ", b": ", b"\0", b"{}"),
        *(b"data: ", b"data:", b"data", b"event: ", b"event:", b"id: 7\n", b"retry: 9\n"),
        *(b"\ndata: x\n\n", b"data: y\n\n", b"event: e\ndata: z\n\n", b"data: [DONE]\n\n"),
        *(b"\xef\xbb\xbf", b"\xf0\x9f", b"\x98\x80"),
    ]
)
BODIES = st.lists(st.one_of(FRAGMENTS, FRAGMENTS, st.binary(max_size=3)), max_size=25).map(b"".join)


@given(BODIES, st.lists(st.integers(0, 120), max_size=8))
def test_any_body_in_any_pieces_reads_as_the_standard_says(body: bytes, cuts: list[int]) -> None:
    events = reference(body)
    assert decode(SSEDecoder(), cut_at(body, *(min(cut, len(body)) for cut in cuts))) == events
    assert decode(SSEDecoder(), cut_every(body, 1)) == events


@given(BODIES, st.integers(0, 20), st.integers(1, 30))
def test_the_limit_does_not_depend_on_the_pieces(body: bytes, limit: int, size: int) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[SSEEvent], bool]:
        decoder = SSEDecoder(max_event_bytes=limit)
        events: list[SSEEvent] = []
        try:
            for piece in pieces:
                events += decoder.feed(piece)
            return events + decoder.finish(), False
        except FramingError:
            return events, True

    assert outcome(cut_every(body, size)) == outcome([body])


def test_an_event_is_returned_by_the_piece_that_completes_it() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\ndata: b\n\nda") == [(b"", b"a"), (b"", b"b")]
    assert decoder.feed(b"ta: c\r") == []
    assert decoder.feed(b"\r") == [(b"", b"c")]
    assert decoder.feed(b"\n") == []
    assert decoder.finish() == []


def test_id_and_retry() -> None:
    decoder = SSEDecoder()
    assert (decoder.last_event_id, decoder.retry) == (b"", None)
    decoder.feed(b"id: 1\nretry: 250\ndata: a\n\n")
    assert (decoder.last_event_id, decoder.retry) == (b"1", 250)
    decoder.feed(b"id: 2\0\nretry: 1s\ndata: b\n\nretry: \n\nretry: " + b"9" * 5000 + b"\n\n")
    assert (decoder.last_event_id, decoder.retry) == (b"1", 250)
    decoder.feed(b"id\n\n")
    assert decoder.last_event_id == b""


@pytest.mark.parametrize("body", [b'\n\n\n{"error": {"message": "no"}}', b"<html>\r\n\r\n</html>\r\n", b"", b"\0\xff"])
def test_a_body_that_is_no_stream_is_kept_to_be_examined(body: bytes) -> None:
    for pieces in every_cut(body):
        decoder = SSEDecoder()
        assert decode(decoder, pieces) == []
        assert decoder.unframed == body


def test_the_unframed_start_is_bounded_and_goes_with_the_first_event() -> None:
    decoder = SSEDecoder()
    for _ in range(100):
        decoder.feed(b": nothing yet\n\n" * 100)
    assert len(decoder.unframed) == UNFRAMED_BYTES
    decoder.feed(b"data: a\n\n")
    assert decoder.unframed == b""
    decoder.feed(b": later\n\n")
    assert decoder.unframed == b""

    decoder = SSEDecoder()
    decoder.feed(b"data: a")
    assert decoder.unframed == b"data: a"
    assert decoder.finish() == [(b"", b"a")]
    assert decoder.unframed == b""


def test_an_event_at_the_limit_passes_and_one_above_is_an_error_that_stays() -> None:
    fitting = b"data: " + b"x" * 94 + b"\n\n"
    for pieces in every_cut(fitting):
        assert decode(SSEDecoder(max_event_bytes=100), pieces) == [(b"", b"x" * 94)]
    decoder = SSEDecoder(max_event_bytes=100)
    with pytest.raises(FramingError, match="100 bytes"):
        decoder.feed(b"data: " + b"x" * 95 + b"\n\n")
    for again in (lambda: decoder.feed(b"data: a\n\n"), decoder.finish):
        with pytest.raises(FramingError, match="100 bytes"):
            again()


def test_events_before_the_oversized_one_are_delivered() -> None:
    decoder = SSEDecoder(max_event_bytes=10)
    assert decoder.feed(b"data: a\n\n") == [(b"", b"a")]
    assert decoder.feed(b"data: b\n\ndata: too long\n\ndata: c\n\n") == [(b"", b"b")]
    with pytest.raises(FramingError):
        decoder.feed(b"")


def test_an_endless_event_is_not_buffered_beyond_the_limit() -> None:
    decoder = SSEDecoder(max_event_bytes=1000)
    for _ in range(10):
        assert decoder.feed(b"x" * 100) == []
    with pytest.raises(FramingError):
        decoder.feed(b"x")


@pytest.mark.parametrize("size", [1, 1024, 65_536])
def test_a_large_event_costs_linear_work(size: int) -> None:
    length = 300_000 if size == 1 else 10_000_000
    body = b"data: " + b"x" * length + b"\n\ndata: end\n\n"
    assert decode(SSEDecoder(), cut_every(body, size)) == [(b"", b"x" * length), (b"", b"end")]


def test_recorded_streams_read_the_same_whole_and_in_pieces(wire_dir: Path) -> None:
    bodies = recorded_bodies(wire_dir, "text/event-stream")
    assert bodies
    for seed, (name, body) in enumerate(bodies):
        events = reference(body)
        assert events, name
        assert decode(SSEDecoder(), [body]) == events, name
        assert decode(SSEDecoder(), cut_randomly(body, seed)) == events, name
        assert decode(SSEDecoder(), cut_every(body, 7)) == events, name
