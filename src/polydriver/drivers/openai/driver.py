"""OpenAI, and the reference for every other driver."""

from __future__ import annotations

from typing import ClassVar

from ...config import Setting
from ...data.models import Capabilities
from ...driver import Driver
from ...wires.chat_or_responses import API_SETTING, ChatOrResponses
from ...wires.responses.stored import StoredResponses
from ..traits import CalculatesCosts, HandlesErrors, ValidatesHealth
from .errors import OPENAI_ERRORS
from .operations import OpenAIOperations

__all__ = ["OpenAIDriver"]


class OpenAIDriver(
    OpenAIOperations, ChatOrResponses, StoredResponses, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver
):
    """OpenAI, and the reference for every other driver. https://platform.openai.com/docs/api-reference

    Reasoning models are spoken to over the Responses API, others over Chat Completions; `api="chat"` or
    `api="responses"` says otherwise, for a call or as a setting of the connection.
    """

    name = "openai"
    title = "OpenAI"
    base_url = "https://api.openai.com/v1"
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
    errors = OPENAI_ERRORS
    max_tokens_field = "max_completion_tokens"
    option_fields: ClassVar[dict[str, str | None]] = {"top_k": None}

    def headers(self) -> dict[str, str]:
        """The key, the organisation and the project."""
        headers = super().headers()
        for name in ("organization", "project"):
            if value := self.config.setting(name):
                headers[f"openai-{name}"] = value
        return headers
