"""What drivers claim is what they do: for every driver, and every capability of its chat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polydriver.data.http import Request, Simulated
from polydriver.data.messages import AIMessage, Audio, Document, Image, Media, ToolCall, Video
from polydriver.data.models import AIModel, Capabilities
from polydriver.data.prompt import Prompt, ToolSpec
from polydriver.driver import Driver
from polydriver.drivers import driver_class, driver_names
from polydriver.drivers.openai import OpenAIDriver
from polydriver.engine.transports.simulated import SimulatedTransport
from polydriver.errors import ModelNotFoundError, UnsupportedFeatureError
from polydriver.prices.catalog import find
from polydriver.prompting import build_prompt
from polydriver.testing.examples import example_config

PIXELS = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
MEDIA: dict[str, Media] = {
    "image": Image.from_bytes(PIXELS, "image/png"),
    "audio": Audio.from_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
    "video": Video.from_bytes(b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
    "document": Document.from_bytes(b"%PDF-1.4\n%%EOF\n", "application/pdf", name="report.pdf"),
}
TOOL = ToolSpec(name="look_up", parameters={"type": "object", "properties": {"wanted_field": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"wanted_field": {"type": "string"}}, "required": ["wanted_field"]}


def make(name: str) -> Driver:
    try:
        kind = driver_class(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("polydriver"):
            raise
        pytest.skip(f"{name} needs the package {error.name}")
    made: Driver = kind(example_config(kind), env={})
    return made


@pytest.fixture(params=driver_names())
def driver(request: pytest.FixtureRequest) -> Driver:
    """Each driver in turn, with an example configuration."""
    return make(request.param)


@pytest.fixture
def chatting(driver: Driver) -> Driver:
    """Each driver that chats."""
    if not driver.get_capabilities().chat:
        pytest.skip(f"{driver.name} does not chat")
    return driver


def build(driver: Driver, messages: Any, **options: Any) -> tuple[bytes, Prompt]:
    """Return the body of the request and its prompt. Raises `UnsupportedFeatureError` as a call would."""
    prompt, _ = build_prompt(driver, messages, {"model": "some-model-1", **options})
    return driver.build_request(prompt).body or b"", prompt


def check(driver: Driver, claimed: bool, needle: bytes, messages: Any, **options: Any) -> None:
    """A claimed capability is in the request; another one raises before it, or warns."""
    if claimed:
        body, _ = build(driver, messages, **options)
        assert needle in body
        return
    try:
        _, prompt = build(driver, messages, **options)
    except UnsupportedFeatureError:
        return
    assert prompt.warnings


@pytest.mark.parametrize("kind", sorted(MEDIA))
def test_media(chatting: Driver, kind: str) -> None:
    capabilities = chatting.get_capabilities()
    claimed = capabilities.supports(kind)
    part: Any = MEDIA[kind]
    check(chatting, claimed, part.base64.encode(), [AIMessage.user(["Look.", part])])
    assert capabilities.vision is ("image" in capabilities.supported_formats) is chatting.supports_vision()
    assert capabilities.audio is ("audio" in capabilities.supported_formats)


def test_tools(chatting: Driver) -> None:
    claimed = chatting.get_capabilities().function_calling
    assert chatting.supports_function_calling() is claimed
    check(chatting, claimed, b"wanted_field", "Look it up.", tools=[TOOL])


def test_parallel_calls(chatting: Driver) -> None:
    calls = [ToolCall(f"call_{word}", "look_up", {"wanted_field": word}) for word in ("one", "two")]
    results = [AIMessage.tool("call_one", "first"), AIMessage.tool("call_two", "second")]
    if chatting.get_capabilities().parallel_function_calling:
        body, _ = build(chatting, ["Look.", AIMessage.assistant("", calls), *results], tools=[TOOL])
        assert all(word in body for word in (b"one", b"two", b"first", b"second"))
    else:
        assert not chatting.get_capabilities().function_calling


def test_a_form_for_the_answer(chatting: Driver) -> None:
    claimed = chatting.get_capabilities().supports("json")
    check(chatting, claimed, b"wanted_field", "Look it up.", response_format=SCHEMA)


def test_streaming(driver: Driver) -> None:
    prompt = Prompt(messages=[AIMessage("Hi")], model="some-model-1", stream=True)
    assert driver.supports_streaming() is driver.get_capabilities().streaming
    if driver.supports_streaming():
        assert driver.decoder(prompt).feed(b"") == []
    else:
        with pytest.raises(UnsupportedFeatureError):
            driver.decoder(prompt)


def test_who_does_not_chat_says_so(driver: Driver) -> None:
    if driver.get_capabilities().chat:
        assert "text" in driver.get_capabilities().supported_formats
    else:
        with pytest.raises(UnsupportedFeatureError):
            build(driver, "Hi")


class TestContextLength:
    """`max_context_length` is the driver's own word, else the catalog's on the default model."""

    def test_it_is_that_of_the_default_model(self) -> None:
        known = OpenAIDriver({"api_key": "sk-test-0123456789", "default_model": "gpt-4o-mini"})
        assert known.get_capabilities().max_context_length == 128_000
        assert known.get_capabilities().as_dict()["max_context_length"] == 128_000

    def test_it_is_unknown_without_one(self) -> None:
        for model in (None, "nobody-knows-1"):
            settings = {"api_key": "sk-test-0123456789", **({"default_model": model} if model else {})}
            assert driver_class("groq")(settings).get_capabilities().max_context_length is None

    def test_the_word_of_the_driver_goes_first(self) -> None:
        class Short(OpenAIDriver):
            name = "short"
            capabilities = Capabilities(max_context_length=1000)

        made = Short({"api_key": "sk-test-0123456789", "default_model": "gpt-4o-mini"})
        assert made.get_capabilities().max_context_length == 1000


class TestModels:
    """`get_model` joins what the provider lists and what the catalog knows."""

    def provider(self, *listed: dict[str, Any]) -> OpenAIDriver:
        def answer(request: Request) -> Simulated:
            payload = json.dumps({"object": "list", "data": list(listed)}).encode()
            return Simulated(headers={"content-type": "application/json"}, chunks=[payload])

        return OpenAIDriver({"api_key": "sk-test-0123456789"}, transport=SimulatedTransport(answer))

    def test_the_catalog_fills_in_what_the_list_does_not_tell(self) -> None:
        model = self.provider({"id": "gpt-4o-mini", "object": "model", "owned_by": "someone"}).get_model("gpt-4o-mini")
        assert (model.owned_by, model.context_length, model.supports_vision) == ("someone", 128_000, True)
        assert (model.supports_function_calling, model.supports_structured_output) == (True, True)
        assert model.supports_reasoning is False

    def test_a_model_that_is_not_listed_is_described_by_the_catalog(self) -> None:
        model = self.provider().get_model("gpt-4o-mini")
        assert (model.id, model.max_output_tokens) == ("gpt-4o-mini", 16_384)

    def test_a_listed_model_that_the_catalog_lacks_has_unknown_facts(self) -> None:
        model = self.provider({"id": "brand-new-1", "object": "model"}).get_model("brand-new-1")
        assert model == AIModel(id="brand-new-1", provider="openai", raw={"id": "brand-new-1", "object": "model"})
        assert (model.supports_vision, model.context_length, model.supports_reasoning) == (None, None, None)

    def test_a_model_that_nobody_knows_is_reported_and_still_sent(self) -> None:
        with pytest.raises(ModelNotFoundError):
            self.provider().get_model("nobody-knows-1")
        body, prompt = build(self.provider(), "Hi", model="nobody-knows-1")
        assert (json.loads(body)["model"], prompt.warnings) == ("nobody-knows-1", [])


@pytest.mark.parametrize("name", [name for name in driver_names() if driver_class(name).default_model])
def test_the_default_model_is_one_that_the_catalog_has_and_does_not_call_old(name: str) -> None:
    driver = driver_class(name)
    if name == "mock":
        return
    entry = find(driver.catalog_name or name, driver.default_model or "")
    assert entry is not None
    assert not entry.deprecated
