"""Perplexity's Sonar models, which search the web. https://docs.perplexity.ai/api-reference"""

from __future__ import annotations

from typing import Any

import msgspec

from ..contract import LEFT_OUT
from ..data.history import tell_tools
from ..data.json import as_dict
from ..data.messages import Document
from ..data.models import Capabilities
from ..data.prompt import OutputFormat, Prompt, ToolSpec
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..wires.chat_completions.history import merge_roles
from ..wires.reported_cost import read_cost
from .compatible import CompatibleDriver
from .rows.common import CompatibleChat
from .traits import ErrorTable

__all__ = ["PerplexityDriver"]

_UNKNOWN_OPTIONS = (
    "seed",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "parallel_tool_calls",
    "user",
    "service_tier",
    "prompt_cache_key",
    "store",
    "modalities",
    "audio",
)
_COSTS = {
    "input": "input_tokens_cost",
    "output": "output_tokens_cost",
    "reasoning": "reasoning_tokens_cost",
    "citations": "citation_tokens_cost",
    "searches": "search_queries_cost",
    "request": "request_cost",
}


_OPTIONS = frozenset(
    {
        "disable_search",
        "enable_search_classifier",
        "language_preference",
        "last_updated_after_filter",
        "last_updated_before_filter",
        "media_response",
        "return_images",
        "return_related_questions",
        "search_after_date_filter",
        "search_before_date_filter",
        "search_domain_filter",
        "search_language_filter",
        "search_mode",
        "search_recency_filter",
        "stream_mode",
        "web_search_options",
    }
)


class PerplexityChat(CompatibleChat, kw_only=True, eq=False):
    """Chat Completions as Perplexity takes it: without tools, with system messages first and the others in turns."""

    def render_messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        """The `messages` list: system messages first, then user and assistant in turns."""
        if any(isinstance(tool, ToolSpec) for tool in prompt.tools):
            raise self.unsupported("function calling")
        told = [tell_tools(message) for message in prompt.messages]
        rendered = super().render_messages(msgspec.structs.replace(prompt, messages=told))
        ahead = [message for message in rendered if message["role"] == "system"]
        if any(message["role"] == "system" for message in rendered[len(ahead) :]):
            prompt.warn("perplexity has system messages at the start only; they were put there.")
        return merge_roles([*ahead, *(message for message in rendered if message["role"] != "system")])

    def render_document(self, part: Document) -> dict[str, Any]:
        """A document, by URL or as bytes."""
        if part.data is not None and (part.media_type or "").startswith("text/"):
            return super().render_document(part)
        if part.url is None and part.data is None:
            raise self.unread(part, "documents by id; give the bytes or a URL")
        url = part.url or part.base64
        return {"type": "file_url", "file_url": {"url": url}, **({"file_name": part.name} if part.name else {})}

    def render_response_format(self, wanted: OutputFormat) -> dict[str, Any]:
        """Always a schema: there is no JSON without one."""
        return {"type": "json_schema", "json_schema": {"schema": wanted.schema or {"type": "object"}}}

    def parse_usage(self, raw: dict[str, Any]) -> TokenUsage:
        """The usage object. Deep research counts its reasoning apart from its output, which can be shorter."""
        usage = super().parse_usage(raw)
        output, thought = usage.output_tokens, usage.reasoning_tokens
        if output is not None and thought is not None and thought > output:
            return msgspec.structs.replace(usage, output_tokens=output + thought)
        return usage

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """The cost that Perplexity charges: tokens, searches and the request."""
        costs = as_dict(usage.get("cost"))
        items = {name: costs.get(field) for name, field in _COSTS.items()}
        if (cost := read_cost(self.name, costs.get("total_cost"), items)) is not None:
            response.cost = cost


class PerplexityDriver(CompatibleDriver):
    """Perplexity. The sources of an answer are the `citations` of its text; it reports what each call cost.

    Sonar calls no tools of the caller: offering some raises, and those in a conversation are told as text. System
    messages stand first, and user and assistant take turns; what is not so is merged.
    """

    name = "perplexity"
    title = "Perplexity"
    base_url = "https://api.perplexity.ai"
    default_model = "sonar"
    key_variables = ("PERPLEXITY_API_KEY", "PPLX_API_KEY")
    capabilities = Capabilities(streaming=True, vision=True, supported_formats=("text", "image", "document", "json"))
    errors = ErrorTable(branch="Perplexity")
    model_list = "none"
    wire = PerplexityChat(
        stream_usage=False,  # usage comes with every chunk
        options=dict.fromkeys(_UNKNOWN_OPTIONS, LEFT_OUT),
        option_names=_OPTIONS,
    )
