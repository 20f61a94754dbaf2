"""Replies of a provider, byte by byte."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

__all__ = ["WireFixtures"]


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
