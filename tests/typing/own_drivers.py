"""Drivers by other authors: with traits, on a wire of ours, and a provider without any of that."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, assert_type

from polydriver import (
    AI,
    AIModel,
    AIResponse,
    Capabilities,
    Driver,
    EmbeddingResponse,
    ModelPricing,
    Provider,
    ProviderError,
    RateLimitError,
    Setting,
    Text,
)
from polydriver.data.http import Reply, Request
from polydriver.data.json import decode_json, encode_json
from polydriver.data.prompt import Prompt
from polydriver.drivers.traits import (
    CalculatesCosts,
    ErrorTable,
    HandlesApiCommunication,
    HandlesErrors,
    HandlesFunctionCalling,
    HandlesStreaming,
    StreamDecoder,
    ValidatesHealth,
)
from polydriver.engine.connection import Connection
from polydriver.operations.requests import EmbeddingRequest
from polydriver.wires.chat_completions import ChatCompletions


class RowDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """A service on a wire of ours."""

    name = "row"
    base_url = "https://row.example/v1"
    key_variables = ("ROW_API_KEY",)
    settings = (Setting("region", default="eu"), Setting("token", secret=True))
    capabilities = Capabilities(streaming=True, function_calling=True)
    errors = ErrorTable(branch="Row", codes={"too_fast": RateLimitError})
    wire = ChatCompletions(max_tokens_field="max_output", option_names=frozenset({"safety"}))

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "x-region": self.config.setting("region")}

    def pricing(self, model: str, variant: str | None = None) -> ModelPricing | None:
        return super().pricing(model)


class OwnDriver(
    HandlesApiCommunication,
    HandlesStreaming,
    HandlesFunctionCalling,
    HandlesErrors,
    ValidatesHealth,
    CalculatesCosts,
    Driver,
):
    """A service with a form of its own."""

    name = "own"
    base_url = "https://own.example"
    errors = ErrorTable(branch="Own")

    def build_request(self, prompt: Prompt) -> Request:
        body = encode_json({"text": prompt.messages[-1].text, "model": prompt.model})
        return Request(method="POST", url=f"{self.config.base_url}/say", headers=self.headers(), body=body)

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        return AIResponse(parts=[Text(decode_json(reply.body)["text"])], finish_reason="stop")

    def decoder(self, prompt: Prompt) -> StreamDecoder[Any]:
        raise self.unsupported("streaming")

    def models_request(self) -> Request:
        return Request(method="GET", url=f"{self.config.base_url}/models", headers=self.headers())

    def parse_models(self, reply: Reply) -> list[AIModel]:
        return [AIModel(id=name) for name in decode_json(reply.body)]

    def next_page(self, reply: Reply) -> Request | None:
        return None

    def authenticate(self, request: Request, now: float) -> Generator[Request, Reply, Request]:
        reply = yield Request(method="POST", url=f"{self.config.base_url}/token", headers={})
        assert_type(reply, Reply)
        return request

    def error_code(self, reply: Reply) -> str | None:
        return None

    def map_error(self, reply: Reply) -> ProviderError:
        return super().map_error(reply)

    def build_embeddings(self, request: EmbeddingRequest) -> Request:
        return Request(method="POST", url="", headers={}, body=encode_json(request.input))

    def parse_embeddings(self, reply: Reply, request: EmbeddingRequest) -> EmbeddingResponse:
        return EmbeddingResponse(embeddings=decode_json(reply.body))


class Logged(Provider):
    """A provider around another one: the escape hatch."""

    def __init__(self, inner: Driver) -> None:
        self.inner = inner

    @property
    def driver(self) -> Driver:
        return self.inner

    @property
    def connection(self) -> Connection:
        return self.inner.connection

    def calculate_cost(self, usage: Any, model: str) -> None:
        return None

    def get_capabilities(self) -> Capabilities:
        return self.inner.get_capabilities()

    def get_config(self) -> dict[str, Any]:
        return self.inner.get_config()

    def get_name(self) -> str:
        return self.inner.get_name()


def registering(ai: AI) -> None:
    ai.extend("row", RowDriver)
    ai.extend("own", lambda config: OwnDriver(config))
    ai.extend("logged", lambda manager, config: Logged(OwnDriver(config)))
    assert_type(RowDriver({"api_key": "k"}).send_message("Hi"), AIResponse)
