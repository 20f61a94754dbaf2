"""Ollama's driver: chat, embeddings, models, and pulling them. https://docs.ollama.com/api"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from ...config import Setting
from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_list, as_str
from ...data.models import AIModel, Capabilities
from ...driver import Driver
from ...operations.kinds import EMBED
from ...operations.requests import EmbeddingRequest
from ...operations.results import EmbeddingResponse
from ...provider import AsyncProvider
from ...wires.ollama.options import OLLAMA_OPTIONS, RUNTIME_OPTIONS
from ...wires.ollama.usage import parse_usage
from ...wires.operations.base import OperationHooks, parse_time
from ...wires.operations.vectors import check_texts, read_vectors
from ..traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors, ValidatesHealth
from .host import read_host
from .pulling import PULL_OPTIONS, PullingOllama, PullProgress, pull_options, read_progress

__all__ = ["AsyncOllamaProvider", "OllamaDriver"]


class OllamaEmbeddings(OperationHooks, kw_only=True, eq=False):
    """Embeddings in Ollama's form. https://docs.ollama.com/api/embed"""

    kinds = (EMBED,)
    own_fields: ClassVar[Mapping[str, str | None]] = {"dimensions": "dimensions", "input_type": None, "user": None}

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        """The request for some texts."""
        check_texts(self, request)
        body: dict[str, Any] = {"model": request.model, "input": request.input}
        body = self.put_fields(body, request)
        runtime = {name: body.pop(name) for name in list(request.options) if name in RUNTIME_OPTIONS}
        if runtime:
            body["options"] = {**runtime, **as_dict(body.get("options"))}
        return self.build_post("api/embed", body, headers=request.extra_headers)

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        """The vectors, in the order of the texts."""
        payload = self.decode_success(reply)
        vectors = payload.get("embeddings")
        if not isinstance(vectors, list):
            raise self.invalid_response("it has no list of embeddings", reply.body)
        return EmbeddingResponse(
            embeddings=read_vectors(self, vectors, len(request.input), reply, warn=request.warn),
            usage=parse_usage(payload),
            model=as_str(payload.get("model")),
            raw={name: value for name, value in payload.items() if name != "embeddings"},
        )


class OllamaDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """Ollama over its own API. https://docs.ollama.com/api

    Without further settings it is the server on this machine; `OLLAMA_HOST` (or `host`) and `base_url` name another. A
    key is only needed for Ollama's cloud (`base_url="https://ollama.com"`).
    """

    name = "ollama"
    title = "Ollama"
    base_url = "http://localhost:11434"
    key_variables = ("OLLAMA_API_KEY",)
    requires_key = False
    settings = (Setting("host", env="OLLAMA_HOST", help="the server's address, as Ollama itself reads it"),)
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "json"),
    )
    errors = ErrorTable(branch="Ollama")
    wire = PullingOllama(option_names=OLLAMA_OPTIONS | PULL_OPTIONS)
    operations = (
        OllamaEmbeddings(options={"embed": frozenset({"keep_alive", "options", "truncate"}) | RUNTIME_OPTIONS}),
    )
    models_path = "api/tags"
    path_roots = ("/api", "/v1")

    def __init__(self, config: Any = None, **settings: Any) -> None:
        """See `Driver`. Raises `ConfigurationError` for a `host` that is not an address, too."""
        super().__init__(config, **settings)
        host = self.config.setting("host")
        if host and self.config.base_url == type(self).base_url:
            self.config = msgspec.structs.replace(self.config, base_url=read_host(host))

    def asynchronous(self) -> AsyncOllamaProvider:
        """The same provider for async callers."""
        return AsyncOllamaProvider(self)

    def parse_model(self, item: dict[str, Any]) -> AIModel:
        """One record of the list of models, which tells no more than their names and sizes."""
        name = as_str(item.get("model")) or as_str(item.get("name")) or item["id"]
        return AIModel(
            id=name,
            name=as_str(item.get("name")),
            provider=self.name,
            created=parse_time(item.get("modified_at")),
            raw=item,
        )

    def model_request(self, model_id: str) -> Request:
        """The request for all that is known of one model."""
        return self.build_post("api/show", {"model": model_id})

    def parse_model_reply(self, reply: Reply, model_id: str) -> AIModel:
        """One model with its context length and what it can do."""
        payload = self.decode(reply)
        if payload.get("error"):
            raise self.map_payload(payload)
        facts = as_dict(payload.get("model_info"))
        architecture = as_str(facts.get("general.architecture")) or ""
        listed = payload.get("capabilities")
        abilities: set[str] = {word for word in as_list(listed) if isinstance(word, str)}
        known = isinstance(listed, list)
        is_chat = "completion" in abilities
        return AIModel(
            id=model_id,
            name=as_str(facts.get("general.basename")),
            provider=self.name,
            type="chat" if is_chat else "embedding" if "embedding" in abilities else None,
            context_length=as_int(facts.get(f"{architecture}.context_length")),
            input_modalities=["text", *(["image"] if "vision" in abilities else [])] if known else None,
            output_modalities=["text"] if is_chat else None,
            supports_function_calling="tools" in abilities if known else None,
            supports_structured_output=True if is_chat else None,  # by a grammar, so every model does
            supports_reasoning="thinking" in abilities if known else None,
            created=parse_time(payload.get("modified_at")),
            raw=payload,
        )

    def pull_model(self, model: str, *, insecure: bool | None = None, **limits: Any) -> Iterator[PullProgress]:
        """Download a model to the server, telling how far it has come; nothing happens until the iterator is read.

        The download goes on only while the iterator is read, and goes on where it stopped when asked for again.
        `limits` are those of a call (`timeout`, `idle_timeout`, `deadline` in seconds, `retry_attempts`). Raises
        `StreamInterruptedError` when it breaks off or fails on the way, as for a model that the registry does not have.

        ::

            for progress in provider.pull_model("gemma3:1b"):
                print(progress.status, progress.fraction)
        """
        with self.send_streaming_message(f"pull {model}", **pull_options(model, insecure, limits)) as stream:
            for chunk in stream:
                yield from read_progress(chunk)


class AsyncOllamaProvider(AsyncProvider):
    """Ollama for async callers."""

    async def pull_model(
        self, model: str, *, insecure: bool | None = None, **limits: Any
    ) -> AsyncIterator[PullProgress]:
        """See `OllamaDriver.pull_model`; for `async for`."""
        async with self.send_streaming_message(f"pull {model}", **pull_options(model, insecure, limits)) as stream:
            async for chunk in stream:
                for progress in read_progress(chunk):
                    yield progress
