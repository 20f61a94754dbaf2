from __future__ import annotations

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.cli.terminal import escape_json, neutralise

from .helpers import run

ANYTHING = st.text(st.characters(exclude_categories=()))
NASTY = st.text(st.sampled_from("\x1b\x9b\x07\r\n\t\x00\x7f\x85\u202e\u2066[]0;mAb\ud800"))
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def is_dangerous(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or unicodedata.bidirectional(character) in BIDI


@given(ANYTHING | NASTY)
def test_nothing_dangerous_is_left(text: str) -> None:
    assert not any(map(is_dangerous, neutralise(text)))


@given(ANYTHING | NASTY)
def test_what_is_harmless_stays(text: str) -> None:
    harmless = "".join(character for character in text if not is_dangerous(character))
    assert neutralise(harmless) == harmless


@given(NASTY, st.data())
def test_it_makes_no_difference_how_the_text_is_cut(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    assert neutralise(text[:cut]) + neutralise(text[cut:]) == neutralise(text)


@given(ANYTHING | NASTY)
def test_twice_is_once(text: str) -> None:
    assert neutralise(neutralise(text)) == neutralise(text)


def test_escapes_are_shown() -> None:
    assert neutralise("\x1b]0;owned\x07\x1b[2J") == "␛]0;owned␇␛[2J"
    assert neutralise("a\x9b31m\u202eb\r\n\tc") == "a<U+009B>31m<U+202E>b␍\n\tc"


@given(st.text(st.characters(exclude_categories=("Cs",))) | st.text(st.sampled_from('\x1b\x9b\x7f\n\t"\\\u202ea')))
def test_json_keeps_everything_and_shows_no_control_character(text: str) -> None:
    document = escape_json(msgspec.json.encode({"content": text}).decode())
    assert json.loads(document) == {"content": text}
    assert not any(map(is_dangerous, document))


@pytest.mark.parametrize(
    "arguments",
    [
        ["\u202eevil"],
        ["--\u202eevil"],
        ["ask", "--\u202eevil"],
        ["ask", "--schema", "\u202eevil\x9b", "x"],
        ["chat", "-o", "\u202e"],
    ],
)
def test_usage_errors_are_neutralised(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "\u202e" not in result.output
    assert "\x9b" not in result.output
    assert "<U+202E>" in result.output or "\\u202e" in result.output
