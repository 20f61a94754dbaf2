from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.data.arguments import make_call_id, parse_arguments

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("raw", [None, "", "null", "{}", "  \n", " null ", {}, b"", b"{}", '""', '"{}"', '"null"'])
def test_no_arguments(raw: object) -> None:
    assert parse_arguments(raw) == ({}, None)


@pytest.mark.parametrize(("raw", "text"), [(None, ""), ("", ""), ("null", "null"), ("  ", "  ")])
def test_nothing_at_the_token_limit_is_no_proof_of_a_call_without_arguments(raw: object, text: str) -> None:
    assert parse_arguments(raw, cut=True) == (None, text)


@pytest.mark.parametrize("raw", ["{}", {}, '{"a": 1}'])
def test_a_whole_object_is_whole_even_at_the_limit(raw: object) -> None:
    arguments, text = parse_arguments(raw, cut=True)
    assert arguments is not None
    assert text is None


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": 1',
        "[1]",
        "1",
        "true",
        '"text"',
        "{'a': 1}",
        '{"a": NaN}',
        "{}{}",
        '{"a":1} tail',
        "nul",
        '"[1]"',
    ],
)
def test_what_is_no_object_is_kept_as_text(raw: str) -> None:
    assert parse_arguments(raw) == (None, raw)


def test_other_values_become_text() -> None:
    assert parse_arguments([1, 2]) == (None, "[1,2]")
    assert parse_arguments(5) == (None, "5")
    assert parse_arguments(object()) == (None, "object")


def test_double_encoding_is_undone_once() -> None:
    inner = json.dumps({"a": [1, "x"]})
    assert parse_arguments(json.dumps(inner)) == ({"a": [1, "x"]}, None)
    thrice = json.dumps(json.dumps(inner))
    assert parse_arguments(thrice) == (None, thrice)


def test_big_integers_stay_exact() -> None:
    assert parse_arguments('{"n": 123456789012345678901234567890}') == (
        {"n": 123456789012345678901234567890},
        None,
    )
    text = '{"n": ' + "9" * 10_000 + "}"
    arguments, left = parse_arguments(text)
    assert (arguments is None) == (left is not None)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (r'{"a": "\ud83d\ude00"}', "\U0001f600"),
        (r'{"a": "\ud800"}', "\ufffd"),
        (r'{"a": "\ude00x"}', "\ufffdx"),
        (r'{"a": "\\ud800"}', r"\ud800"),
        ('{"a": "\ud800"}', "\ufffd"),
        (r'{"a": "\ud800\ud83d\ude00"}', "\ufffd\U0001f600"),
    ],
)
def test_lone_surrogates_are_replaced(raw: str, value: str) -> None:
    assert parse_arguments(raw) == ({"a": value}, None)


def test_depth_is_limited() -> None:
    deep = '{"a":' * 201 + "1" + "}" * 201
    assert parse_arguments(deep) == (None, deep)
    assert parse_arguments('{"a":' * 100_000)[0] is None
    flat = json.dumps({"a": [[] for _ in range(500)], "b": "[" * 500})
    assert parse_arguments(flat)[0] == json.loads(flat)


@given(st.dictionaries(st.text(), JSON))
def test_any_object_comes_back(value: dict[str, object]) -> None:
    assert parse_arguments(json.dumps(value)) == (value, None)


@given(st.dictionaries(st.text(), JSON, min_size=1), st.data())
def test_a_cut_object_is_never_taken_as_whole(value: dict[str, object], data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    assert parse_arguments(cut, cut=True) == (None, cut)


@given(st.one_of(st.text(), st.binary(), JSON, st.text(alphabet='{}[]",:\\ud8 0n')))
def test_never_raises(raw: object) -> None:
    arguments, text = parse_arguments(raw)
    assert (arguments is None) != (text is None)
    if text is not None:
        text.encode()


def test_call_ids() -> None:
    made = [make_call_id(seed, index) for seed in ("r1", "r2", "1", "\ud800") for index in (0, 1, 11)]
    assert len(set(made)) == len(made)
    assert make_call_id("r1", 0) == make_call_id("r1", 0)
    assert all(len(one) == 29 and one.startswith("call_") for one in made)
