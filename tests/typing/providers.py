"""The methods of providers, blocking and async."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, assert_type

from polydriver import (
    AI,
    AIChunk,
    AIError,
    AIMessage,
    AIModel,
    AIResponse,
    AsyncAI,
    AsyncBatchStream,
    AsyncProvider,
    AsyncStream,
    BatchOutcome,
    BatchProgress,
    BatchStream,
    Capabilities,
    Cost,
    CredentialReport,
    Driver,
    HealthReport,
    Image,
    OpenAIDriver,
    Provider,
    Stream,
    SyncReport,
    TokenUsage,
    openai_compatible,
)
from polydriver.config import AISettings


def managers(ai: AI, aio: AsyncAI) -> None:
    assert_type(AI({"default": "openai"}, env={}), AI)
    assert_type(ai.sync_models(["openai"], force=True, on_progress=lambda name, report: None), dict[str, SyncReport])
    assert_type(ai.provider().sync_models(dry_run=True), SyncReport)
    assert_type(ai.provider(), Provider)
    assert_type(ai.provider("openai"), Provider)
    assert_type(ai.asynchronous(), AsyncAI)
    assert_type(aio.provider("openai"), AsyncProvider)
    assert_type(ai.settings, AISettings)
    assert_type(ai.default_provider, str)
    assert_type(ai.provider_names(), list[str])
    with AI() as opened:
        assert_type(opened, AI)


def factories(ai: AI, aio: AsyncAI) -> None:
    ai.extend("a", OpenAIDriver)
    ai.extend("b", lambda config: OpenAIDriver(config))
    ai.extend("c", lambda manager, config: OpenAIDriver(config))
    aio.extend("d", openai_compatible("d", "http://localhost:8000/v1"))


def drivers() -> None:
    driver = OpenAIDriver({"api_key": "sk-..."}, timeout=10)
    assert_type(driver, OpenAIDriver)
    assert_type(driver.driver, Driver)
    assert_type(driver.name, str)
    assert_type(driver.asynchronous(), AsyncProvider)
    assert_type(driver.send_message("Hi"), AIResponse)
    mine: type[Driver] = openai_compatible("mine", "http://localhost:8000/v1")
    made: Driver = mine({"api_key": "..."})
    print(made)
    provider: Provider = driver
    provider.close()


def sending(provider: Provider) -> None:
    assert_type(provider.send_message("Hi", model="m", temperature=0), AIResponse)
    assert_type(provider.send_message(AIMessage.user(["Look:", Image.from_path("a.png")])), AIResponse)
    assert_type(provider.send_message({"role": "user", "content": "Hi"}), AIResponse)
    assert_type(provider.send_messages(["Hi", AIMessage.assistant("Hello"), "How are you?"]), AIResponse)
    assert_type(provider.send_streaming_messages([AIMessage("Hi")], max_tokens=5), Stream)
    assert_type(provider.stream_message("Hi", lambda chunk: print(chunk.content)), AIResponse)


def streaming(provider: Provider) -> None:
    with provider.send_streaming_message("Hi") as stream:
        assert_type(stream, Stream)
        for chunk in stream:
            assert_type(chunk, AIChunk)
            assert_type(chunk.content, str)
    assert_type(stream.response, AIResponse)
    assert_type(provider.send_streaming_message("Hi").on_chunk(print).then(print).until_done(), AIResponse)


@dataclass
class Answer:
    number: int


async def prompts() -> AsyncIterator[str]:
    yield "a"


def batches(provider: Provider, isolated: bool) -> None:
    assert_type(provider.send_batch(["a", ["b", "c"]], max_concurrency=2), list[AIResponse])
    assert_type(provider.send_batch(["a"], return_exceptions=False), list[AIResponse])
    assert_type(provider.send_batch(["a"], return_exceptions=isolated), list[AIResponse | AIError])
    for result in provider.send_batch(["a"], return_exceptions=True):
        print(result.hint if isinstance(result, AIError) else result.content)
    with provider.stream_batch((str(number) for number in range(3)), ordered=isolated) as stream:
        assert_type(stream, BatchStream)
        for outcome in stream:
            assert_type(outcome, BatchOutcome)
        assert_type(stream.progress, BatchProgress)
    assert_type(provider.stream_batch(["a"], response_format=Answer), BatchStream[Answer])


def asking(provider: Provider) -> None:
    assert_type(provider.get_available_models(refresh=True), list[AIModel])
    assert_type(provider.get_model("gpt-4o"), AIModel)
    assert_type(provider.sync_models(force=True), SyncReport)
    assert_type(provider.validate_credentials(), CredentialReport)
    assert_type(provider.get_health(probe="Are you there?"), HealthReport)


def answering(provider: Provider | AsyncProvider, usage: TokenUsage) -> None:
    assert_type(provider.calculate_cost(usage, "gpt-4o"), Cost | None)
    assert_type(provider.get_capabilities(), Capabilities)
    assert_type(provider.get_config(), dict[str, Any])
    assert_type(provider.get_name(), str)
    assert_type(provider.name, str)
    assert_type(provider.supports_streaming(), bool)
    assert_type(provider.supports_function_calling(), bool)
    assert_type(provider.supports_vision(), bool)


async def awaiting(provider: AsyncProvider) -> None:
    async def show(chunk: AIChunk) -> None:
        print(chunk.content)

    assert_type(await provider.send_message("Hi"), AIResponse)
    assert_type(await provider.send_messages(["Hi"]), AIResponse)
    assert_type(await provider.stream_message("Hi", show), AIResponse)
    assert_type(await provider.stream_message("Hi", lambda chunk: None), AIResponse)
    assert_type(await provider.send_batch(["a", "b"]), list[AIResponse])
    assert_type(await provider.send_batch(["a"], return_exceptions=True), list[AIResponse | AIError])
    async for outcome in provider.stream_batch(prompts(), response_format=Answer, on_progress=print):
        assert_type(outcome, BatchOutcome[Answer])
    assert_type(provider.stream_batch(["a"]), AsyncBatchStream)
    assert_type(await provider.get_available_models(), list[AIModel])
    assert_type(await provider.get_model("m"), AIModel)
    assert_type(await provider.sync_models(), SyncReport)
    assert_type(await AsyncAI().sync_models(dry_run=True), dict[str, SyncReport])
    assert_type(await provider.validate_credentials(), CredentialReport)
    assert_type(await provider.get_health(), HealthReport)
    assert_type(await provider.aclose(), None)


async def awaiting_streams(aio: AsyncAI) -> None:
    async with aio, aio.provider() as provider:
        stream = provider.send_streaming_message("Hi")
        assert_type(stream, AsyncStream)
        assert_type(await stream, AsyncStream)
        async with provider.send_streaming_messages(["Hi"]) as opened:
            async for chunk in opened:
                assert_type(chunk, AIChunk)
        assert_type(opened.response, AIResponse)
        assert_type(await stream.until_done(), AIResponse)
