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


def messages(provider: Provider) -> None:
    provider.send_message(1)  # type: ignore[arg-type]
    provider.send_message(["a", "list"])  # type: ignore[arg-type]
    AIMessage("Hi", "robot")  # type: ignore[arg-type]
    AIMessage.user(3)  # type: ignore[arg-type]
    AIMessage([1, 2])  # type: ignore[list-item]
    Image(b"...")  # type: ignore[call-arg]
    AIMessage("Hi").content = "changed"  # type: ignore[misc]


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


def factories(ai: AI) -> None:
    ai.extend("mine", "a name")  # type: ignore[arg-type]
    ai.extend("mine", dict)  # type: ignore[arg-type]


class Misspelt(Driver):
    """A driver whose author mixed up a type."""

    name = 3  # type: ignore[assignment]

    def headers(self) -> list[str]:  # type: ignore[override]
        return []
