"""Vertex AI: Gemini on Google Cloud, and Claude beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import msgspec

from ...config import Config, Setting
from ...contract import DriverHooks, StreamDecoder, Wire
from ...data.http import Reply, Request
from ...data.json import as_dict, as_str
from ...data.models import AIModel, Capabilities
from ...data.prompt import Prompt
from ...data.responses import AIResponse
from ...driver import Driver
from ...errors import ConfigurationError
from ...wires.generate_content import GenerateContent
from ...wires.generate_content.models import bare_id
from ...wires.generate_content.names import with_camel_names
from ...wires.generate_content.operations import ContentTokenCounting
from ...wires.generate_content.pictures_and_speech import ContentMedia
from ..gemini.errors import HandlesGoogleErrors, google_errors
from ..traits import CalculatesCosts, HandlesApiCommunication, ValidatesHealth
from .address import BASE_URL, VertexAddress
from .authentication import AuthenticatesWithGoogle
from .batches import PredictionJobs
from .claude import ClaudeOnVertex
from .credentials import find_credentials
from .embeddings import PredictedEmbeddings

__all__ = ["VertexAIDriver"]

_MODELS_PATH = "v1beta1/publishers/google/models"
_COUNTED = ("contents", "systemInstruction", "tools", "generationConfig")
_FINISH_NUMBERS = {
    "1": "STOP",
    "2": "MAX_TOKENS",
    "3": "SAFETY",
    "4": "RECITATION",
    "5": "OTHER",
    "6": "BLOCKLIST",
    "7": "PROHIBITED_CONTENT",
    "8": "SPII",
    "9": "MALFORMED_FUNCTION_CALL",
    "10": "MODEL_ARMOR",
}


def is_claude(model: str) -> bool:
    """Whether a model is Anthropic's."""
    return bare_id(model).startswith("claude")


class GeminiOnVertex(GenerateContent, kw_only=True, eq=False):
    """generateContent, with models by project and location."""

    def model_path(self, model: str) -> str:
        """See `VertexAddress.model_path`."""
        path: str = self.driver.model_path(model)
        return path


class VertexWire(Wire, kw_only=True, eq=False):
    """Gemini's wire, and Anthropic's for models whose id begins with `claude`."""

    gemini: GeminiOnVertex = msgspec.field(default_factory=lambda: GeminiOnVertex(finish_numbers=_FINISH_NUMBERS))
    claude: ClaudeOnVertex = msgspec.field(default_factory=ClaudeOnVertex)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.option_names = self.gemini.option_names | self.claude.option_names

    def bind(self, driver: DriverHooks) -> Self:
        """See `Part.bind`."""
        bound = super().bind(driver)
        bound.gemini, bound.claude = self.gemini.bind(driver), self.claude.bind(driver)
        return bound

    def choose(self, prompt: Prompt) -> GeminiOnVertex | ClaudeOnVertex:
        """The wire of the prompt's model."""
        return self.claude if is_claude(prompt.model) else self.gemini

    def build_request(self, prompt: Prompt) -> Request:
        """The request for one prompt, on the wire of its model."""
        return self.choose(prompt).build_request(prompt)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply, on the wire of the prompt's model."""
        return self.choose(prompt).parse_response(reply, prompt)

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        """A new decoder for one stream, on the wire of the prompt's model."""
        return self.choose(prompt).decoder(prompt)


class VertexTokenCounting(ContentTokenCounting, kw_only=True, eq=False):
    """Counts the tokens of prompts for Gemini."""

    def build_token_count(self, prompt: Prompt) -> Request:
        """The request for a prompt's number of tokens."""
        if is_claude(prompt.model):
            raise self.unsupported("counting Claude's tokens")
        wire: GeminiOnVertex = self.driver.wire.gemini
        body = {name: value for name, value in wire.render_prompt(prompt).items() if name in _COUNTED}
        return self.build_post(f"{wire.model_path(prompt.model)}:countTokens", body, headers=prompt.extra_headers)


class VertexAIDriver(
    VertexAddress, AuthenticatesWithGoogle, HandlesApiCommunication, HandlesGoogleErrors, ValidatesHealth,
    CalculatesCosts, Driver,
):  # fmt: skip
    """Vertex AI. https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference

    Credentials are the first of these that is given: `access_token`, `api_key`, `credentials` (a dict, or an
    object of google-auth's), `credentials_file` (`GOOGLE_APPLICATION_CREDENTIALS`), the login of gcloud, the
    machine's own account.

    Models whose id begins with `claude` are spoken to over Anthropic's Messages. Your own `base_url` stands for
    the host of every location; the version and the project's path follow it.
    """

    name = "vertexai"
    title = "Vertex AI"
    origin = "google"
    base_url = BASE_URL
    default_model = "gemini-2.5-flash"
    key_variables = ("VERTEXAI_API_KEY", "VERTEX_API_KEY")
    requires_key = False
    settings = (
        Setting("project", env=("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"), help="the project's id"),
        Setting("location", env=("GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"), default="global", help="the region"),
        Setting("credentials", kind="json", help="credentials as a dict or JSON, or a google-auth object"),
        Setting("credentials_file", env="GOOGLE_APPLICATION_CREDENTIALS", kind="path", help="a file of credentials"),
        Setting("access_token", secret=True, help="an OAuth access token that you renew yourself"),
        Setting("quota_project", env="GOOGLE_CLOUD_QUOTA_PROJECT", help="the project that is billed, if another"),
        Setting("batch_location", help="where files of batches are kept, as gs://bucket/folder"),
        Setting("gcs_url", kind="url", help="where Cloud Storage is, if not at Google's own address"),
        Setting("api_version", default="v1", help="v1 or v1beta1"),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "video", "document", "json"),
    )
    errors = google_errors("VertexAI")
    wire = VertexWire()
    operations = (
        PredictedEmbeddings(options={"embed": frozenset({"title", "auto_truncate"})}),
        ContentMedia(),
        VertexTokenCounting(),
        PredictionJobs(),
    )

    def __init__(self, config: Mapping[str, Any] | Config | None = None, **settings: Any) -> None:
        """Read and check the settings and the credentials, offline. Raises `ConfigurationError`."""
        super().__init__(config, **settings)
        self._project: str | None = self.config.setting("project")
        if self.config.api_key is None and not self.config.setting("access_token"):
            given, file = self.config.setting("credentials"), self.config.setting("credentials_file")
            self.credentials, record = find_credentials(given, file)
            self._project = self._project or as_str(record.get("project_id")) or as_str(record.get("quota_project_id"))
        if self._project is None and self.config.api_key is None:
            raise ConfigurationError(
                f"{self.config.name}: project is missing; give it, or set GOOGLE_CLOUD_PROJECT", provider=self.name
            )

    @cached_property
    def billing_region(self) -> str | None:
        """The location: newer models cost more in a region or multi-region than on the global endpoint."""
        return as_str(self.config.setting("location"))

    def project(self) -> str | None:
        """The project whose quota is used: the setting, else the credentials' own."""
        return self._project

    def models_request(self) -> Request:
        """The request for the first page of Google's models."""
        return self.build_get(_MODELS_PATH, pageSize=100)

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        token = as_str(as_dict(with_camel_names(self.decode_any(reply))).get("nextPageToken"))
        return self.build_get(_MODELS_PATH, pageSize=100, pageToken=token) if token else None

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models on one page."""
        payload = with_camel_names(self.decode(reply))
        if payload.get("error"):
            raise self.map_payload(payload)
        items = payload.get("publisherModels", [])
        if not isinstance(items, list):
            raise self.invalid_response("a list of models was expected", reply.body)
        return [self.parse_model(item) for item in items if isinstance(item, dict) and as_str(item.get("name"))]

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list."""
        return AIModel(id=bare_id(item["name"]), provider=self.name, owned_by="google", raw=item)
