"""What both kinds of conversation share: settings said one after the other, and the history."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar, Unpack

from ..data.cost import Cost
from ..data.messages import AIMessage, Media, Part, ToolCall, ToolResult
from ..data.prompt import ProviderTool, ToolSpec
from ..data.responses import AIChunk, AIResponse, ParsedT
from ..errors import AIError, ConfigurationError, ToolExecutionError
from ..events import ConversationUpdated, Event, ToolCalled, ToolCompleted, ToolFailed
from ..prompting import check_number, make_messages
from ..provider import Message
from ..provider.routing import FallbackTarget
from ..tools import Tool, ToolLike, make_tools
from ..trimming import trim
from .attachments import add_attachments, make_attachment
from .managers import AsyncManager, BlockingManager

if TYPE_CHECKING:
    from ..provider.options import AllOptions
    from ..storage.keeper import Keeper

__all__ = ["Builder", "Turn"]


class Turn(NamedTuple):
    """What one call sends.

    `messages` are all of it, `new` those that the history does not have yet; `pending` and `attached` are the pending
    messages and attachments that these were made of, and `said` counts the messages that the call itself was given.
    """

    messages: list[AIMessage]
    new: list[AIMessage]
    pending: list[AIMessage]
    attached: list[Part]
    said: int = 0


class Builder(Generic[ParsedT]):
    """What both kinds of conversation share: everything that does not wait.

    Each method changes the conversation and returns it.
    """

    _ai: BlockingManager | AsyncManager

    def __init__(self, ai: Any, provider: str | None = None, *, title: str | None = None) -> None:
        self._ai = ai
        self.id = f"conv_{uuid.uuid4().hex}"
        self._title = title
        self._keeper: Keeper | None = None
        self.history: list[AIMessage] = []
        self.responses: list[AIResponse[ParsedT]] = []
        self._provider = provider
        self._model: str | None = None
        self._answered_by: str | None = None
        self._system: str | None = None
        self._pending: list[AIMessage] = []
        self._attached: list[Part] = []
        self._options: dict[str, Any] = {}
        self._tools: list[Any] = []
        self._window: tuple[int | None, int | None] | None = None
        self._metadata: dict[str, Any] = {}
        self._listeners: dict[str, list[Callable[[Any], object]]] = {}

    def provider(self, name: str) -> Self:
        """Which connection answers from now on; it may change in the middle, and the history goes along.

        So does the model, unless the new connection has another driver and a default model of its own.
        """
        self._provider = name
        return self

    def model(self, model: str) -> Self:
        """Which model answers from now on."""
        self._model, self._answered_by = model, None
        return self

    def system(self, text: str | None) -> Self:
        """Instructions, ahead of the history; a later call replaces them, `None` removes them."""
        if not isinstance(text, str | None):
            raise ConfigurationError(f"system() takes text or None, not {type(text).__name__}")
        self._system = text
        return self

    def message(self, message: Message) -> Self:
        """Add a message to send: text is the user's."""
        self._pending.extend(make_messages(message))
        return self

    def messages(self, messages: Sequence[Message]) -> Self:
        """Add several messages to send: earlier turns, or examples."""
        self._pending.extend(make_messages(messages))
        return self

    def attach(self, *parts: Media | str | Path) -> Self:
        """Attach images, audio, video and documents, or paths of files, to the next message of the user.

        A URL is handed to the provider as it is. Raises `OSError` for a file that cannot be read.
        """
        self._attached.extend(make_attachment(part) for part in parts)
        return self

    def temperature(self, value: float) -> Self:
        """How freely the model picks its words."""
        return self.options(temperature=value)

    def max_tokens(self, value: int) -> Self:
        """The most tokens that an answer may have, reasoning included."""
        return self.options(max_tokens=value)

    def top_p(self, value: float) -> Self:
        """Nucleus sampling: the share of probability to pick from."""
        return self.options(top_p=value)

    def stop(self, *texts: str) -> Self:
        """Texts at which the answer ends."""
        return self.options(stop=list(texts))

    def seed(self, value: int) -> Self:
        """A seed for answers that can be repeated, where the provider has one."""
        return self.options(seed=value)

    def user(self, user_id: str) -> Self:
        """An id of the end user, for the provider's abuse checks."""
        return self.options(user=user_id)

    def timeout(self, seconds: float) -> Self:
        """The limit of one attempt, in seconds."""
        return self.options(timeout=seconds)

    def retries(self, attempts: int) -> Self:
        """The number of attempts, the first included."""
        return self.options(retry_attempts=attempts)

    def fallback(self, *targets: FallbackTarget, on: Sequence[type[AIError] | str] = ()) -> Self:
        """The targets that are asked where the provider fails, in order: connections, or pairs of a connection and a
        model.

        A later call replaces them; without any, nobody is asked. `on` names further errors after which they are asked,
        such as `ContentFilterError`.

        ::

            ai.conversation().fallback("anthropic", ("openai", "gpt-5-mini"))
        """
        return self.options(fallback=list(targets), fallback_on=list(on))

    def continue_with(self, *targets: FallbackTarget) -> Self:
        """The targets that continue a stream which breaks in the middle of its text, in order; without any, the error
        is raised.

        `response.continuations` tells where that was.
        """
        return self.options(continue_with=list(targets))

    def hedging(self, wanted: bool = True) -> Self:
        """Send a request a second time where its first content is late, and take the quicker answer.

        The settings `hedging` of the connection say what is late, and how many requests may be sent twice.
        """
        return self.options(hedging=wanted)

    def options(self, **options: Unpack[AllOptions]) -> Self:
        """Any options of the sending methods; `None` takes one back."""
        for name, value in options.items():
            if value is None:
                self._options.pop(name, None)
            else:
                self._options[name] = value
        return self

    def tools(self, *tools: ToolLike | Sequence[ToolLike]) -> Self:
        """Tools to offer: functions, `@tool`s, models, or schemas.

        A later call replaces them; without any, none is offered.
        """
        flat: list[Any] = []
        for item in tools:
            flat.extend(item if isinstance(item, list | tuple) else [item])
        self._tools = flat
        return self

    def context_window(self, max_tokens: int | None = None, *, max_messages: int | None = None) -> Self:
        """Send only the end of the history: at most so many messages, or tokens as estimated (4 characters each).

        The system text always goes along, a call is never parted from its result, and `history` itself stays whole.
        Without arguments all of it is sent again. Raises `ConfigurationError` for what is not a number of at least 1.
        """
        for name, limit in (("max_tokens", max_tokens), ("max_messages", max_messages)):
            if limit is not None:
                check_number(name, limit)
        self._window = (max_tokens, max_messages) if max_tokens or max_messages else None
        return self

    def title(self, text: str | None) -> Self:
        """What the conversation is called where it is stored."""
        if not isinstance(text, str | None):
            raise ConfigurationError(f"title() takes text or None, not {type(text).__name__}")
        self._title = text
        return self

    def tags(self, *tags: str) -> Self:
        """Labels to find the conversation and its costs by; they replace earlier ones, and are not sent."""
        return self.metadata(tags=list(tags))

    def metadata(self, **values: Any) -> Self:
        """Labels for the events of this conversation; they are not sent."""
        self._metadata.update(values)
        return self

    def when(
        self, condition: object, change: Callable[[Self], object], otherwise: Callable[[Self], object] | None = None
    ) -> Self:
        """Apply `change` to the conversation if the condition holds, else `otherwise`."""
        if condition:
            change(self)
        elif otherwise is not None:
            otherwise(self)
        return self

    def on_chunk(self, listener: Callable[[AIChunk], object]) -> Self:
        """Called for each chunk; with it, `run_tools` streams its answers."""
        return self._listen("chunk", listener)

    def on_response(self, listener: Callable[[AIResponse[ParsedT]], object]) -> Self:
        """Called for each whole answer."""
        return self._listen("response", listener)

    def on_tool_call(self, listener: Callable[[ToolCall], object]) -> Self:
        """Called for each tool call, before it runs."""
        return self._listen("tool_call", listener)

    def on_tool_result(self, listener: Callable[[ToolResult], object]) -> Self:
        """Called for each tool result, in call order."""
        return self._listen("tool_result", listener)

    def fork(self) -> Self:
        """A conversation of its own with the same history and settings; neither hears what is said in the other."""
        other = copy.copy(self)
        other.id = f"conv_{uuid.uuid4().hex}"
        other._keeper = None
        other.history, other.responses = list(self.history), list(self.responses)
        other._pending, other._attached, other._tools = list(self._pending), list(self._attached), list(self._tools)
        other._options, other._metadata = dict(self._options), dict(self._metadata)
        other._listeners = {name: list(listeners) for name, listeners in self._listeners.items()}
        return other

    @property
    def last_response(self) -> AIResponse[ParsedT] | None:
        """The latest answer."""
        return self.responses[-1] if self.responses else None

    @property
    def total_cost(self) -> Cost | None:
        """The sum of all answers' costs; `None` as soon as one of them is unknown, or when there is none."""
        costs = [response.cost for response in self.responses]
        if not costs or any(cost is None for cost in costs):
            return None
        total = costs[0]
        for cost in costs[1:]:
            total = total + cost  # type: ignore[operator]
        return total

    def _listen(self, name: str, listener: Callable[[Any], object]) -> Self:
        if not callable(listener):
            raise ConfigurationError(f"on_{name}() takes a function, not {listener!r}")
        self._listeners.setdefault(name, []).append(listener)
        return self

    def _next_turn(self, message: Message | None) -> Turn:
        """What the next call sends, `message` last. Changes nothing, so that a call that fails leaves no trace."""
        said = make_messages(message) if message is not None else []
        new = [*self._pending, *said]
        if self._attached:
            new = add_attachments(new, self._attached)
        messages = [*self.history, *new]
        if not messages:
            raise ConfigurationError("the conversation is empty: add a message() first")
        if self._window is not None:
            messages = trim(messages, *self._window)
        if self._system:
            messages = [AIMessage.system(self._system), *messages]
        return Turn(messages, new, list(self._pending), list(self._attached), len(said))

    def _call_options(self) -> dict[str, Any]:
        options = {**self._options, "conversation_id": self.id, "metadata": self._metadata}
        if self._model and not self._has_left_model():
            options["model"] = self._model
        if self._tools:
            options["tools"] = self._tools
        return options

    def _has_left_model(self) -> bool:
        """Whether the model has answered through another kind of driver, and the present connection has a default."""
        if self._answered_by is None:
            return False
        now = self._provider or self._ai.default_provider
        if self._answered_by == now:
            return False
        before, after = (getattr(self._ai.provider(name), "driver", None) for name in (self._answered_by, now))
        return type(before) is not type(after) and after is not None and after.config.default_model is not None

    def _record(self, turn: Turn, response: AIResponse[ParsedT]) -> ConversationUpdated:
        """Put what was sent and answered into the history.

        Until then it stays pending, so a failed call loses nothing. What was added during the call stays pending, and
        what another call has recorded meanwhile is not recorded twice.
        """
        recorded = {id(message) for message in turn.pending} - {id(message) for message in self._pending}
        added = [*(message for message in turn.new if id(message) not in recorded), response.to_message()]
        self._pending = _without(self._pending, turn.pending)
        self._attached = _without(self._attached, turn.attached)
        self.history.extend(added)
        self.responses.append(response)
        if self._model and not self._has_left_model():
            self._answered_by = self._provider or self._ai.default_provider
        return self._updated(len(added))

    def _record_results(self, results: list[ToolResult]) -> ConversationUpdated:
        self.history.append(AIMessage(list(results), "tool"))
        return self._updated(1)

    def _updated(self, added: int) -> ConversationUpdated:
        return ConversationUpdated(messages_added=added, total_messages=len(self.history), **self._labels())

    def _labels(self) -> dict[str, Any]:
        return {
            "provider": self._provider or self._ai.default_provider,
            "model": self._model,
            "conversation_id": self.id,
            "metadata": self._metadata,
        }

    def _tool_event(
        self, kind: str, call: ToolCall, outcome: ToolResult | BaseException | None, seconds: float
    ) -> Event:
        labels = self._labels()
        if kind == "called":
            return ToolCalled(call=call, **labels)
        if isinstance(outcome, ToolResult):
            return ToolCompleted(call=call, result=outcome, seconds=seconds, **labels)
        assert outcome is not None
        return ToolFailed(call=call, error=outcome, seconds=seconds, **labels)

    def _tools_to_run(self, max_rounds: object, tool_timeout: object) -> list[ToolSpec | ProviderTool]:
        """The tools for `run_tools`. Raises `ConfigurationError` for limits that cannot be, and without tools."""
        if not isinstance(max_rounds, int) or max_rounds < 1:
            raise ConfigurationError(f"max_rounds must be a whole number of at least 1, not {max_rounds!r}")
        if tool_timeout is not None:
            check_number("tool_timeout", tool_timeout)
        if not self._tools:
            raise ConfigurationError("run_tools needs tools: offer some with tools(...) first")
        return make_tools(self._tools)

    def _is_for_caller(self, response: AIResponse, tools: list[ToolSpec | ProviderTool]) -> bool:
        """Whether a tool was called that has no function here, so that the caller has to answer it."""
        without = {t.name for t in tools if isinstance(t, ToolSpec) and not (isinstance(t, Tool) and t.function)}
        return any(call.name in without for call in response.tool_calls)

    def _too_many_rounds(self, limit: int, response: AIResponse[ParsedT]) -> ToolExecutionError:
        return ToolExecutionError(
            f"the model still calls tools after {limit} rounds",
            hint="Raise max_rounds, or look at the tools' results: the model may be going in circles.",
            partial=response,
        )


T = TypeVar("T")


def _without(items: list[T], sent: list[T]) -> list[T]:
    """The items that were not sent: what was added during the call stays, and so does what is merely equal."""
    known = {id(item) for item in sent}
    return [item for item in items if id(item) not in known]
