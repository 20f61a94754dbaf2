"""The Responses wire: OpenAI's API for reasoning models and built-in tools, which others have taken over.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from typing import Any, ClassVar

from ...data.http import Reply, Request
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...drivers.traits import HandlesApiCommunication, HandlesFunctionCalling, HandlesStreaming, StreamDecoder
from . import parse, render
from .stream import ResponsesDecoder

__all__ = ["RESPONSES_OPTIONS", "Responses"]

RESPONSES_OPTIONS = render.OPTION_NAMES
"""Options beyond those of `Prompt` that this wire knows: see `Responses`."""


class Responses(HandlesApiCommunication, HandlesStreaming, HandlesFunctionCalling):
    """Speaks the Responses API. What services do differently is said by class attributes.

    - `responses_path`: where to post.
    - `encrypted_reasoning`: whether encrypted reasoning is asked for, so that a conversation can go on without stored
      answers.

    Options beyond those of `Prompt`, for `option_names`, most of them as the API has them: `background`,
    `previous_response_id`, `conversation`, `truncation`, `max_tool_calls`, `include`, `prompt`, `safety_identifier`,
    `prompt_cache_retention`, `prompt_cache_options`, `context_management`, `moderation`, `stream_options`; and
    `reasoning_summary`, `reasoning_context` (fields of `reasoning`), `verbosity` (of `text`), `allowed_tools` (names of
    the tools that may be called). The answer to `background=True` has no finish reason yet: ask again by its `id` with
    `StoredResponses`.

    A call to a custom tool is a `ToolCall` with the one argument `input`. Items of built-in tools are `ProviderPart`s
    with the item's type as their kind; their outputs (`computer_call_output`, ...) are sent as such parts too.
    """

    option_names = RESPONSES_OPTIONS
    decoder_class: ClassVar[type[StreamDecoder[Any]]] = ResponsesDecoder
    responses_path: ClassVar[str] = "responses"
    encrypted_reasoning: ClassVar[bool] = True

    @property
    def item_origin(self) -> str:
        """The name under which ids and other facts of items are kept on calls and texts.

        Not `origin` itself, since Chat Completions sends back what it finds there.
        """
        return f"{self.origin}.responses"

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        body = self.render_prompt(prompt)
        return self.build_post(self.responses_path, body, stream=prompt.stream, headers=prompt.extra_headers)

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render.render_prompt(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error when the response failed."""
        return parse.parse_response(self, self.decode(reply))

    def is_reasoning_model(self, model: str) -> bool | None:
        """Whether the catalog knows the model as one that reasons; `None` when it doesn't know."""
        from ...prices.catalog import find

        entry = find(self.catalog_name or self.name, model)
        return None if entry is None else entry.reasoning

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """Take over a cost that the provider itself reports in its usage object; most report none."""
