"""One server named by its base URL, or all with credentials: chat, streams, tools, structured output, models, keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from polydriver import AI, AIMessage, AIResponse, Driver, InvalidCredentialsError, InvalidResponseError, Provider

from . import providers

QUESTION = "What is the capital of France? Answer with its name only."
ROOM = providers.MAX_TOKENS


@dataclass
class Capital:
    """The capital of a country."""

    country: str
    city: str


@pytest.fixture(params=providers.ALL)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def provider(name: str) -> Iterator[Provider]:
    with providers.make(name) as made:
        yield made


@pytest.fixture
def model(provider: Provider) -> str:
    return providers.model_for(provider)


def check_answer(response: AIResponse, provider: str) -> None:
    assert response.finish_reason in (("stop", "length") if providers.BASE_URL else ("stop",))
    assert response.provider == provider
    assert response.response_time is not None
    assert response.cost is None or response.cost.total >= Decimal(0)
    usage = response.usage
    told(response.content or response.reasoning, "a word in its answer")
    told(response.model, "its model's name")
    told(usage, "its usage")
    told(usage and usage.input_tokens and usage.output_tokens, "what it counted")
    says(response, "paris")


def told(value: object, what: str) -> None:
    """Fail when an answer lacks something; skip when the answer is that of one server, which need not tell it."""
    if providers.BASE_URL and not value:
        pytest.skip(f"the server does not tell {what}")
    assert value


def says(response: AIResponse, word: str) -> None:
    """Fail when the answer lacks a word; skip when it is a small model that does not know better."""
    if providers.BASE_URL and word.lower() not in response.content.lower():
        pytest.skip(f"the model does not say {word!r}: {response.content[:80]!r}")
    assert word.lower() in response.content.lower()


def test_chat(provider: Provider, model: str, name: str) -> None:
    check_answer(provider.send_message(QUESTION, model=model, max_tokens=ROOM), name)


async def test_async_chat(provider: Provider, model: str, name: str) -> None:
    async with provider.asynchronous() as twin:
        check_answer(await twin.send_message(QUESTION, model=model, max_tokens=ROOM), name)


def test_history_is_sent(provider: Provider, model: str) -> None:
    history = [AIMessage.user("My name is Ada."), AIMessage.assistant("Hello!"), AIMessage.user("What is my name?")]
    says(provider.send_messages(history, model=model, max_tokens=ROOM), "Ada")


def test_stream(provider: Provider, model: str, name: str) -> None:
    with provider.send_streaming_message(QUESTION, model=model, max_tokens=ROOM) as stream:
        text = "".join(chunk.content for chunk in stream)
    assert stream.response.content == text
    check_answer(stream.response, name)


async def test_async_stream(provider: Provider, model: str, name: str) -> None:
    async with provider.asynchronous() as twin:
        async with twin.send_streaming_message(QUESTION, model=model, max_tokens=ROOM) as stream:
            text = "".join([chunk.content async for chunk in stream])
        assert stream.response.content == text
        check_answer(stream.response, name)


def test_a_stream_that_is_left_frees_its_connection(provider: Provider, model: str) -> None:
    for _ in range(2):
        with provider.send_streaming_message("Count from 1 to 200.", model=model, max_tokens=ROOM) as stream:
            next(stream)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_tools(provider: Provider, model: str, name: str, streamed: bool) -> None:
    if not provider.supports_function_calling():
        pytest.skip(f"{name} has no function calling")
    asked: list[str] = []

    def secret_word(room: str) -> str:
        """The secret word of a room."""
        asked.append(room)
        return "heliotrope"

    ai = AI({"default": name, "providers": {name: {}}})
    ai.extend(name, lambda config: provider)
    chat = ai.conversation().model(model).max_tokens(ROOM).tools(secret_word)
    if streamed:
        chat.on_chunk(lambda chunk: None)
    with providers.may_lack("tools"):
        answer = chat.run_tools("What is the secret word of the room 'blue'? Use the tool, then tell me the word.")
    if providers.BASE_URL and not asked:
        pytest.skip(f"the model calls no tool: {answer.content[:80]!r}")
    assert [room.strip("'").lower() for room in asked] == ["blue"]
    says(answer, "heliotrope")


def test_structured_output(provider: Provider, model: str, name: str) -> None:
    if not provider.get_capabilities().supports("json"):
        pytest.skip(f"{name} has no structured output")
    try:
        with providers.may_lack("structured output"):
            answer = provider.send_message("France", model=model, response_format=Capital, max_tokens=ROOM)
    except InvalidResponseError as error:
        if not providers.BASE_URL:
            raise
        pytest.skip(f"the model does not keep to a schema: {error}")
    assert isinstance(answer.parsed, Capital)
    says(answer, "Paris")


def test_models(provider: Provider, name: str) -> None:
    if providers.kind_of(name).models_request is Driver.models_request:
        pytest.skip(f"{name} lists no models")
    with providers.may_lack("a list of models"):
        models = provider.get_available_models()
    assert models
    assert len({found.id for found in models}) == len(models)
    assert provider.sync_models(force=True).status == "success"


def test_credentials_and_health(provider: Provider) -> None:
    report = provider.validate_credentials()
    if providers.cannot_be_asked(report):
        pytest.skip(f"the server cannot be asked about a key: {report.errors}")
    assert report, report.errors
    assert provider.get_health().status == "healthy"


def test_a_bad_key_is_told(name: str) -> None:
    if providers.takes_any_key(name):
        pytest.skip(f"{name} takes any key, or does not say that one is bad")
    with providers.make(name, api_key=providers.bad_key(name)) as provider:
        report = provider.validate_credentials()
        assert not report
        assert report.errors
        with pytest.raises(InvalidCredentialsError) as caught:
            provider.send_message(QUESTION, model=providers.CHEAP_MODELS.get(name) or "any", max_tokens=ROOM)
        assert providers.bad_key(name) not in str(caught.value)
