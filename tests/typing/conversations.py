"""The fluent builder, tools and structured output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Unpack, assert_type

from polydriver import (
    AI,
    AIChunk,
    AIMessage,
    AIResponse,
    AsyncAI,
    AsyncConversation,
    AsyncStream,
    CallOptions,
    Conversation,
    Cost,
    Image,
    Provider,
    ProviderTool,
    Stream,
    Tool,
    ToolCall,
    ToolResult,
    ToolSpec,
    tool,
)
from polydriver.tools import make_tools, run_calls, run_calls_sync


@dataclass
class Weather:
    city: str
    degrees: float


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


@tool(name="time_in", timeout=5)
async def time_in(city: str) -> str:
    """The time in a city."""
    return "12:00"


class Desk:
    """Methods that are tools."""

    @tool
    def lookup(self, order: str) -> str:
        """Look up an order."""
        return order


def plain(city: str) -> str:
    """A function that is not a tool yet."""
    return city


def building(ai: AI) -> None:
    chat = (
        ai.conversation()
        .provider("openai")
        .model("gpt-4o-mini")
        .system("Be brief.")
        .message("Hi")
        .messages([AIMessage.assistant("Hello"), {"role": "user", "content": "Bye"}])
        .attach("a.png", Image.from_url("https://example.org/b.png"))
        .temperature(0)
        .max_tokens(100)
        .top_p(0.9)
        .stop("END", "STOP")
        .seed(7)
        .user("user-1")
        .options(service_tier="flex")
        .timeout(10)
        .retries(2)
        .context_window(max_messages=10)
        .metadata(team="docs")
        .response_format(Weather)
        .tools(weather, [time_in, plain], {"type": "web_search"})
        .when(True, lambda c: c.temperature(1), lambda c: c.seed(1))
    )
    assert_type(chat, Conversation[Weather])
    assert_type(chat.fork(), Conversation[Weather])
    assert_type(chat.history, list[AIMessage])
    assert_type(chat.responses, list[AIResponse[Weather]])
    assert_type(chat.last_response, AIResponse[Weather] | None)
    assert_type(chat.total_cost, Cost | None)


def sending(chat: Conversation) -> None:
    def approve(call: ToolCall) -> bool | str:
        return call.name != "delete" or "not now"

    assert_type(chat.send("Hi"), AIResponse)
    assert_type(chat.stream(), Stream)
    assert_type(chat.run_tools(max_rounds=3, approve=approve, tool_timeout=5), AIResponse)


def listening(chat: Conversation) -> None:
    def on_chunk(chunk: AIChunk) -> None: ...
    def on_response(response: AIResponse) -> None: ...
    def on_call(call: ToolCall) -> None: ...
    def on_result(result: ToolResult) -> None: ...

    listened = chat.on_chunk(on_chunk).on_response(on_response).on_tool_call(on_call).on_tool_result(on_result)
    assert_type(listened, Conversation)


async def awaiting(aio: AsyncAI) -> None:
    async def approve(call: ToolCall) -> bool:
        return True

    async def on_chunk(chunk: AIChunk) -> None: ...

    chat = aio.conversation(provider="openai").message("Hi").on_chunk(on_chunk).tools(weather)
    assert_type(chat, AsyncConversation)
    assert_type(await chat.send(), AIResponse)
    assert_type(chat.stream("Hi"), AsyncStream)
    assert_type(await chat.run_tools(approve=approve), AIResponse)
    assert_type(await chat.run_tools(approve=lambda call: False), AIResponse)


def tools() -> None:
    any_tool: Tool = weather
    print(any_tool)
    assert_type(weather("Oslo"), str)
    assert_type(Desk().lookup("12"), str)
    takes_text: Callable[[str], str] = Desk().lookup
    print(takes_text)
    assert_type(weather.name, str)
    assert_type(weather.parameters, dict[str, Any])
    assert_type(make_tools([weather, plain, Weather, {"type": "web_search"}]), list[ToolSpec | ProviderTool])


async def calling_tools() -> None:
    assert_type(await time_in("Oslo"), str)


async def running(response: AIResponse) -> None:
    assert_type(response.tool_calls, list[ToolCall])
    assert_type(run_calls_sync(response.tool_calls, [weather]), list[ToolResult])
    assert_type(await run_calls(response.tool_calls, [weather, time_in]), list[ToolResult])


def structured(ai: AI) -> None:
    provider = ai.provider()
    answer = provider.send_message("Paris?", response_format=Weather)
    assert_type(answer, AIResponse[Weather])
    assert_type(answer.parsed.degrees, float)
    assert_type(provider.send_messages(["Paris?"], response_format=list[int]).parsed, list[int])
    assert_type(provider.send_message("Paris?", response_format={"type": "object"}), AIResponse)
    assert_type(provider.send_message("Paris?", response_format="json"), AIResponse)
    assert_type(provider.send_message("Paris?", response_format=Literal["sunny", "rainy"]), AIResponse)
    assert_type(provider.send_batch(["Paris?"], response_format=Weather), list[AIResponse[Weather]])
    assert_type(provider.stream_message("Paris?", print, response_format=Weather), AIResponse[Weather])
    with provider.send_streaming_message("Paris?", response_format=Weather) as stream:
        assert_type(stream, Stream[Weather])
        assert_type(stream.until_done().parsed, Weather)
    untyped: AIResponse = answer
    weather: Weather = untyped.parsed
    print(weather)


async def structured_async(aio: AsyncAI) -> None:
    provider = aio.provider()
    assert_type((await provider.send_message("Paris?", response_format=Weather)).parsed, Weather)
    assert_type(await provider.send_batch(["Paris?"], response_format=Weather), list[AIResponse[Weather]])
    async with provider.send_streaming_message("Paris?", response_format=Weather) as stream:
        assert_type(stream, AsyncStream[Weather])
    assert_type(aio.conversation().response_format(Weather), AsyncConversation[Weather])
    assert_type(await aio.conversation().response_format(Weather).send("Paris?"), AIResponse[Weather])


def handing_on(provider: Provider, own: dict[str, Any], **options: Unpack[CallOptions]) -> None:
    assert_type(provider.send_message("Hi", **options), AIResponse)
    assert_type(provider.send_message("Hi", response_format=Weather, **own), AIResponse[Weather])
    provider.send_message("Hi", stop="END", logit_bias={1: -1}, tools=[weather, plain, Weather], tool_choice=weather)
    provider.send_message("Hi", model="m", mirostat=1, reasoning_effort="low", metadata={"team": "docs"}, timeout=5)
