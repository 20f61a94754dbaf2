"""Anthropic: Claude, over the Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ...config import Config, Setting
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_str
from ...data.models import AIModel, Capabilities
from ...data.sealed import Headers
from ...driver import Driver
from ...errors import ConfigurationError, ProviderError
from ...wires.messages import Messages
from ...wires.operations.base import parse_time
from ..traits import CalculatesCosts, ErrorFacts, HandlesApiCommunication, HandlesErrors, ValidatesHealth
from .errors import ANTHROPIC_ERRORS
from .files import AnthropicFiles
from .operations import MessageBatches, MessageTokenCounting

__all__ = ["AnthropicDriver"]


class AnthropicDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """Anthropic. https://platform.claude.com/docs/en/api/overview

    `base_url` is the address without `/v1`, as other programs have it in `ANTHROPIC_BASE_URL`; with `/v1` it is
    understood too. Either a key (`x-api-key`) or an access token (`auth_token`, sent as a bearer token) is needed.
    """

    name = "anthropic"
    uncounted_input = ("cached_input_tokens",)  # https://docs.anthropic.com/en/api/rate-limits (2026-11-27)
    title = "Anthropic"
    base_url = "https://api.anthropic.com"
    default_model = "claude-haiku-4-5"
    key_variables = ("ANTHROPIC_API_KEY",)
    requires_key = False  # a token does as well
    settings = (
        Setting("auth_token", secret=True, help="an OAuth or gateway token, sent in place of the key"),
        Setting("version", default="2023-06-01", help="the version of the API (anthropic-version)"),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "document", "json"),
    )
    errors = ANTHROPIC_ERRORS
    wire = Messages()
    operations = (MessageTokenCounting(), MessageBatches(), AnthropicFiles())
    models_path = "v1/models"
    path_roots = ("/v1",)

    def __init__(self, config: Mapping[str, Any] | Config | None = None, **settings: Any) -> None:
        """Read and check the settings, offline. Raises `ConfigurationError` when there is neither key nor token."""
        super().__init__(config, **settings)
        own_headers = {"authorization", "x-api-key"} & self.config.headers.keys()
        if not (self.config.api_key or self.config.setting("auth_token") or own_headers):
            raise ConfigurationError(
                f"{self.config.name}: api_key is missing; give it, or set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN)",
                provider=self.name,
            )

    @cached_property
    def fixed_headers(self) -> Headers:
        """The version, and the token or the key."""
        headers = Headers({"anthropic-version": self.config.setting("version")})
        token, key = self.config.setting("auth_token"), self.config.api_key
        if token:
            headers["authorization"] = f"Bearer {token.reveal()}"
        elif key:
            headers["x-api-key"] = key.reveal()
        return headers

    def build_error(self, facts: ErrorFacts, reply: Reply | None = None) -> ProviderError:
        """The error, with the request's id from its body where the headers have none."""
        error = super().build_error(facts, reply)
        if error.request_id is None:
            error.request_id = as_str(as_dict(facts.details.get("body")).get("request_id"))
        return error

    def models_request(self) -> Request:
        """The request for the first page of the model list, as long as a page can be."""
        return self.build_get(self.models_path, limit=1000)

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        payload = as_dict(self.decode_any(reply))
        last = as_str(payload.get("last_id"))
        if payload.get("has_more") is not True or last is None:
            return None
        return self.build_get(self.models_path, limit=1000, after_id=last)

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list."""
        able = as_dict(item.get("capabilities"))
        images = as_dict(able.get("image_input")).get("supported")
        return AIModel(
            id=as_str(item.get("id")) or item["name"],
            name=as_str(item.get("display_name")),
            provider=self.name,
            type="chat",
            context_length=as_int(item.get("max_input_tokens")),
            max_output_tokens=as_int(item.get("max_tokens")),
            input_modalities=["text", *(["image"] if images else [])] if isinstance(images, bool) else None,
            supports_structured_output=_supported(able, "structured_outputs"),
            supports_reasoning=_supported(able, "thinking"),
            owned_by="anthropic",
            created=parse_time(item.get("created_at")),
            raw=item,
        )


def _supported(able: dict[str, Any], name: str) -> bool | None:
    found = as_dict(able.get(name)).get("supported")
    return found if isinstance(found, bool) else None
