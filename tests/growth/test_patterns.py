"""No pattern takes more than linear work on any text: all are tried on texts that are made to be hard."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from polydriver.config import Redactor
from polydriver.schema.foreign import matches

from .matcher import Matcher, TooManySteps
from .patterns import all_patterns


@pytest.fixture(autouse=True)
def deep_calls() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    yield
    sys.setrecursionlimit(before)


def growth_of(pattern: str | bytes, flags: int = 0, *, anchored: bool = False) -> float:
    """By how much more each doubling adds than the one before, for the hardest text: 4 is quadratic."""
    matcher = Matcher(pattern, flags)
    worst = 0.0
    for make in matcher.long_texts():
        try:
            short, middle, long = (matcher.search(make(n), anchored=anchored) for n in (40, 80, 160))
        except TooManySteps:
            return float("inf")
        worst = max(worst, (long - middle + 40) / (middle - short + 40))
    return worst


def test_every_pattern_is_linear() -> None:
    found = all_patterns()
    assert len(found) > 100
    growth = {(where, pattern): growth_of(pattern, flags, anchored=at) for (pattern, flags, at), where in found.items()}
    assert {name: by for name, by in growth.items() if by > 2.5} == {}


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        r"\s*x",
        "a.*b",
        r"<title[^>]*>",
        r"prepa(?:y|id)\w* credits?",
        r"api_key[\\\"']*\s*[:=]\s*[\\\"']*b?[\\\"']*x{6,}",
        r'"(?:[^"\\]|\\.)*+"',
        r"models?[/ ]\S+ was not found",
        r"/models?/([^/]+?)(?:/(?:converse|invoke)[\w/-]*)?$",
        r"claude-[a-z0-9.-]+?(?=[@:]|-\d{8}|$)",
    ],
)
def test_the_matcher_tells_patterns_that_are_not(pattern: str) -> None:
    assert growth_of(pattern) > 3


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"(?<!a)b{2,3}(?=c)", "abbc bbbc", True),
        (r"(?i)^bearer\s++[^\s]+$", "Bearer abc", True),
        (r"(?>a+)a", "aaaa", False),
        (r"(a|ab)(c|bcd)\1?", "abcd", True),
        (r"x*?y\b", "xxy z", True),
    ],
)
def test_the_matcher_matches_as_python_does(pattern: str, text: str, matches: bool) -> None:
    assert (re.search(pattern, text) is not None) is matches
    assert Matcher(pattern).finds(text) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "^(a|a)*$",
        "(a*)*b",
        "^(a+){20}$",
        "([a-z]+)*=",
        "a*a*a*a*b",
        "^a*a*a*b",
        "(?:(?:a+)b?)+c",
        r"(\w+\s?)+!",
    ],
)
def test_patterns_of_foreign_schemas_end(pattern: str) -> None:
    assert matches(pattern, "a" * 30_000)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^[a-z]+$", "a" * 100_000, True),
        ("^[a-z]+$", "a" * 100_000 + "1", False),
        (r"^\d{4}-\d{2}$", "2026-01", True),
        (r"^(\d{1,3}\.){3}\d{1,3}$", "10.0.0.999999", False),
        ("^([a-z0-9]+-)*[a-z0-9]+$", "a-slug!", False),
        (r"\(+[*+]", "((*", True),
        ("(", "unreadable", True),
    ],
)
def test_patterns_of_foreign_schemas_are_tried(pattern: str, text: str, found: bool) -> None:
    assert matches(pattern, text) is found


def test_no_more_of_a_huge_text_is_searched_than_is_kept() -> None:
    redactor = Redactor(["a-key-that-is-known"])
    text = "error: " + "a-key-that-is-known " * 100_000
    assert redactor.redact(text, 40) == "error: *** *** *** *** *** *** *** *** ***"[:40]
    for length in range(1, 60):
        kept = redactor.redact("x" * length + "a-key-that-is-known" + "y" * 5000, 50)
        assert "a-key" not in kept
        assert len(kept) <= 50
