"""MockDriver: an OpenAI-compatible server that is only a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from ...config import Config, Setting
from ...data.http import Request, Simulated
from ...data.models import Capabilities
from ...driver import Driver
from ...errors import AIError, ConfigurationError
from ...events import EventBus
from ...prices.catalog import find_pricing
from ...prices.pricing import ModelPricing
from ...wires.chat_completions import ChatCompletions
from ...wires.operations import Embeddings, ImageGeneration, Moderation, Speech
from ..traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors, ValidatesHealth
from .failures import make_failure
from .forms import Delivery
from .log import CallLog
from .replies import make_reply
from .script import Pattern, Script
from .service import MockService

__all__ = ["MockDriver"]

_PRICES: dict[str, dict[str, str]] = {
    "mock": {"input": "1", "output": "2", "cached_input": "0.1", "source": "the mock driver"},
    "mock-large": {"input": "10", "output": "30", "cached_input": "1", "source": "the mock driver"},
    "mock-embedding": {"input": "0.02", "source": "the mock driver"},
}


class MockDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, CallLog, Driver):
    """Answers offline, by a script: for tests, demonstrations and work without a key. Never used unless it is
    named.

    It speaks Chat Completions to itself, so that everything but the network is as with a real provider.
    Without a script it echoes the last message, or makes up a value when a form is asked for. `calls` is what
    it was asked; see `CallLog`.

    A request is also scripted from outside: the model `mock-error-429` (or `mock-error-timeout`, any word of
    `FAILURES`) fails in that way, and so does a request with the header `x-mock-script: rate_limit;
    retry_after=2`.
    """

    name = "mock"
    title = "Mock"
    base_url = "http://mock.invalid/v1"
    default_model = "mock"
    requires_key = False
    settings = (
        Setting(
            "replies",
            kind="json",
            help="what to answer, in order: texts, or tables as `make_reply` reads them",
        ),
        Setting("patterns", kind="json", help="replies by regular expression on the last message"),
        Setting("default", help="the reply to everything else; without one the last message is echoed"),
        Setting(
            "strict",
            kind="bool",
            default=False,
            help="fail when a call comes that the script has no reply for",
        ),
        Setting("chunk_size", kind="int", default=16, help="characters in a piece of a stream"),
        Setting("delay", kind="seconds", default=0.0, help="seconds before each piece"),
        Setting("models", kind="json", help="the ids of the models that it lists"),
    )
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        audio=True,
        supported_formats=("text", "image", "audio", "document", "json"),
    )
    errors = ErrorTable(branch="Mock")
    wire = ChatCompletions()
    operations = (Embeddings(), Moderation(), ImageGeneration(), Speech(default_voice="mock"))

    def __init__(
        self,
        config: Mapping[str, Any] | Config | None = None,
        *,
        replies: Any = None,
        patterns: Any = None,
        default: Any = None,
        script: Script | None = None,
        transport: Any = None,
        events: EventBus | None = None,
        **settings: Any,
    ) -> None:
        """`replies` and `patterns` are added to those of the configuration, `default` replaces its own; `script`
        replaces all of them, to be shared.

        Raises `ConfigurationError` for replies that cannot be made, and for unknown settings.
        """
        super().__init__(config, transport=transport, events=events, **settings)
        self.script = script if script is not None else self._configured_script()
        if default is not None:
            self.script.default = make_reply(default, "default")
        if replies is not None:
            self.reply(*(replies if isinstance(replies, list | tuple) else [replies]))
        for pattern, reply in (patterns or {}).items():
            self.when(pattern, reply)
        if self.config.setting("chunk_size") < 1:
            raise ConfigurationError(f"chunk_size must be at least 1, not {self.config.setting('chunk_size')}")
        self.service = MockService(
            self.script,
            self.config.name,
            Delivery(self.config.setting("chunk_size"), self.config.setting("delay")),
            self.config.setting("models") or list(_PRICES),
        )

    def reply(self, *replies: Any) -> Self:
        """Add replies to the end of the script, in any form that `make_reply` takes."""
        self.script.add(*replies)
        return self

    def when(self, pattern: Pattern, reply: Any) -> Self:
        """Reply so whenever the last message is like `pattern`: a regular expression, or a function of the
        text."""
        self.script.when(pattern, reply)
        return self

    def fail(self, kind: str | int | BaseException | type[BaseException], *, times: int = 1, **details: Any) -> Self:
        """Add a failure to the script: a word of `FAILURES`, an HTTP status or an exception; `details` are
        fields of `Failure`."""
        failure = make_failure(kind, **details) if isinstance(kind, str | int) else kind
        self.script.add(*[failure] * times)
        return self

    def reset(self) -> Self:
        """Forget the script and the calls."""
        self.script.reset()
        return self

    def simulate(self, request: Request) -> Simulated:
        """The answer to a request. Pure but for the script: no I/O, no clock, no randomness.

        Raises `UnscriptedCallError` when a strict script has no reply, and errors of ours that no provider
        sends as they are.
        """
        answer = self.service.answer(request)
        if isinstance(answer, AIError):
            raise answer
        return answer

    def pricing(self, model: str, variant: str | None = None) -> ModelPricing | None:
        """The connection's price, that of a mock model, or what the catalog knows under the connection's
        name."""
        return find_pricing(self.config.name, model, {**_PRICES, **self.config.prices})

    def _configured_script(self) -> Script:
        setting = self.config.setting
        patterns = setting("patterns") or {}
        if not isinstance(patterns, Mapping):
            raise ConfigurationError("patterns is a table of regular expressions and replies")
        replies = setting("replies")
        return Script(
            () if replies is None else replies, patterns, default=setting("default"), strict=setting("strict")
        )
