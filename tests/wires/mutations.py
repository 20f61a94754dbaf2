"""JSON that has the shape of a provider's answer, except where it has not."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import strategies as st

__all__ = ["mutated", "odd_json"]

odd_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, *originals: Any) -> Any:
    """Draw one of the values, with one to four of its nodes replaced by something else, or left out."""
    root = {"root": copy.deepcopy(draw(st.sampled_from(originals)))}
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 4))):
        holder, key = chance.choice(_places(root))
        if holder is not root and chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = draw(odd_json)
    return root["root"]


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every node as its holder and its key or index."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    places = [(node, key) for key in keys]
    return [*places, *(place for key in keys for place in _places(node[key]))]
