from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.framing import FramingError, JSONArrayDecoder

from .helpers import cut_at, cut_every, every_cut

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a"\\[]{},: \n\u00fc\U0001f600'), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('k"\\]', max_size=3), inner, max_size=4),
    max_leaves=12,
)


def fed(pieces: list[bytes], limit: int = 1 << 20) -> tuple[list[bytes], bool, bool]:
    """The elements, whether the body was complete, and whether it failed."""
    decoder = JSONArrayDecoder(max_event_bytes=limit)
    elements: list[bytes] = []
    try:
        for piece in pieces:
            elements += decoder.feed(piece)
        decoder.finish()
    except FramingError:
        return elements, False, True
    return elements, decoder.complete, False


@pytest.mark.parametrize(
    ("body", "elements", "complete"),
    [
        (b"", [], False),
        (b" \n", [], False),
        (b"[]", [], True),
        (b" [ \r\n ] \n", [], True),
        (b'[{"a": 1}\n,\n{"b": [2]}]\n', [b'{"a": 1}', b'{"b": [2]}'], True),
        (b'{"error": {"code": 400}}\n', [b'{"error": {"code": 400}}'], True),
        (b'[{"a": "]}\\"{["}, {"b": "\\\\"}]', [b'{"a": "]}\\"{["}', b'{"b": "\\\\"}'], True),
        (b'[{"a\\\\\\"": "\\\\\\\\"}]', [b'{"a\\\\\\"": "\\\\\\\\"}'], True),
        (
            b'[1, true ,null,-2.5e3,"a,]\\"" , [[]],{}]',
            [b"1", b"true", b"null", b"-2.5e3", b'"a,]\\""', b"[[]]", b"{}"],
            True,
        ),
        (b'[{"a": 1},', [b'{"a": 1}'], False),
        (b'[{"a": 1}, {"b', [b'{"a": 1}'], False),
        (b'{"a": 1', [], False),
        (b"[12", [], False),
    ],
)
def test_samples_cut_at_every_position(body: bytes, elements: list[bytes], complete: bool) -> None:
    for pieces in every_cut(body):
        assert fed(pieces) == (elements, complete, False)


@pytest.mark.parametrize(
    ("body", "elements"),
    [
        (b"<html>", []),
        (b'"text"', []),
        (b"1", []),
        (b"data: {}", []),
        (b"[,{}]", []),
        (b"[}", []),
        (b"[{} {}]", [b"{}"]),
        (b"[{},]", [b"{}"]),
        (b"[{},,{}]", [b"{}"]),
        (b"[1]]", [b"1"]),
        (b"[1] x", [b"1"]),
        (b"{}{}", [b"{}"]),
        (b"{}\n,{}", [b"{}"]),
    ],
)
def test_malformed_bodies_fail_after_their_good_elements(body: bytes, elements: list[bytes]) -> None:
    for pieces in every_cut(body):
        assert fed(pieces) == (elements, False, True)


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 2]), st.lists(st.integers(0, 300), max_size=8))
def test_any_array_in_any_pieces(values: list[Any], indent: int | None, cuts: list[int]) -> None:
    body = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    elements, complete, failed = fed(cut_at(body, *(min(cut, len(body)) for cut in cuts)))
    assert [json.loads(element) for element in elements] == values
    assert (complete, failed) == (True, False)


HOSTILE = st.lists(st.sampled_from([bytes([byte]) for byte in b'[]{}",:\\ \n1a\xff']), max_size=30).map(b"".join)


@given(HOSTILE, st.integers(1, 12), st.integers(1, 20))
def test_any_bytes_give_the_same_in_any_pieces(tail: bytes, limit: int, size: int) -> None:
    for body in (tail, b"[" + tail, b"[{" + tail):
        assert fed(cut_every(body, size), limit) == fed([body], limit)


def test_an_element_is_returned_by_the_piece_that_completes_it() -> None:
    decoder = JSONArrayDecoder()
    assert decoder.feed(b'[{"a": {}') == []
    assert decoder.feed(b"}") == [b'{"a": {}}']
    assert decoder.feed(b"\n,\n1") == []
    assert not decoder.complete
    assert decoder.feed(b"]") == [b"1"]
    assert decoder.complete


def test_the_limit_and_that_the_error_stays() -> None:
    decoder = JSONArrayDecoder(max_event_bytes=6)
    assert decoder.feed(b'["1234",') == [b'"1234"']
    with pytest.raises(FramingError, match="6 bytes"):
        decoder.feed(b'"123456')
    for again in (lambda: decoder.feed(b"]"), decoder.finish):
        with pytest.raises(FramingError, match="6 bytes"):
            again()


def test_deep_nesting_needs_no_stack() -> None:
    body = b"[" * 200_000 + b"]" * 200_000
    assert fed([body]) == ([body[1:-1]], True, False)


@pytest.mark.parametrize("filler", [b"x", b"\\\\", b'\\"'])
@pytest.mark.parametrize("size", [1, 1024])
def test_a_large_element_costs_linear_work(size: int, filler: bytes) -> None:
    element = b'"' + filler * (100_000 if size == 1 else 1_000_000) + b'"'
    assert fed(cut_every(b"[" + element + b"]", size), 16 << 20) == ([element], True, False)
