"""Markdown styled as it streams: the same however it is cut, nothing lost, nothing held for long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.cli.markdown import MarkdownStyler

BOLD, EMPHASIS, CODE, DIM = {"bold": True}, {"italic": True}, {"fg": "cyan"}, {"dim": True}
HEAD = {"bold": True, "underline": True}


def styled(text: str, size: int = 10**9) -> list[tuple[str, dict[str, Any]]]:
    styler = MarkdownStyler()
    pieces = [piece for start in range(0, len(text), size) for piece in styler.feed(text[start : start + size])]
    merged: list[tuple[str, dict[str, Any]]] = []
    for piece in [*pieces, *styler.end()]:
        if merged and merged[-1][1] == piece.style:
            merged[-1] = (merged[-1][0] + piece.text, piece.style)
        else:
            merged.append((piece.text, piece.style))
    return merged


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi", [("Hi", {})]),
        ("a **b** c", [("a ", {}), ("b", BOLD), (" c", {})]),
        ("*a* `b`", [("a", EMPHASIS), (" ", {}), ("b", CODE)]),
        ("**a `b` c**", [("a ", BOLD), ("b", {**BOLD, **CODE}), (" c", BOLD)]),
        ("## A b\nc", [("A b", HEAD), ("\nc", {})]),
        ("- a\n  * b\n1. c", [("• a\n  • b\n1. c", {})]),
        ("> a\nb", [("│ a", DIM), ("\nb", {})]),
        ("a\n---\nb", [("a\n", {}), ("─" * 24, DIM), ("\nb", {})]),
        ("```py\n# *x*\n```\na", [("```py\n", DIM), ("# *x*\n", CODE), ("```\n", DIM), ("a", {})]),
        ("~~~\n```\n~~~", [("~~~\n", DIM), ("```\n", CODE), ("~~~", DIM)]),
        ("``a`b``", [("a`b", CODE)]),
        ("2 * 3 * 4", [("2 * 3 * 4", {})]),
        ("2*3*4", [("2*3*4", {})]),
        ("f(*args, **kwargs)", [("f(*args, **kwargs)", {})]),
        ("**open\nnext**", [("**open\nnext**", {})]),
        ("snake_case_name __init__", [("snake_case_name __init__", {})]),
        ("#tag and -1", [("#tag and -1", {})]),
        ("\\*no\\*", [("\\*no\\*", {})]),
        ("| a | b |\n|---|---|", [("| a | b |\n|---|---|", {})]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 10**9])
def test_what_becomes_of_it(text: str, expected: list[tuple[str, dict[str, Any]]], size: int) -> None:
    assert styled(text, size) == expected


@given(st.text(alphabet="ab #*`-_>~\\\n1.", max_size=60), st.integers(1, 7))
def test_cuts_change_nothing(text: str, size: int) -> None:
    assert styled(text, size) == styled(text)


@given(st.text(alphabet="ab12 \n.,()", max_size=60))
def test_plain_text_stays(text: str) -> None:
    assert "".join(piece for piece, _ in styled(text)) == text


@given(st.text(alphabet="ab #*`-_>~\\\n1.", max_size=60))
def test_no_letter_is_lost(text: str) -> None:
    shown = "".join(piece for piece, _ in styled(text))
    for kept in "ab12":
        assert shown.count(kept) == text.count(kept)


def test_text_is_shown_at_once() -> None:
    styler = MarkdownStyler()
    assert [piece.text for piece in styler.feed("Hel")] == ["Hel"]
    assert [piece.text for piece in styler.feed("lo **wor")] == ["lo "]
    assert [piece.text for piece in styler.feed("ld** and")] == ["world", " and"]


@pytest.mark.parametrize("piece", ["*a ", "`", "`a", "- ", "**a** ", "> ", "```\n", "a*", "#", "\\"])
def test_much_of_it_is_no_trouble(piece: str) -> None:
    shown = styled(piece * 20_000)
    assert sum(len(text) for text, _ in shown) >= piece.count("a") * 20_000
