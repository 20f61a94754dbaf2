"""Mistakes that a type checker finds. An ignore that is not needed is an error, so each of these is refused."""

from __future__ import annotations

from polydriver import (
    AI,
    AIMessage,
    AIResponse,
    AsyncAI,
    AsyncProvider,
    ConfigurationError,
    Conversation,
    CostCalculated,
    Driver,
    Image,
    Provider,
    ResponseGenerated,
    TokenUsage,
    Tool,
    ToolCall,
    tool,
)


@tool
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def messages(provider: Provider) -> None:
    provider.send_message(1)  # type: ignore[arg-type]
    provider.send_message(["a", "list"])  # type: ignore[arg-type]
    AIMessage("Hi", "robot")  # type: ignore[arg-type]
    AIMessage.user(3)  # type: ignore[arg-type]
    AIMessage([1, 2])  # type: ignore[list-item]
    Image(b"...")  # type: ignore[call-arg]
    AIMessage("Hi").content = "changed"  # type: ignore[misc]


def options(provider: Provider, chat: Conversation) -> None:
    provider.send_message("Hi", temprature=0)  # type: ignore[call-arg]
    provider.send_message("Hi", temperature="hot")  # type: ignore[arg-type]
    provider.send_messages(["Hi"], max_tokens="many")  # type: ignore[arg-type]
    provider.send_streaming_message("Hi", tools=3)  # type: ignore[arg-type]
    provider.send_batch(["Hi"], temprature=0)  # type: ignore[call-overload]
    chat.options(temprature=0)  # type: ignore[call-arg]


def options_of_operations(provider: Provider) -> None:
    provider.embed("a", model="m", dimension=3)  # type: ignore[call-arg]
    provider.generate_image("A fox", seed="7")  # type: ignore[arg-type]
    provider.get_file("f", timeout="1")  # type: ignore[arg-type]
    provider.create_batch(["a"], temprature=0)  # type: ignore[call-arg]
    provider.count_tokens("a", temperature="hot")  # type: ignore[arg-type]


async def async_operations(provider: AsyncProvider) -> None:
    await provider.embed("a", model="m", dimension=3)  # type: ignore[call-arg]


async def async_options(provider: AsyncProvider) -> None:
    await provider.send_message("Hi", temprature=0)  # type: ignore[call-arg]
    await provider.send_messages(["Hi"], seed="7")  # type: ignore[arg-type]
    provider.send_streaming_message("Hi", timeout="1")  # type: ignore[arg-type]


def structured(provider: Provider, chat: Conversation[str]) -> None:
    print(provider.send_message("Hi", response_format=ToolCall).parsed.city)  # type: ignore[attr-defined]
    print(chat.send("Hi").parsed + 1)  # type: ignore[operator]


def absent_values(response: AIResponse, usage: TokenUsage) -> None:
    print(response.cost.total)  # type: ignore[union-attr]
    print(response.usage.input_tokens)  # type: ignore[union-attr]
    print(usage.input_tokens + 1)  # type: ignore[operator]


def arguments_of_broken_calls(call: ToolCall) -> None:
    print(call.arguments["city"])  # type: ignore[index]


def wrong_colours(ai: AI, aio: AsyncAI, provider: AsyncProvider) -> None:
    print(provider.send_message("Hi").content)  # type: ignore[attr-defined]
    with provider.send_streaming_message("Hi"):  # type: ignore[attr-defined]
        pass
    with aio:  # type: ignore[attr-defined]
        pass
    ai.aclose()  # type: ignore[attr-defined]
    blocking: Provider = provider  # type: ignore[assignment]
    print(blocking)


def isolated_errors(provider: Provider) -> None:
    for result in provider.send_batch(["a"], return_exceptions=True):
        print(result.content)  # type: ignore[union-attr]


def listeners(ai: AI) -> None:
    def of_costs(event: CostCalculated) -> None: ...

    ai.on(ResponseGenerated, of_costs)  # type: ignore[arg-type]
    ai.on(ConfigurationError, print)  # type: ignore[type-var]
    ai.on("MessageSent", print)  # type: ignore[call-overload]
    ai.on(ResponseGenerated, lambda event: event.cost)  # type: ignore[attr-defined]


def builders(chat: Conversation) -> None:
    chat.temperature("hot")  # type: ignore[arg-type]
    chat.stop(3)  # type: ignore[arg-type]
    chat.attach(3)  # type: ignore[arg-type]
    chat.tools(3)  # type: ignore[arg-type]
    chat.send("Hi").parts = "text"  # type: ignore[assignment]
    chat.run_tools(approve=lambda call: None)  # type: ignore[arg-type, return-value]


def tools() -> None:
    tool("name")  # type: ignore[call-overload]
    Tool(description="nameless")  # type: ignore[call-arg]
    double("two")  # type: ignore[arg-type]
    double()  # type: ignore[call-arg]
    print(double(2).upper())  # type: ignore[attr-defined]


def factories(ai: AI) -> None:
    ai.extend("mine", "a name")  # type: ignore[arg-type]
    ai.extend("mine", dict)  # type: ignore[arg-type]


class Misspelt(Driver):
    """A driver whose author mixed up a type."""

    name = 3  # type: ignore[assignment]

    def headers(self) -> list[str]:  # type: ignore[override]
        return []
