"""Azure OpenAI: OpenAI's models on Microsoft's cloud, over Chat Completions and the Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ...config import Config, Setting
from ...contract import LEFT_OUT
from ...data.json import as_dict, as_str
from ...data.models import AIModel, Capabilities
from ...data.prompt import Prompt
from ...driver import Driver
from ...errors import ConfigurationError
from ...operations.requests import EmbeddingLimits
from ...wires.chat_completions import ChatCompletions
from ...wires.either import API_SETTING, EitherWire
from ...wires.openai import AUDIO_FORMATS, CHAT_OPTIONS, CHAT_RANGES, IMAGE_TYPES, SERVICE_TIERS
from ...wires.operations import Embeddings, ImageEditing, ImageGeneration, Speech, Transcription, Translation
from ...wires.responses import Responses
from ..traits import CalculatesCosts, ValidatesHealth
from .address import AzureAddress, api_root
from .authentication import AuthenticatesWithEntra
from .batches import AZURE_FILES, AzureBatches
from .filtering import AzureChatDecoder, HandlesAzureErrors

__all__ = ["AzureOpenAIDriver"]

_NEWER_FIELDS = "2024-09"
"""The version of the API from which on it takes `max_completion_tokens` and `stream_options`."""
_DEPLOYMENT_TYPES = ("global", "data_zone", "regional")
_TYPES = {"chat_completion": "chat", "completion": "chat", "embeddings": "embedding", "image_generation": "image"}


class AzureChat(ChatCompletions, kw_only=True, eq=False):
    """Chat Completions, with the fields that the version of the API knows, and what the filter notes in streams."""

    decoder_class = AzureChatDecoder

    def render_prompt(self, prompt: Prompt) -> dict[str, Any]:
        """See `ChatRequests.render_prompt`."""
        body = super().render_prompt(prompt)
        if self.driver.is_dated and self.config.setting("api_version") < _NEWER_FIELDS:
            body.pop("stream_options", None)
            if (limit := body.pop("max_completion_tokens", None)) is not None:
                body["max_tokens"] = limit
        return body


class AzureWire(EitherWire, kw_only=True, eq=False):
    """Both of OpenAI's wires. Not all versions of the API by date have the Responses API."""

    def prefers_responses(self, model: str) -> bool:
        """See `EitherWire.prefers_responses`."""
        return not self.driver.is_dated and super().prefers_responses(model)


class AzureOpenAIDriver(
    AuthenticatesWithEntra, AzureAddress, HandlesAzureErrors, ValidatesHealth, CalculatesCosts, Driver
):
    """Azure OpenAI. https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest

    `endpoint` is the address of the resource (`https://NAME.openai.azure.com`). Without `api_version` the v1 API is
    spoken; with a date, the older one. A model's name stands for the deployment of that name, unless `deployment` says
    another. A `base_url` in place of `endpoint` is used as it is, unless it is a host alone.

    Needs a key, or a token of Entra: `token`; `token_provider`, a function such as azure-identity's, which is asked
    before each attempt; or an app's `tenant_id`, `client_id` and `client_secret`.
    """

    name = "azure"
    title = "Azure OpenAI"
    base_url = ""  # see `endpoint`
    key_variables = ("AZURE_OPENAI_API_KEY",)
    requires_key = False  # a token does as well
    env_prefix = "AZURE_OPENAI"
    settings = (
        API_SETTING,
        Setting("endpoint", kind="url", help="the address of the resource, https://NAME.openai.azure.com"),
        Setting("api_version", env=("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION"), help="a date; else the v1 API"),
        Setting("deployment", help="the deployment to use, whatever the model's name is"),
        Setting("deployment_type", default="global", help='what it was made as: "global", "data_zone" or "regional"'),
        Setting("token", env=("AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_TOKEN"), secret=True, help="a token of Entra"),
        Setting("token_provider", kind="json", help="a function that returns a token of Entra"),
        Setting("tenant_id", env="AZURE_TENANT_ID", help="the tenant of an app"),
        Setting("client_id", env="AZURE_CLIENT_ID", help="the app"),
        Setting("client_secret", env="AZURE_CLIENT_SECRET", secret=True, help="the app's secret"),
        Setting("authority", env="AZURE_AUTHORITY_HOST", kind="url", default="https://login.microsoftonline.com"),
        Setting("scope", default="https://cognitiveservices.azure.com/.default", help="what an app's token is for"),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "document", "json"),
    )
    wire = AzureWire(
        chat=AzureChat(
            max_tokens_field="max_completion_tokens",
            options={"top_k": LEFT_OUT},
            option_names=CHAT_OPTIONS,
            max_stops=4,
            max_tools=128,
            ranges=CHAT_RANGES,
            service_tiers=SERVICE_TIERS,
            audio_formats=AUDIO_FORMATS,
        ),
        responses=Responses(service_tiers=SERVICE_TIERS, max_tools=128),
        image_types=IMAGE_TYPES,
    )
    operations = (
        Embeddings(base64=True, limits={"": EmbeddingLimits(2048, 300_000)}),
        ImageGeneration(options={"generate_image": frozenset({"moderation", "output_compression", "response_format"})}),
        ImageEditing(options={"edit_image": frozenset({"input_fidelity", "output_compression", "response_format"})}),
        Speech(default_voice="alloy"),
        Transcription(options={"transcribe": frozenset({"chunking_strategy", "include", "languages"})}),
        Translation(),
        AZURE_FILES,
        AzureBatches(files=AZURE_FILES, options={"create_batch": frozenset({"output_expires_after"})}),
    )

    @cached_property
    def billing_region(self) -> str | None:
        """How far the deployment's data may go, which decides its price; answers do not tell it."""
        return as_str(self.config.setting("deployment_type"))

    def __init__(self, config: Mapping[str, Any] | Config | None = None, **settings: Any) -> None:
        """Read and check the settings, offline. Raises `ConfigurationError` without an address, key or token."""
        super().__init__(config, **settings)
        read, setting = self.config, self.config.setting
        endpoint = setting("endpoint")
        if not (read.base_url or endpoint):
            raise ConfigurationError(
                f"{read.name}: endpoint is missing; give it, or set AZURE_OPENAI_ENDPOINT", provider=self.name
            )
        if setting("deployment_type") not in _DEPLOYMENT_TYPES:
            raise ConfigurationError(
                f"{read.name}: deployment_type must be one of {', '.join(_DEPLOYMENT_TYPES)}, not "
                f"{setting('deployment_type')!r}",
                provider=self.name,
            )
        app = [name for name in ("tenant_id", "client_id", "client_secret") if not setting(name)]
        own_headers = {"authorization", "api-key"} & read.headers.keys()
        if not (read.api_key or setting("token") or setting("token_provider") or own_headers) and app:
            raise ConfigurationError(
                f"{read.name}: api_key is missing; give it, or set AZURE_OPENAI_API_KEY; for a token of Entra give "
                f"token, token_provider, or tenant_id, client_id and client_secret (missing: {', '.join(app)})",
                provider=self.name,
            )
        base_url = read.base_url or api_root(endpoint, self.is_dated)
        if not urlsplit(base_url).path:
            base_url = api_root(base_url, self.is_dated)
        self.config = msgspec.structs.replace(
            read,
            base_url=base_url,
            default_model=read.default_model or setting("deployment"),
        )

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list, which has Azure's models and not the resource's deployments."""
        able = as_dict(item.get("capabilities"))
        kind = next((ours for theirs, ours in _TYPES.items() if able.get(theirs) is True), None)
        status = as_str(item.get("lifecycle_status"))
        deprecated = status in ("deprecating", "deprecated") if status else None
        return msgspec.structs.replace(super().parse_model(item), type=kind, deprecated=deprecated)
