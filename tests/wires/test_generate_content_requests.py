"""What is sent to Gemini: each body is valid by Google's own description of the API."""

from __future__ import annotations

import base64
import email
import io
import json
import wave
from pathlib import Path
from typing import Any

import pytest
from tests.hooks import hook
from tests.wires.discovery import GEMINI, validate_message
from tests.wires.gemini_reader import read_request
from tests.wires.replay import records, reply_of

from polydriver.data.http import Reply, Request
from polydriver.data.messages import (
    AIMessage,
    Audio,
    Document,
    Image,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from polydriver.data.prompt import OutputFormat, Prompt, ProviderTool, ToolSpec
from polydriver.drivers.gemini import GeminiDriver
from polydriver.errors import (
    AIError,
    ConfigurationError,
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnsupportedFeatureError,
)
from polydriver.operations.requests import (
    EmbeddingRequest,
    FileUpload,
    ImageEditRequest,
    ImageRequest,
    ItemRequest,
    PageRequest,
    SpeechRequest,
)
from polydriver.wires.generate_content.names import with_camel_names
from polydriver.wires.generate_content.schemas import render_openapi_schema

KEY = "test-key-123456"
DRIVER = GeminiDriver({"api_key": KEY})
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec(name="weather", description="The weather", parameters=CITY)


def render(messages: Any = None, model: str = "gemini-3-flash-preview", **options: Any) -> dict[str, Any]:
    """Return the body for a prompt, after checking it against Google's description."""
    return render_prompt(make(messages, model, **options))


def make(messages: Any = None, model: str = "gemini-3-flash-preview", **options: Any) -> Prompt:
    given = [AIMessage("Hi")] if messages is None else messages
    return Prompt(messages=given, model=model, **options)


def render_prompt(prompt: Prompt) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(body_of(DRIVER.build_request(prompt)))
    validate_message(GEMINI, "GenerateContentRequest", body)
    return body


def body_of(request: Request) -> bytes:
    assert request.body is not None
    return request.body


class TestRequest:
    def test_address_and_key(self) -> None:
        request = DRIVER.build_request(make(model="gemini-2.5-flash"))
        assert request.url == "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
        assert request.headers["x-goog-api-key"] == KEY
        streamed = DRIVER.build_request(make(model="models/gemini-2.5-flash", stream=True))
        assert streamed.url.endswith("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
        assert KEY not in streamed.url
        tuned = DRIVER.build_request(make(model="tunedModels/mine-1"))
        assert tuned.url.endswith("/tunedModels/mine-1:generateContent")
        assert "%3Fkey" in DRIVER.build_request(make(model="x?key=y")).url

    def test_the_key_comes_from_either_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GOOGLE_API_KEY", "google-key-123")
        assert GeminiDriver().headers() == {"x-goog-api-key": "google-key-123"}
        monkeypatch.setenv("GEMINI_API_KEY", "gemini-key-123")
        assert GeminiDriver().headers() == {"x-goog-api-key": "gemini-key-123"}

    def test_every_option(self) -> None:
        body = render(
            temperature=0,
            top_p=0.5,
            top_k=3,
            max_tokens=10,
            stop=[],
            seed=0,
            n=2,
            presence_penalty=0.0,
            frequency_penalty=0.1,
            logprobs=True,
            top_logprobs=2,
            modalities=["text", "image"],
            service_tier="flex",
            store=False,
            options={
                "safety_settings": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
                "cached_content": "cachedContents/1",
                "media_resolution": "MEDIA_RESOLUTION_LOW",
                "include_thoughts": False,
            },
        )
        assert body["generationConfig"] == {
            "temperature": 0,
            "topP": 0.5,
            "topK": 3,
            "maxOutputTokens": 10,
            "seed": 0,
            "candidateCount": 2,
            "presencePenalty": 0.0,
            "frequencyPenalty": 0.1,
            "responseLogprobs": True,
            "logprobs": 2,
            "responseModalities": ["TEXT", "IMAGE"],
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "thinkingConfig": {"includeThoughts": False},
        }
        assert body["safetySettings"] == [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
        assert (body["cachedContent"], body["serviceTier"], body["store"]) == ("cachedContents/1", "flex", False)

    def test_what_is_not_taken_is_told(self) -> None:
        prompt = make(user="u", logit_bias={"1": 2}, prompt_cache_key="k", parallel_tool_calls=False)
        assert render_prompt(prompt) == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
        assert len(prompt.warnings) == 4

    def test_extra_is_merged_into_what_is_there(self) -> None:
        body = render(temperature=1, extra={"generationConfig": {"topK": 1}, "store": True})
        assert body["generationConfig"] == {"temperature": 1, "topK": 1}
        assert body["store"] is True

    def test_speech(self) -> None:
        body = render(audio={"voice": "Kore"}, model="gemini-2.5-flash-preview-tts")
        assert body["generationConfig"]["responseModalities"] == ["AUDIO"]
        voice = body["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
        assert voice == {"voiceName": "Kore"}


class TestThinking:
    @pytest.mark.parametrize(
        ("model", "effort", "config"),
        [
            ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
            ("gemini-2.5-flash", "high", {"thinkingBudget": 24576, "includeThoughts": True}),
            ("models/gemini-2.5-pro-preview-05-06", "minimal", {"thinkingBudget": 1024, "includeThoughts": True}),
            ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
            ("gemini-2.5-pro", "max", {"thinkingBudget": 32768, "includeThoughts": True}),
            ("gemini-3-flash-preview", "low", {"thinkingLevel": "LOW", "includeThoughts": True}),
            ("gemini-3-flash-preview", "none", {"thinkingLevel": "MINIMAL"}),
            ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH", "includeThoughts": True}),
            ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "LOW", "includeThoughts": True}),
            ("gemini-9-ultra", "xhigh", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ],
    )
    def test_effort(self, model: str, effort: str, config: dict[str, Any]) -> None:
        assert render(model=model, reasoning_effort=effort)["generationConfig"]["thinkingConfig"] == config

    def test_budget(self) -> None:
        config = render(reasoning_budget=0)["generationConfig"]["thinkingConfig"]
        assert config == {"thinkingBudget": 0}
        prompt = make(reasoning_budget=5, reasoning_effort="low")
        assert render_prompt(prompt)["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 5
        assert prompt.warnings

    def test_a_model_that_does_not_think(self) -> None:
        prompt = make(model="gemini-2.0-flash", reasoning_effort="low")
        assert "generationConfig" not in render_prompt(prompt)
        assert "gemini-2.0-flash" in prompt.warnings[0]


class TestMessages:
    def test_system_messages_wherever_they_stand(self) -> None:
        messages = [
            AIMessage.system("Be brief."),
            AIMessage("Hi"),
            AIMessage("And this.", "developer"),
            AIMessage("there"),
            AIMessage("Hello", "assistant"),
        ]
        body = render(messages)
        assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "And this."}]}
        assert [content["role"] for content in body["contents"]] == ["user", "model"]
        assert body["contents"][0]["parts"] == [{"text": "Hi"}, {"text": "there"}]

    @pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemma-3-27b-it"])
    def test_a_system_message_alone_or_for_a_model_without_is_the_users(self, model: str) -> None:
        messages = [AIMessage.system("Say hi")] + ([AIMessage("Hi")] if model.startswith("gemma") else [])
        prompt = make(messages, model)
        body = render_prompt(prompt)
        assert "systemInstruction" not in body
        assert body["contents"][0]["parts"][0] == {"text": "Say hi"}
        assert prompt.warnings

    def test_results_by_order_and_name_with_the_apis_ids_only(self) -> None:
        calls: list[Part] = [
            ToolCall("call_made", "a", {"x": 1}),
            ToolCall("g1", "b", {}, None, {"google": {"id": "g1", "thoughtSignature": "s"}}),
        ]
        results: list[Part] = [ToolResult("call_made", "sunny", "a"), ToolResult("g1", '{"t": 3}', "b")]
        failed = ToolResult("other", "it broke", "c", is_error=True)
        body = render(
            [
                AIMessage("Hi"),
                AIMessage(calls, "assistant"),
                AIMessage(results[:1], "tool"),
                AIMessage([results[1], failed], "tool"),
            ]
        )
        assert body["contents"][1]["parts"] == [
            {"functionCall": {"name": "a", "args": {"x": 1}}},
            {"functionCall": {"name": "b", "args": {}, "id": "g1"}, "thoughtSignature": "s"},
        ]
        assert body["contents"][2]["parts"] == [
            {"functionResponse": {"name": "a", "response": {"output": "sunny"}}},
            {"functionResponse": {"name": "b", "response": {"t": 3}, "id": "g1"}},
            {"functionResponse": {"name": "c", "response": {"error": "it broke"}}},
        ]

    def test_foreign_calls_get_the_signature_that_google_documents_for_them(self) -> None:
        calls: list[Part] = [ToolCall("toolu_1", "a", {}, None, {"anthropic": {"x": "y"}}), ToolCall("toolu_2", "b")]
        messages = [AIMessage("Hi"), AIMessage(calls, "assistant")]
        parts = render(messages)["contents"][1]["parts"]
        assert [part.get("thoughtSignature") for part in parts] == ["skip_thought_signature_validator", None]
        assert all(
            "thoughtSignature" not in part for part in render(messages, "gemini-2.5-pro")["contents"][1]["parts"]
        )

    def test_foreign_reasoning_and_parts_are_left_out(self) -> None:
        parts: list[Part] = [
            Reasoning("hm", {"anthropic": {"signature": "s"}}),
            ProviderPart("openai", "web_search_call", {}),
            Text("So."),
        ]
        prompt = make([AIMessage("Hi"), AIMessage(parts, "assistant")])
        assert render_prompt(prompt)["contents"][1]["parts"] == [{"text": "So."}]
        assert len(prompt.warnings) == 1

    def test_media(self) -> None:
        parts: list[Part] = [
            Image.from_bytes(b"i", "image/png"),
            Audio.from_bytes(b"a", "audio/mpeg"),
            Video.from_url(
                "https://www.youtube.com/watch?v=x", provider_data={"google": {"videoMetadata": {"fps": 1}}}
            ),
            Document.from_bytes(b"%PDF", "application/pdf", title="A paper"),
            Image.from_id("files/abc", "image/png"),
        ]
        rendered = render([AIMessage(parts)])["contents"][0]["parts"]
        assert rendered == [
            {"inlineData": {"mimeType": "image/png", "data": "aQ=="}},
            {"inlineData": {"mimeType": "audio/mpeg", "data": "YQ=="}},
            {
                "fileData": {"fileUri": "https://www.youtube.com/watch?v=x", "mimeType": "video/mp4"},
                "videoMetadata": {"fps": 1},
            },
            {"text": "A paper"},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
            {
                "fileData": {
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
                    "mimeType": "image/png",
                }
            },
        ]

    def test_media_in_results(self) -> None:
        result = ToolResult("c", [Text("see"), Image.from_bytes(b"i", "image/png")], "look")
        messages = [AIMessage("Hi"), AIMessage([ToolCall("c", "look")], "assistant"), AIMessage([result], "tool")]
        blob = {"inlineData": {"mimeType": "image/png", "data": "aQ=="}}
        inside = render(messages)["contents"][2]["parts"]
        assert inside == [{"functionResponse": {"name": "look", "response": {"output": "see"}, "parts": [blob]}}]
        assert render(messages, "gemini-2.5-flash")["contents"][2]["parts"][1] == blob


class TestTools:
    def test_functions_and_choice(self) -> None:
        body = render(tools=[WEATHER, ToolSpec(name="now")], tool_choice="weather")
        assert body["tools"] == [
            {
                "functionDeclarations": [
                    {"name": "weather", "description": "The weather", "parametersJsonSchema": CITY},
                    {"name": "now", "description": ""},
                ]
            }
        ]
        assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}

    @pytest.mark.parametrize(("choice", "mode"), [("auto", "AUTO"), ("none", "NONE"), ("required", "ANY")])
    def test_modes(self, choice: str, mode: str) -> None:
        assert render(tools=[WEATHER], tool_choice=choice)["toolConfig"]["functionCallingConfig"] == {"mode": mode}

    def test_googles_own_tools(self) -> None:
        tools = [ProviderTool(data={"googleSearch": {}}), ProviderTool(data={"codeExecution": {}})]
        assert render(tools=tools)["tools"] == [{"googleSearch": {}}, {"codeExecution": {}}]
        both = render(tools=[WEATHER, *tools])
        assert both["toolConfig"] == {"includeServerSideToolInvocations": True}
        assert "toolConfig" not in render(tools=tools, model="gemini-2.5-pro")
        with pytest.raises(UnsupportedFeatureError):
            render(tools=[WEATHER, *tools], model="gemini-2.5-pro")


class TestOutput:
    def test_json_schema(self) -> None:
        schema = {"$schema": "x", "type": "object", "properties": {"kind": {"const": "a"}}, "$defs": {}}
        config = render(response_format=OutputFormat(schema=schema))["generationConfig"]
        assert config == {
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object", "properties": {"kind": {"enum": ["a"]}}, "$defs": {}},
        }
        assert render(response_format=OutputFormat())["generationConfig"] == {"responseMimeType": "application/json"}

    def test_older_models_get_the_subset(self) -> None:
        config = render(model="gemini-1.5-pro", response_format=OutputFormat(schema=CITY))["generationConfig"]
        assert config["responseSchema"] == {
            "type": "OBJECT",
            "properties": {"city": {"type": "STRING"}},
            "propertyOrdering": ["city"],
            "required": ["city"],
        }

    def test_beside_tools_older_models_are_asked_in_words(self) -> None:
        wanted = OutputFormat(schema=CITY)
        prompt = make(model="gemini-2.5-flash", tools=[WEATHER], response_format=wanted)
        body = render_prompt(prompt)
        assert "generationConfig" not in body
        assert '"city"' in body["systemInstruction"]["parts"][0]["text"]
        assert prompt.warnings
        assert "responseJsonSchema" in render(tools=[WEATHER], response_format=wanted)["generationConfig"]

    def test_the_subset(self) -> None:
        schema = {
            "$defs": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "type": "object",
            "properties": {
                "pet": {"$ref": "#/$defs/Pet"},
                "age": {"type": ["integer", "null"], "minimum": 0},
                "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
                "either": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
                "when": {"type": "string", "format": "date-time"},
                "mail": {"type": "string", "format": "email"},
                "all": {"allOf": [{"type": "object", "properties": {"x": {}}}, {"properties": {"y": {"const": 1}}}]},
            },
            "additionalProperties": False,
        }
        converted = render_openapi_schema(schema)
        validate_message(GEMINI, "Schema", converted)
        properties = converted["properties"]
        assert properties["pet"]["properties"] == {"name": {"type": "STRING"}}
        assert properties["age"] == {"type": "INTEGER", "minimum": 0, "nullable": True}
        assert properties["tags"]["items"] == {"type": "STRING", "enum": ["a", "b"]}
        assert properties["either"] == {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True}
        assert properties["when"]["format"] == "date-time"
        assert "format" not in properties["mail"]
        assert properties["all"]["properties"]["y"] == {"type": "INTEGER"}

    def test_a_reference_to_nowhere(self) -> None:
        with pytest.raises(ConfigurationError):
            render(model="gemini-1.5-pro", response_format=OutputFormat(schema={"$ref": "#/$defs/Gone"}))


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "word", "message", "details", "kind"),
        [
            (
                400,
                "INVALID_ARGUMENT",
                "API key not valid.",
                [{"@type": "x.ErrorInfo", "reason": "API_KEY_INVALID"}],
                InvalidCredentialsError,
            ),
            (
                400,
                "INVALID_ARGUMENT",
                "Bad.",
                [{"@type": "x.ErrorInfo", "reason": "API_KEY_INVALID"}],
                InvalidCredentialsError,
            ),
            (400, "INVALID_ARGUMENT", "Please use a valid role.", [], InvalidRequestError),
            (
                400,
                "INVALID_ARGUMENT",
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                [],
                ContextLengthError,
            ),
            (403, "PERMISSION_DENIED", "No.", [], InvalidCredentialsError),
            (
                403,
                "PERMISSION_DENIED",
                "No.",
                [{"@type": "x.ErrorInfo", "reason": "BILLING_DISABLED"}],
                QuotaExceededError,
            ),
            (404, "NOT_FOUND", "models/x is not found for API version v1beta", [], ModelNotFoundError),
            (404, "NOT_FOUND", "Publisher Model `projects/p` was not found", [], ModelNotFoundError),
            (404, "NOT_FOUND", "cachedContents/1 is gone", [], InvalidRequestError),
            (429, "RESOURCE_EXHAUSTED", "Slow down; check your plan and billing details.", [], RateLimitError),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "No.",
                [{"@type": "x.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}],
                QuotaExceededError,
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "No.",
                [{"@type": "x.QuotaFailure", "violations": [{"quotaId": "PerMinute", "quotaValue": "0"}]}],
                QuotaExceededError,
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "No.",
                [{"@type": "x.QuotaFailure", "violations": [{"quotaId": "PerMinute", "quotaValue": "9"}]}],
                RateLimitError,
            ),
            (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", [], QuotaExceededError),
            (500, "INTERNAL", "Oh.", [], ServerError),
            (503, "UNAVAILABLE", "The model is overloaded.", [], ServerError),
        ],
    )
    def test_classes(self, status: int, word: str, message: str, details: list[Any], kind: type[AIError]) -> None:
        body = {"error": {"code": status, "message": message, "status": word, "details": details}}
        for payload in (body, [body]):
            error = DRIVER.map_error(Reply(status=status, body=json.dumps(payload).encode()))
            assert type(error).__name__ == f"Gemini{kind.__name__}"
            assert isinstance(error, kind)
            assert (error.type, error.status) == (word, status)

    @pytest.mark.parametrize("delay", ["36.5s", {"seconds": "36", "nanos": 500_000_000}])
    def test_when_to_come_back(self, delay: Any) -> None:
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
        body = {"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED", "details": details}}
        assert DRIVER.map_error(Reply(status=429, body=json.dumps(body).encode())).retry_after == 36.5

    @pytest.mark.parametrize(
        "details", [5, [5], [{"@type": 5}], [{"@type": "x.RetryInfo", "retryDelay": {"seconds": []}}], {}]
    )
    def test_strange_details(self, details: Any) -> None:
        body = {"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED", "details": details}}
        error = DRIVER.map_error(Reply(status=429, body=json.dumps(body).encode()))
        assert (type(error).__name__, error.retry_after) == ("GeminiRateLimitError", None)


class TestOperations:
    def test_embeddings(self) -> None:
        wanted = EmbeddingRequest(model="gemini-embedding-001", input=["a", "b"], dimensions=2, input_type="query")
        request = hook(DRIVER, "build_embeddings")(wanted)
        assert request.url.endswith("/models/gemini-embedding-001:batchEmbedContents")
        body = json.loads(body_of(request))
        validate_message(GEMINI, "BatchEmbedContentsRequest", body)
        assert body["requests"][1] == {
            "model": "models/gemini-embedding-001",
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 2,
            "content": {"parts": [{"text": "b"}]},
        }
        with pytest.raises(UnsupportedFeatureError):
            hook(DRIVER, "build_embeddings")(EmbeddingRequest(model="m", input=[[1, 2]]))

    def test_recorded_embeddings(self, wire_dir: Path) -> None:
        for record in records(wire_dir, "gemini-embed"):
            expected, reply = record["expected"], reply_of(record)
            if reply.ok:
                wanted = EmbeddingRequest(model="m", input=["x"] * expected["embeddings"]["n"])
                vectors = hook(DRIVER, "parse_embeddings")(reply, wanted).embeddings
                assert len(vectors[0]) == expected["embeddings"]["dims"]
                assert vectors[0][:3] == expected["embeddings"]["head"]
            else:
                assert isinstance(DRIVER.map_error(reply), ModelNotFoundError)

    @pytest.mark.parametrize("body", [b"{}", b'{"embeddings": [{"values": ["x"]}]}', b'{"embeddings": 5}', b"[]", b"x"])
    def test_strange_embeddings(self, body: bytes) -> None:
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_embeddings")(Reply(status=200, body=body), EmbeddingRequest(model="m", input=["x"]))

    def test_token_counts(self, wire_dir: Path) -> None:
        prompt = make([AIMessage.system("Be brief."), AIMessage("Hi")], tools=[WEATHER])
        request = hook(DRIVER, "build_token_count")(prompt)
        assert request.url.endswith(":countTokens")
        validate_message(GEMINI, "CountTokensRequest", json.loads(body_of(request)))
        for record in records(wire_dir, "gemini-count-tokens"):
            reply = reply_of(record)
            if reply.ok:
                assert (
                    hook(DRIVER, "parse_token_count")(reply, prompt).input_tokens == record["expected"]["input_tokens"]
                )
            else:
                assert isinstance(DRIVER.map_error(reply), ModelNotFoundError)

    def test_models_with_pages(self) -> None:
        models = [
            {
                "name": "models/gemini-9",
                "displayName": "Gemini 9",
                "inputTokenLimit": 1000,
                "outputTokenLimit": 10,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "thinking": True,
            },
            {"name": "models/emb", "supportedGenerationMethods": ["embedContent"]},
            {"displayName": "nameless"},
            5,
        ]
        page = Reply(status=200, body=json.dumps({"models": models, "nextPageToken": "a&b"}).encode())
        first, second = DRIVER.parse_models(page)
        assert (first.id, first.type, first.context_length, first.supports_reasoning) == (
            "gemini-9",
            "chat",
            1000,
            True,
        )
        assert (second.id, second.type) == ("emb", "embedding")
        following = DRIVER.next_page(page)
        assert following is not None
        assert following.url.endswith("/models?pageSize=1000&pageToken=a%26b")
        assert DRIVER.next_page(Reply(status=200, body=b"{}")) is None
        assert DRIVER.parse_models(Reply(status=200, body=b"{}")) == []


class TestMedia:
    PIXEL = base64.b64encode(b"png!").decode()

    def reply(self, *parts: dict[str, Any], finish: str = "STOP") -> Reply:
        payload = {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish}], "modelVersion": "g"}
        return Reply(status=200, body=json.dumps(payload).encode())

    def test_pictures_by_gemini(self) -> None:
        wanted = ImageRequest(model="gemini-2.5-flash-image", prompt="A cat", size="1536x1024", quality="high")
        request = hook(DRIVER, "build_image")(wanted)
        body = json.loads(body_of(request))
        validate_message(GEMINI, "GenerateContentRequest", body)
        assert body["generationConfig"] == {
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "3:2"},
        }
        assert wanted.warnings
        got = hook(DRIVER, "parse_image")(
            self.reply({"inlineData": {"mimeType": "image/png", "data": self.PIXEL}}), wanted
        )
        assert [image.data for image in got.images] == [b"png!"]
        with pytest.raises(ContentFilterError):
            hook(DRIVER, "parse_image")(self.reply(finish="IMAGE_SAFETY"), wanted)
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_image")(self.reply({"text": "no"}), wanted)

    def test_pictures_by_imagen(self) -> None:
        wanted = ImageRequest(model="imagen-4.0-generate-001", prompt="A cat", n=2, size="16:9", format="jpeg")
        request = hook(DRIVER, "build_image")(wanted)
        assert request.url.endswith("/models/imagen-4.0-generate-001:predict")
        body = json.loads(body_of(request))
        validate_message(GEMINI, "PredictRequest", body)
        assert body["parameters"] == {
            "sampleCount": 2,
            "aspectRatio": "16:9",
            "outputOptions": {"mimeType": "image/jpeg"},
        }
        found = {"predictions": [{"bytesBase64Encoded": self.PIXEL, "mimeType": "image/jpeg"}]}
        got = hook(DRIVER, "parse_image")(Reply(status=200, body=json.dumps(found).encode()), wanted)
        assert (got.images[0].data, got.images[0].media_type) == (b"png!", "image/jpeg")
        filtered = {"predictions": [{"raiFilteredReason": "No."}]}
        for payload in (filtered, {}):
            with pytest.raises(ContentFilterError):
                hook(DRIVER, "parse_image")(Reply(status=200, body=json.dumps(payload).encode()), wanted)

    def test_changing_pictures(self) -> None:
        cat = Image.from_bytes(b"cat", "image/png")
        wanted = ImageEditRequest(model="gemini-2.5-flash-image", prompt="Add a hat", images=[cat])
        body = json.loads(body_of(hook(DRIVER, "build_image_edit")(wanted)))
        assert [list(part) for part in body["contents"][0]["parts"]] == [["inlineData"], ["text"]]
        with pytest.raises(UnsupportedFeatureError):
            hook(DRIVER, "build_image_edit")(ImageEditRequest(model="gemini-9", prompt="x", images=[cat], mask=cat))

    def test_speech(self) -> None:
        wanted = SpeechRequest(model="gemini-2.5-flash-preview-tts", text="Hi", voice="Kore", instructions="Whisper")
        body = json.loads(body_of(hook(DRIVER, "build_speech")(wanted)))
        validate_message(GEMINI, "GenerateContentRequest", body)
        assert body["contents"][0]["parts"] == [{"text": "Whisper: Hi"}]
        samples = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=16000", "data": self.PIXEL}}
        sound = hook(DRIVER, "parse_speech")(self.reply(samples), wanted).audio
        assert sound.media_type == "audio/wav"
        with wave.open(io.BytesIO(sound.data or b"")) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        wanted.format = "pcm"
        assert hook(DRIVER, "parse_speech")(self.reply(samples), wanted).audio.data == b"png!"


FILE = {
    "name": "files/abc",
    "displayName": "a.txt",
    "mimeType": "text/plain",
    "sizeBytes": "5",
    "createTime": "2026-05-28T14:45:17.041985123Z",
    "uri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
    "state": "ACTIVE",
}


class TestFiles:
    def reply(self, payload: Any) -> Reply:
        return Reply(status=200, body=json.dumps(payload).encode())

    def test_uploads(self) -> None:
        wanted = FileUpload(data=b"hello", name="a.txt", media_type="text/plain")
        request = hook(DRIVER, "build_file_upload")(wanted)
        assert request.url == "https://generativelanguage.googleapis.com/upload/v1beta/files"
        assert request.headers["x-goog-upload-protocol"] == "multipart"
        message = email.message_from_bytes(
            b"content-type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + body_of(request)
        )
        record, content = list(message.walk())[1:]
        assert json.loads(str(record.get_payload())) == {"file": {"displayName": "a.txt"}}
        assert (content.get_content_type(), content.get_payload()) == ("text/plain", "hello")
        got = hook(DRIVER, "parse_file_upload")(self.reply({"file": FILE}), wanted)
        assert (got.id, got.name, got.size, got.status) == ("files/abc", "a.txt", 5, "ACTIVE")
        assert got.created is not None

    def test_list_get_delete(self) -> None:
        listed = PageRequest(limit=2, after="t")
        assert hook(DRIVER, "build_file_list")(listed).url.endswith("/v1beta/files?pageSize=2&pageToken=t")
        page = hook(DRIVER, "parse_file_list")(self.reply({"files": [FILE], "nextPageToken": "n"}), listed)
        assert ([file.id for file in page.items], page.next) == (["files/abc"], "n")
        assert hook(DRIVER, "parse_file_list")(self.reply({}), listed).next is None
        item = ItemRequest(id="files/abc")
        assert hook(DRIVER, "build_file")(item).url.endswith("/v1beta/files/abc")
        assert hook(DRIVER, "build_file")(ItemRequest(id="a/x")).url.endswith("/files/a%2Fx")
        with pytest.raises(ConfigurationError):
            hook(DRIVER, "build_file")(ItemRequest(id="../x"))
        assert hook(DRIVER, "parse_file")(self.reply(FILE), item).url == FILE["uri"]
        assert hook(DRIVER, "build_file_deletion")(item).method == "DELETE"
        assert hook(DRIVER, "parse_file_deletion")(self.reply({}), item)
        with pytest.raises(InvalidResponseError):
            hook(DRIVER, "parse_file")(self.reply({"name": 5}), item)


class TestRoundTrip:
    def test_recorded_requests_read_and_rendered_again(self, wire_dir: Path) -> None:
        count = 0
        for record in records(wire_dir, "gemini-generate"):
            request = record["request"]
            if not request or record["provider"] != "gemini":
                continue
            model = request["url"].split("/models/")[1].split(":")[0]
            original = with_camel_names(request["body"])
            prompt = read_request(request["body"], model)
            if "enum-encoding%3Dint" in request["url"]:
                prompt.options.pop("safety_settings", None)  # numbers, which the description has no place for
            body = render_prompt(prompt)
            assert _spoken(body["contents"]) == _spoken(original["contents"]), record["id"]
            count += 1
        assert count > 60


def _spoken(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts without unsigned thoughts, which are not sent back, and without the bytes that were elided."""
    kept = []
    for content in contents:
        for part in content["parts"]:
            if part.get("thought") and "thoughtSignature" not in part:
                continue
            if call := part.get("functionCall"):
                part = {**part, "functionCall": {"args": {}, **call}}
            if blob := part.get("inlineData"):
                part = {**part, "inlineData": blob["mimeType"]}
            if result := part.get("functionResponse"):
                part = {"functionResponse": {**result, "parts": len(result.get("parts", []))}}
            kept.append(part)
    return kept
