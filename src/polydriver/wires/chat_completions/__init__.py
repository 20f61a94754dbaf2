"""The Chat Completions wire: OpenAI's, and that of most services that call themselves compatible.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...data.arguments import make_call_id
from ...data.http import Reply, Request
from ...data.messages import AIMessage, Audio, Document, Video
from ...data.prompt import OutputFormat, Prompt
from ...data.responses import AIResponse
from ...data.usage import TokenUsage
from ...drivers.traits import HandlesApiCommunication, HandlesFunctionCalling, HandlesStreaming, StreamDecoder
from . import messages, parse, reasoning, render, usage
from .stream import ChatCompletionsDecoder

__all__ = ["ChatCompletions"]

_LONGEST_CALL_ID = 40


class ChatCompletions(HandlesApiCommunication, HandlesStreaming, HandlesFunctionCalling):
    """Speaks Chat Completions. What services do differently is said by class attributes, so that a row can set them.

    Requests:

    - `chat_path`: where to post; `max_tokens_field`: the name of the output limit; `fixed_fields`: what every body has.
    - `stream_usage`: whether `stream_options.include_usage` is understood.
    - `option_fields`: options under other names than ours, e.g. `{"seed": "random_seed"}`; `None` for one it does not
      take. `tool_choices`: the same for the words of `tool_choice`.
    - `replay_reasoning`: the message field in which the service wants its own reasoning back, if it does;
      `replay_only_with_tools`: only that of turns in which tools were called; `requires_reasoning`: whether it refuses
      calls without any, so that those of other models get a blank.
    - `developer_role`: whether the role "developer" is known; else it becomes "system".
    - `marks_prefix`: whether an assistant's message at the end, which the model is to go on with, is marked as such.

    Replies:

    - `think_tags`: whether reasoning comes as `<think>...</think>` at the start of the text.
    - `details_as_reasoning`: whether the text of reasoning stands in `reasoning_details` only.
    - `server_tools_field`: the message field with the calls of tools that the service ran itself.

    The methods `render_...` and `parse_usage` are for services whose difference is more than a name.
    """

    decoder_class: ClassVar[type[StreamDecoder[Any]]] = ChatCompletionsDecoder
    chat_path: ClassVar[str] = "chat/completions"
    max_tokens_field: ClassVar[str] = "max_tokens"
    fixed_fields: ClassVar[Mapping[str, Any]] = {}
    stream_usage: ClassVar[bool] = True
    option_fields: ClassVar[Mapping[str, str | None]] = {}
    tool_choices: ClassVar[Mapping[str, str | None]] = {}
    replay_reasoning: ClassVar[str | None] = None
    replay_only_with_tools: ClassVar[bool] = False
    developer_role: ClassVar[bool] = True
    marks_prefix: ClassVar[bool] = False
    requires_reasoning: ClassVar[bool] = False
    think_tags: ClassVar[bool] = False
    details_as_reasoning: ClassVar[bool] = False
    server_tools_field: ClassVar[str | None] = None

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, whole or streamed."""
        return self.build_post(
            self.chat_path, self.render_prompt(prompt), stream=prompt.stream, headers=prompt.extra_headers
        )

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """The body of the request."""
        return render.render_prompt(self, prompt)

    def render_messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        """The `messages` list."""
        return messages.render_messages(self, prompt)

    def render_answer(self, message: AIMessage) -> Any:
        """The content of an assistant's message: what it said, refusals and the words of speech among it."""
        return messages.render_answer(self, message)

    def render_call_id(self, call_id: str) -> str:
        """The id of a call as the service takes it, 40 characters at most with OpenAI: the same for call and result."""
        return call_id if 0 < len(call_id) <= _LONGEST_CALL_ID else make_call_id(call_id, 0)

    def render_audio(self, part: Audio) -> dict[str, Any]:
        """Sound as an item of a content list. Raises `UnsupportedFeatureError` for what the service can't read."""
        return messages.render_audio(self, part)

    def render_document(self, part: Document) -> dict[str, Any]:
        """A document as an item of a content list. Raises `UnsupportedFeatureError` as `render_audio` does."""
        return messages.render_document(self, part)

    def render_video(self, part: Video) -> dict[str, Any]:
        """A video as an item of a content list. Raises `UnsupportedFeatureError` unless a service has them."""
        raise self.unsupported("video input")

    def render_response_format(self, wanted: OutputFormat) -> dict[str, Any]:
        """The `response_format` object."""
        return render.render_response_format(wanted)

    def render_reasoning(self, prompt: Prompt) -> dict[str, Any]:
        """The fields that say how long the model may think; see `reasoning` for other ways than this one."""
        return reasoning.effort_word(self, prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return parse.parse_response(self, self.decode(reply), prompt)

    def parse_usage(self, raw: dict[str, Any]) -> TokenUsage:
        """The usage object."""
        return usage.parse_usage(raw)

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """Take over a cost that the provider itself reports in its usage object; most report none."""
