"""Replies in the form of each known wire, for the conformance suite and for tests of drivers that speak
it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

__all__ = ["WireFixtures", "fixtures_for", "register_fixtures"]


class WireFixtures(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider sends, byte by byte.

    - `whole_reply`: a whole answer with text and usage; `stream_reply`: one as a stream, with text and usage.
    - `tool_reply`, `tool_stream_reply`: answers that call at least one tool.
    - `models_reply`: a page of the model list.
    - `error_replies`: failed replies as (status, body, name of the class of the tree, such as
      "RateLimitError").

    Absent ones are empty; what needs them is skipped.
    """

    whole_reply: bytes = b""
    stream_reply: bytes = b""
    tool_reply: bytes = b""
    tool_stream_reply: bytes = b""
    models_reply: bytes = b""
    error_replies: Sequence[tuple[int, bytes, str]] = ()


_registry: dict[str, WireFixtures] = {}


def register_fixtures(wire: type | str, fixtures: WireFixtures) -> None:
    """Make these the fixtures of a wire: its class or its decoder's, or the full name of either
    (`package.module.Class`)."""
    _registry[wire if isinstance(wire, str) else f"{wire.__module__}.{wire.__qualname__}"] = fixtures


def fixtures_for(*classes: type) -> WireFixtures | None:
    """The fixtures of the first class, or base of one, that has some: of a decoder's class, a driver's or a
    wire's."""
    from .wires import FIXTURES

    for kind in classes:
        for base in kind.__mro__:
            name = f"{base.__module__}.{base.__qualname__}"
            if found := _registry.get(name) or FIXTURES.get(name):
                return found
    return None
