"""The Chat Completions wire: OpenAI's, and that of most services that call themselves compatible.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import Any, ClassVar

from ....data.http import Reply, Request
from ....data.prompt import Prompt
from ....data.responses import AIResponse
from ...traits import HandlesApiCommunication, HandlesFunctionCalling, HandlesStreaming, StreamDecoder
from . import parse, render
from .stream import ChatCompletionsDecoder

__all__ = ["ChatCompletions"]


class ChatCompletions(HandlesApiCommunication, HandlesStreaming, HandlesFunctionCalling):
    """Speaks Chat Completions. What services do differently is said by class attributes, so that a row can set them.

    - `chat_path`: where to post; `max_tokens_field`: the name of the output limit.
    - `stream_usage`: whether `stream_options.include_usage` is understood.
    - `replay_reasoning`: the message field in which the service wants its own reasoning back, if it does.
    - `think_tags`: whether reasoning comes as `<think>...</think>` at the start of the text.
    - `option_fields`: options under other names than ours, e.g. `{"seed": "random_seed"}`; `None` for one it does not
      take.
    """

    decoder_class: ClassVar[type[StreamDecoder[Any]]] = ChatCompletionsDecoder
    chat_path: ClassVar[str] = "chat/completions"
    max_tokens_field: ClassVar[str] = "max_tokens"
    stream_usage: ClassVar[bool] = True
    replay_reasoning: ClassVar[str | None] = None
    think_tags: ClassVar[bool] = False
    option_fields: ClassVar[dict[str, str | None]] = {}

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        return self.build_post(
            self.chat_path, self.render_prompt(prompt), stream=prompt.stream, headers=prompt.extra_headers
        )

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render.render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return parse.parse_response(self, self.decode(reply), prompt)

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """Take over a cost that the provider itself reports in its usage object; most report none."""
