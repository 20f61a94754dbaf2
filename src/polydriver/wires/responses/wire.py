"""The Responses wire: OpenAI's API for reasoning models and built-in tools, which others have taken over.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from .reply import ResponsesReplies
from .stream import ResponsesDecoder

__all__ = ["Responses"]


class Responses(ResponsesReplies, kw_only=True, eq=False):
    """Speaks the Responses API. See `ResponsesSettings` for what can be set.

    Options beyond those of `Prompt`, most of them as the API has them: `background`, `previous_response_id`,
    `conversation`, `truncation`, `max_tool_calls`, `include`, `prompt`, `safety_identifier`, `prompt_cache_retention`,
    `prompt_cache_options`, `context_management`, `moderation`, `stream_options`; and `reasoning_summary`,
    `reasoning_context` (fields of `reasoning`), `verbosity` (of `text`), `allowed_tools` (names of the tools that may
    be called). The answer to `background=True` has no finish reason yet: ask again by its `id` with `get_response`.

    A call to a custom tool is a `ToolCall` with the one argument `input`. Items of built-in tools are `ProviderPart`s
    with the item's type as their kind; their outputs (`computer_call_output`, ...) are sent as such parts too.
    """

    title = "Responses"
    decoder_class = ResponsesDecoder
