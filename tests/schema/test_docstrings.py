from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.schema import parse_docstring

GOOGLE = """Look up the weather.

    In any city of the world.

    Args:
        city (str, optional): The city,
            with its country.
        days: How many days: 1 to 7.
        *tags: Any tags.

    Returns:
        days: not a parameter.
    """
NUMPY = """Look up the weather.

    In any city of the world.

    Parameters
    ----------
    city : str, optional
        The city,
        with its country.
    days : int
        How many days: 1 to 7.
    *tags
        Any tags.

    Returns
    -------
    str
        The weather.
    """
REST = """Look up the weather.

    In any city of the world.

    :param str city: The city,
        with its country.
    :param days: How many days: 1 to 7.
    :type days: int
    :param tags: Any tags.
    :returns: The weather.
    :rtype: str
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST])
def test_styles(text: str) -> None:
    doc = parse_docstring(text)
    assert doc.summary == "Look up the weather.\n\nIn any city of the world."
    assert doc.parameters == {
        "city": "The city, with its country.",
        "days": "How many days: 1 to 7.",
        "tags": "Any tags.",
    }


def test_plain_text_is_summary() -> None:
    assert parse_docstring("Do it: now.\nReally: yes.") == ("Do it: now.\nReally: yes.", {})
    assert parse_docstring(None) == ("", {})
    assert parse_docstring("   \n  ") == ("", {})


def test_several_names_share_a_text() -> None:
    assert parse_docstring("Add.\n\nParameters\n---\na, b : int\n    A number.").parameters == {
        "a": "A number.",
        "b": "A number.",
    }


def test_text_after_a_section_of_google_style_ends_it() -> None:
    assert parse_docstring("S.\n\nArgs:\n    a: One.\n\nMore: text.").parameters == {"a": "One."}


@given(st.text(alphabet=" \n:-*abArgs:Parameters\t(),."))
def test_never_raises(text: str) -> None:
    parse_docstring(text)
