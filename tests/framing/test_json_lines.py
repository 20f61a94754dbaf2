from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.framing import FramingError, JSONLinesDecoder

from .helpers import cut_at, cut_every, cut_randomly, decode, every_cut, recorded_bodies

BODIES = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b" ", b"{}", b'"a"', b"\xff"]), max_size=30).map(b"".join)


def reference(body: bytes) -> list[bytes]:
    return [line.strip() for line in body.split(b"\n") if line.strip()]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"\n\r\n  \n", []),
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n\r\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        ('"\u4f60\u2028"\n'.encode(), ['"\u4f60\u2028"'.encode()]),
    ],
)
def test_samples_cut_at_every_position(body: bytes, lines: list[bytes]) -> None:
    for pieces in every_cut(body):
        assert decode(JSONLinesDecoder(), pieces) == lines


@given(BODIES, st.lists(st.integers(0, 60), max_size=6))
def test_any_body_in_any_pieces(body: bytes, cuts: list[int]) -> None:
    assert decode(JSONLinesDecoder(), cut_at(body, *(min(cut, len(body)) for cut in cuts))) == reference(body)


@given(BODIES, st.integers(0, 8), st.integers(1, 20))
def test_the_limit_does_not_depend_on_the_pieces(body: bytes, limit: int, size: int) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        decoder = JSONLinesDecoder(max_event_bytes=limit)
        lines: list[bytes] = []
        try:
            for piece in pieces:
                lines += decoder.feed(piece)
            return lines + decoder.finish(), False
        except FramingError:
            return lines, True

    assert outcome(cut_every(body, size)) == outcome([body])


def test_lines_before_the_oversized_one_are_delivered_and_the_error_stays() -> None:
    decoder = JSONLinesDecoder(max_event_bytes=4)
    assert decoder.feed(b"1234\n12345\n1\n") == [b"1234"]
    for again in (lambda: decoder.feed(b"1\n"), decoder.finish):
        with pytest.raises(FramingError, match="4 bytes"):
            again()


@pytest.mark.parametrize("size", [1, 1024])
def test_a_large_line_costs_linear_work(size: int) -> None:
    line = b"x" * (300_000 if size == 1 else 10_000_000)
    assert decode(JSONLinesDecoder(), cut_every(line + b"\n1", size)) == [line, b"1"]


def test_recorded_bodies_read_the_same_whole_and_in_pieces(wire_dir: Path) -> None:
    bodies = recorded_bodies(wire_dir, "application/x-ndjson") + recorded_bodies(wire_dir, "application/stream+json")
    assert bodies
    for seed, (name, body) in enumerate(bodies):
        lines = reference(body)
        assert lines, name
        assert decode(JSONLinesDecoder(), [body]) == lines, name
        assert decode(JSONLinesDecoder(), cut_randomly(body, seed)) == lines, name
