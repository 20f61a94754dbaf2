"""Events, their listeners, and the tree of errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_type

from polydriver import (
    AI,
    AIError,
    AIResponse,
    AsyncAI,
    AsyncProvider,
    ConfigurationError,
    Cost,
    CostCalculated,
    Event,
    EventBus,
    MessageSent,
    OpenAIDriver,
    Provider,
    ProviderError,
    RateLimitError,
    RequestRetried,
    ResponseGenerated,
    StreamInterruptedError,
    ToolCompleted,
    UnknownOptionError,
)


def listening(subject: AI | AsyncAI | Provider | AsyncProvider | EventBus | OpenAIDriver) -> None:
    def about_response(event: ResponseGenerated) -> None:
        assert_type(event.response, AIResponse)

    def about_anything(event: Event) -> None:
        assert_type(event.name, str)
        assert_type(event.time, datetime)
        assert_type(event.metadata, dict[str, Any])

    async def later(event: CostCalculated) -> None:
        assert_type(event.cost, Cost | None)

    assert_type(subject.on(ResponseGenerated, about_response), Callable[[], None])
    assert_type(subject.on(CostCalculated, later), Callable[[], None])
    assert_type(subject.on(ResponseGenerated, about_anything), Callable[[], None])
    assert_type(subject.on("*", about_anything), Callable[[], None])
    assert_type(subject.on(None, about_anything), Callable[[], None])


def decorating(ai: AI, provider: Provider) -> None:
    ai.on(MessageSent, lambda event: print(event.messages[0].text))
    ai.on(ToolCompleted, lambda event: print(event.result.text))

    @ai.on(RequestRetried)
    def retried(event: RequestRetried) -> int:
        assert_type(event.error, AIError)
        return event.attempt

    @provider.on()
    async def anything(event: Event) -> None: ...

    still: Callable[[RequestRetried], int] = retried
    print(still)


def capturing(bus: EventBus) -> None:
    with bus.capture() as everything:
        assert_type(everything, list[Event])
    with bus.capture(ResponseGenerated) as responses:
        assert_type(responses, list[ResponseGenerated])
    with bus.capture(ResponseGenerated, CostCalculated) as both:
        for event in both:
            assert_type(event.metadata, dict[str, Any])


def catching(provider: Provider) -> None:
    try:
        provider.send_message("Hi")
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.retryable, bool)
    except StreamInterruptedError as error:
        assert_type(error.partial, AIResponse | None)
    except UnknownOptionError as error:
        also: tuple[ConfigurationError, ValueError, TypeError] = (error, error, error)
        print(also)
    except ProviderError as error:
        assert_type(error.status, int | None)
        assert_type(error.code, str | None)
        assert_type(error.request_id, str | None)
        assert_type(error.details, dict[str, Any])
    except AIError as error:
        assert_type(error.message, str)
        assert_type(error.provider, str | None)
        assert_type(error.hint, str | None)
