"""OpenRouter: many providers' models behind one API. https://openrouter.ai/docs/api-reference"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from ..config import Setting
from ..contract import Wire
from ..data.http import Reply, Request
from ..data.json import as_dict, as_int, as_list, as_str
from ..data.messages import Document, Video
from ..data.models import AIModel, Capabilities
from ..data.responses import AIResponse
from ..errors import ContentFilterError, ProviderError
from ..wires.chat_completions import reasoning
from ..wires.operations import Embeddings
from ..wires.reported_cost import read_amount, read_cost
from ..wires.responses import Responses
from .compatible import API_SETTING, CompatibleDriver, either
from .openrouter_batches import OpenRouterBatches
from .rows.common import CompatibleChat
from .traits import ErrorFacts, ErrorTable

__all__ = ["OpenRouterDriver", "report_cost"]

_FLAGGED = "input_flagged"


class OpenRouterChat(CompatibleChat, kw_only=True, eq=False):
    """Chat Completions with OpenRouter's documents, videos and costs."""

    def render_document(self, part: Document) -> dict[str, Any]:
        """A document, also by its URL."""
        if part.url and part.data is None:
            return {"type": "file", "file": {"filename": part.name or "document.pdf", "file_data": part.url}}
        return super().render_document(part)

    def render_video(self, part: Video) -> dict[str, Any]:
        """A video, by URL or as bytes."""
        return {"type": "video_url", "video_url": {"url": part.url or part.data_url("video/mp4")}}

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """See `report_cost` of this module."""
        report_cost(self, usage, response)


class OpenRouterResponses(Responses, kw_only=True, eq=False):
    """The Responses API with OpenRouter's costs."""

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """See `report_cost` of this module."""
        report_cost(self, usage, response)


_OPTIONS = frozenset(
    {
        "include_reasoning",
        "min_p",
        "models",
        "plugins",
        "preset",
        "provider",
        "repetition_penalty",
        "route",
        "session_id",
        "top_a",
        "trace",
        "transforms",
    }
)


class OpenRouterDriver(CompatibleDriver):
    """OpenRouter, over Chat Completions or (`api="responses"`) the Responses API.

    Calls take its routing options by their names: `provider`, `models`, `route`, `plugins`, `transforms`, `preset`. It
    reports what each call cost, and that goes before any table. The opaque `reasoning_details` of an answer are kept
    and sent back as they came. `referer` and `app_title` tell it which application calls.
    """

    name = "openrouter"
    title = "OpenRouter"
    base_url = "https://openrouter.ai/api/v1"
    key_variables = ("OPENROUTER_API_KEY",)
    settings = (
        API_SETTING,
        Setting("referer", help="the application's address, for OpenRouter's rankings (HTTP-Referer)"),
        Setting("app_title", help="the application's name, for OpenRouter's rankings (X-Title)"),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "video", "document", "json"),
    )
    setting_headers: ClassVar[Mapping[str, str]] = {"referer": "http-referer", "app_title": "x-title"}
    errors = ErrorTable(branch="OpenRouter", codes={_FLAGGED: ContentFilterError})
    wire = either(
        OpenRouterChat(
            fixed_fields={"usage": {"include": True}},
            replay_reasoning="reasoning",
            reasoning=reasoning.reasoning_object,
            option_names=_OPTIONS,
        ),
        OpenRouterResponses(),
    )
    operations = (
        OpenRouterBatches(options={"create_batch": frozenset({"callback_url", "completion_window"})}),
        Embeddings(),
    )

    def probe_request(self) -> Request:
        """The key's own record, since anybody can read the model list."""
        return self.build_get("key")

    def build_error(self, facts: ErrorFacts, reply: Reply | None = None) -> ProviderError:
        """See `HandlesErrors.build_error`. A 403 with reasons is moderation, not a bad key."""
        metadata = as_dict(as_dict(as_dict(facts.details.get("body")).get("error")).get("metadata"))
        if as_list(metadata.get("reasons")):
            facts.type = _FLAGGED
        return super().build_error(facts, reply)

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list, which tells modalities and parameters."""
        model = super().parse_model(item)
        architecture, parameters = as_dict(item.get("architecture")), item.get("supported_parameters")
        known = isinstance(parameters, list)
        return msgspec.structs.replace(
            model,
            max_output_tokens=as_int(as_dict(item.get("top_provider")).get("max_completion_tokens")),
            input_modalities=_words(architecture.get("input_modalities")),
            output_modalities=_words(architecture.get("output_modalities")),
            supports_function_calling="tools" in as_list(parameters) if known else None,
            supports_structured_output="structured_outputs" in as_list(parameters) if known else None,
            supports_reasoning="reasoning" in as_list(parameters) if known else None,
        )


def _words(value: Any) -> list[str] | None:
    found = [word for word in as_list(value) if as_str(word)]
    return found or None


def report_cost(wire: Wire, usage: dict[str, Any], response: AIResponse) -> None:
    """The cost that OpenRouter charges, and, with a key of one's own at the provider, what the provider charges."""
    details = as_dict(usage.get("cost_details"))
    total, upstream = read_amount(usage.get("cost")), read_amount(details.get("upstream_inference_cost"))
    items = {
        "input": details.get("upstream_inference_prompt_cost", details.get("upstream_inference_input_cost")),
        "output": details.get("upstream_inference_completions_cost", details.get("upstream_inference_output_cost")),
    }
    if total is not None and upstream is not None and usage.get("is_byok") is True:
        total += upstream
    if (cost := read_cost(wire.name, total, items)) is not None:
        response.cost = cost
