"""Gemini on Google AI Studio."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ...config import Config
from ...contract import RENDERED
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str
from ...data.models import AIModel, Capabilities
from ...data.sealed import Headers
from ...driver import Driver
from ...wires.generate_content import GenerateContent
from ...wires.generate_content.names import with_camel_names
from ...wires.generate_content.operations import ContentEmbeddings, ContentTokenCounting
from ...wires.generate_content.options import CLOUD_OPTIONS, CONFIG_OPTIONS, REQUEST_OPTIONS, THINKING_OPTIONS
from ...wires.generate_content.pictures_and_speech import ContentMedia
from ..traits import CalculatesCosts, HandlesApiCommunication, ValidatesHealth
from .batches import GeminiBatches
from .errors import HandlesGoogleErrors, google_errors
from .files import GeminiFiles

__all__ = ["GeminiDriver"]

_VERSION = "v1beta"
_PAGE_SIZE = 1000
_TYPES = {"generateContent": "chat", "embedContent": "embedding", "predict": "image", "predictLongRunning": "video"}
_FINISH_NUMBERS = {
    "1": "STOP",
    "2": "MAX_TOKENS",
    "3": "SAFETY",
    "4": "RECITATION",
    "5": "OTHER",
    "6": "LANGUAGE",
    "7": "BLOCKLIST",
    "8": "PROHIBITED_CONTENT",
    "9": "SPII",
    "10": "MALFORMED_FUNCTION_CALL",
    "11": "IMAGE_SAFETY",
    "12": "UNEXPECTED_TOOL_CALL",
    "13": "TOO_MANY_TOOL_CALLS",
}


class GeminiContent(GenerateContent, kw_only=True, eq=False):
    """generateContent, with the files of Google AI Studio."""

    def file_uri(self, file_id: str) -> str:
        """The address of an uploaded file: its id is `files/...`."""
        if "://" in file_id:
            return file_id
        uri: str = self.driver.url(file_id if file_id.startswith("files/") else f"files/{file_id}")
        return uri


class GeminiDriver(HandlesApiCommunication, HandlesGoogleErrors, ValidatesHealth, CalculatesCosts, Driver):
    """Gemini on Google AI Studio. https://ai.google.dev/api

    Models are named with or without `models/`; tuned ones as `tunedModels/...`.
    """

    name = "gemini"
    title = "Gemini"
    origin = "google"
    base_url = f"https://generativelanguage.googleapis.com/{_VERSION}"
    default_model = "gemini-2.5-flash"
    key_variables = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "video", "document", "json"),
    )
    errors = google_errors("Gemini")
    wire = GeminiContent(
        options={"service_tier": RENDERED, "store": RENDERED},
        option_names=(REQUEST_OPTIONS | CONFIG_OPTIONS | THINKING_OPTIONS) - CLOUD_OPTIONS,
        finish_numbers=_FINISH_NUMBERS,
    )
    operations = (
        ContentEmbeddings(options={"embed": frozenset({"title", "auto_truncate"})}),
        ContentMedia(),
        ContentTokenCounting(),
        GeminiFiles(),
        GeminiBatches(options={"create_batch": frozenset({"display_name", "priority"})}),
    )

    def __init__(self, config: Mapping[str, Any] | Config | None = None, **settings: Any) -> None:
        """See `Driver`. A `base_url` that is a host alone is completed with the API's version."""
        super().__init__(config, **settings)
        if not urlsplit(self.config.base_url).path:
            self.config = msgspec.structs.replace(self.config, base_url=f"{self.config.base_url}/{_VERSION}")

    @cached_property
    def fixed_headers(self) -> Headers:
        """The key, in a header: Google takes it in the query, too, where it would end up in logs."""
        key = self.config.api_key
        return Headers({"x-goog-api-key": key.reveal()} if key else {})

    def models_request(self) -> Request:
        """The request for the first page of the model list."""
        return self.build_get("models", pageSize=_PAGE_SIZE)

    def next_page(self, reply: Reply) -> Request | None:
        """The request for the page after this one; `None` at the last."""
        token = as_str(as_dict(with_camel_names(self.decode_any(reply))).get("nextPageToken"))
        return self.build_get("models", pageSize=_PAGE_SIZE, pageToken=token) if token else None

    def parse_models(self, reply: Reply) -> list[AIModel]:
        """The models on one page; entries without a name are left out."""
        payload = self.decode(reply)
        if payload.get("error"):
            raise self.map_payload(payload)
        items = payload.get("models", [])
        if not isinstance(items, list):
            raise self.invalid_response("a list of models was expected", reply.body)
        return [self.parse_model(item) for item in items if isinstance(item, dict) and as_str(item.get("name"))]

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the model list."""
        raw, item = item, with_camel_names(item)
        methods = as_list(item.get("supportedGenerationMethods"))
        thinking = item.get("thinking")
        return AIModel(
            id=item["name"].removeprefix("models/"),
            name=as_str(item.get("displayName")),
            provider=self.name,
            type=next((kind for method, kind in _TYPES.items() if method in methods), "other" if methods else None),
            context_length=as_int(item.get("inputTokenLimit")),
            max_output_tokens=as_int(item.get("outputTokenLimit")),
            supports_reasoning=thinking if isinstance(thinking, bool) else None,
            owned_by="google",
            raw=raw,
        )
