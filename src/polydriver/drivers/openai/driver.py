"""OpenAI, and the reference for every other driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...config import Setting
from ...contract import LEFT_OUT
from ...data.models import Capabilities
from ...driver import Driver
from ...wires.chat_completions import ChatCompletions
from ...wires.either import API_SETTING, EitherWire
from ...wires.openai import AUDIO_FORMATS, CHAT_OPTIONS, CHAT_RANGES, IMAGE_TYPES, SERVICE_TIERS
from ...wires.responses import Responses
from ..traits import CalculatesCosts, HandlesApiCommunication, HandlesErrors, ValidatesHealth
from .errors import OPENAI_ERRORS
from .operations import OPENAI_OPERATIONS

__all__ = ["OPENAI_CHAT", "OpenAIDriver"]

OPENAI_CHAT = ChatCompletions(
    max_tokens_field="max_completion_tokens",
    options={"top_k": LEFT_OUT},
    option_names=CHAT_OPTIONS,
    max_stops=4,
    max_tools=128,
    ranges=CHAT_RANGES,
    service_tiers=SERVICE_TIERS,
    audio_formats=AUDIO_FORMATS,
)
"""Chat Completions as OpenAI's own models take it."""


class OpenAIDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """OpenAI, and the reference for every other driver. https://platform.openai.com/docs/api-reference

    Reasoning models are spoken to over the Responses API, others over Chat Completions; `api="chat"` or
    `api="responses"` says otherwise, for a call or as a setting of the connection.
    """

    name = "openai"
    title = "OpenAI"
    base_url = "https://api.openai.com/v1"
    idempotency_header = (
        "Idempotency-Key"  # `idempotency_key` of the official SDKs, not in the specification (2026-11-27)
    )
    default_model = "gpt-4o-mini"
    key_variables = ("OPENAI_API_KEY",)
    key_prefix = "sk-"
    settings = (
        API_SETTING,
        Setting("organization", help="the organisation that is billed (OpenAI-Organization)"),
        Setting("project", help="the project that is billed (OpenAI-Project)"),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "document", "json"),
    )
    setting_headers: ClassVar[Mapping[str, str]] = {
        "organization": "openai-organization",
        "project": "openai-project",
    }
    errors = OPENAI_ERRORS
    wire = EitherWire(
        chat=OPENAI_CHAT, responses=Responses(service_tiers=SERVICE_TIERS, max_tools=128), image_types=IMAGE_TYPES
    )
    operations = OPENAI_OPERATIONS
