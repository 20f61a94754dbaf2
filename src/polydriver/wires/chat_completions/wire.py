"""The Chat Completions wire: OpenAI's, and that of most services that call themselves compatible.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from .reply import ChatReplies
from .stream import ChatCompletionsDecoder

__all__ = ["ChatCompletions"]


class ChatCompletions(ChatReplies, kw_only=True, eq=False):
    """Speaks Chat Completions. See `ChatSettings` for what can be set.

    The methods `render_...`, `parse_usage` and `report_cost` are for services whose difference is more than a name.
    """

    title = "Chat Completions"
    decoder_class = ChatCompletionsDecoder
