"""Every error that polydriver raises, as one tree.

::

    AIError
    ├── ProviderError                    what a provider, or the way to it, did
    │   ├── InvalidCredentialsError      the key is missing, wrong or lacks a permission
    │   ├── RateLimitError               too many requests or tokens; `retry_after` says when to return
    │   ├── QuotaExceededError           the account is out of credit or over its budget
    │   ├── ServerError                  5xx, overloaded, in maintenance
    │   ├── InvalidRequestError          the request is refused as it stands
    │   │   ├── ContextLengthError       more tokens than the model can read
    │   │   ├── ModelNotFoundError       no such model, or no access to it
    │   │   └── ContentFilterError       refused by the provider's safety system
    │   ├── APITimeoutError              no answer in time
    │   ├── APIConnectionError           no connection, or it broke before the answer
    │   ├── InvalidResponseError         an answer that cannot be read
    │   └── StreamInterruptedError       a stream that broke after its first content; `partial` holds what came
    ├── ConfigurationError               (also ValueError) settings or arguments that cannot work
    │   └── UnknownOptionError           (also TypeError) an option that no one knows
    ├── UnsupportedFeatureError          the driver does not do this
    ├── DeadlineExceededError            the call's deadline passed
    ├── CircuitOpenError                 the provider failed too often lately; nothing was sent
    ├── LimitReachedError                a limit of ours is reached; `retry_after` says when there is room
    ├── BudgetExceededError              a budget of ours has no money for the call
    ├── StorageError                     the database failed, not the provider
    └── ToolExecutionError               a tool failed and its failure was not to be sent back to the model

Each driver has a branch of its own by multiple inheritance, made by `error_branch`: `OpenAIRateLimitError` is both
an `OpenAIError` and a `RateLimitError`, so that either can be caught.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data.attempts import AttemptReport
    from .data.responses import AIResponse

__all__ = [
    "AIError",
    "APIConnectionError",
    "APITimeoutError",
    "BudgetExceededError",
    "CircuitOpenError",
    "ConfigurationError",
    "ContentFilterError",
    "ContextLengthError",
    "DeadlineExceededError",
    "InvalidCredentialsError",
    "InvalidRequestError",
    "InvalidResponseError",
    "LimitReachedError",
    "ModelNotFoundError",
    "ProviderClosedError",
    "ProviderError",
    "QuotaExceededError",
    "RateLimitError",
    "ServerError",
    "StorageError",
    "StreamInterruptedError",
    "ToolExecutionError",
    "UnknownOptionError",
    "UnsupportedFeatureError",
    "adopt_branch",
    "error_branch",
]


class AIError(Exception):
    """The root of every error that polydriver raises.

    Attributes: `message` (without the decorations of `str()`), `provider` (its name), `status` (HTTP), `code` and
    `type` (the provider's own words), `request_id`, `retry_after` (seconds), `retryable`, `details` (a dict, redacted),
    `hint` (what to do about it), `partial` (what had arrived, for a stream). Absent values are `None`.
    `attempts` are the reports of all attempts of the call that failed, with the target of each.
    """

    hint: str | None = None
    retryable: bool = False
    attempts: Sequence[AttemptReport] = ()

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        details: Mapping[str, Any] | None = None,
        hint: str | None = None,
        partial: AIResponse | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.status = status
        self.code = code
        self.type = type
        self.request_id = request_id
        self.retry_after = retry_after
        self.details: dict[str, Any] = dict(details or {})
        self.partial = partial
        if retryable is not None:
            self.retryable = retryable
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        words = (word for word in (self.code, self.type) if word and word != str(self.status))
        facts = [
            self.provider,
            f"HTTP {self.status}" if self.status else None,
            next(words, None),
            f"request {self.request_id}" if self.request_id else None,
            f"retry after {self.retry_after:g} s" if self.retry_after is not None else None,
        ]
        known = ", ".join(fact for fact in facts if fact)
        text = f"{self.message} ({known})" if known else self.message
        return f"{text.rstrip('.')}. {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        prefix = getattr(type(self), "_branch", "")
        base = _plain(type(self)) if prefix else type(self)
        return _rebuild, (base, prefix, self.message, dict(self.__dict__))


class ProviderError(AIError):
    """Something that a provider, or the way to it, did. Unrefined when no narrower class fits."""

    hint = "Look at `details` for the provider's own words."


class InvalidCredentialsError(ProviderError):
    """The key is missing, wrong, revoked, or lacks a permission (HTTP 401, 403). Never retried."""

    hint = "Check the API key, its permissions and the base URL of this connection."


class RateLimitError(ProviderError):
    """Too many requests or tokens in a time window (HTTP 429).

    `retry_after` (seconds) says when to return, if known.
    """

    hint = "Wait for `retry_after`, lower the rate, or ask the provider for a higher limit."
    retryable = True


class QuotaExceededError(ProviderError):
    """The account is out of credit or over its spending limit. Waiting does not help, so it is never retried."""

    hint = "Check the plan and the billing details of the account."


class ServerError(ProviderError):
    """The provider failed (5xx), or is overloaded (529)."""

    hint = "Try again later, or use a fallback provider."
    retryable = True


class InvalidRequestError(ProviderError):
    """The provider refuses the request as it stands (most 4xx). Never retried."""

    hint = "Correct the request; `details` names the parameter when the provider does."


class ContextLengthError(InvalidRequestError):
    """The request has more tokens than the model can read."""

    hint = "Shorten the conversation (see `context_window`), lower `max_tokens`, or use a model with a larger context."


class ModelNotFoundError(InvalidRequestError):
    """The provider has no such model, or the account no access to it."""

    hint = "See `get_available_models()` for the models that this account can use."


class ContentFilterError(InvalidRequestError):
    """The provider's safety system refused the request."""

    hint = "Rephrase the request, or change the safety settings where the provider has them."


class APITimeoutError(ProviderError):
    """No answer in time: connecting, waiting for the first byte, or between two chunks (`details["phase"]`)."""

    hint = "Raise `timeout` (or `idle_timeout` for a stream) if the model needs longer."
    retryable = True


class APIConnectionError(ProviderError):
    """No connection could be made, or it broke before the answer was whole."""

    hint = "Check the network, the proxy settings and the base URL."
    retryable = True


class InvalidResponseError(ProviderError):
    """An answer that cannot be read: not JSON, the wrong shape, cut short, or too large."""

    hint = "Check that the base URL belongs to an API of this kind; `details` shows the start of the answer."


class StreamInterruptedError(ProviderError):
    """A stream that broke after its first content. `partial` is the `AIResponse` so far, with its usage and cost."""

    hint = "The text so far is in `partial`; send the request again, or ask the model to go on."


class ConfigurationError(AIError, ValueError):
    """Settings or arguments that cannot work. The message lists every problem with its key and the fix."""


class UnknownOptionError(ConfigurationError, TypeError):
    """An option that neither polydriver nor the driver knows. The message names the nearest one that exists."""


class UnsupportedFeatureError(AIError):
    """The driver does not do this; raised before anything is sent.

    `part` is the part of a message that it is about, if it is about one.
    """

    part: object = None
    hint = "See `get_capabilities()` for what this provider does."


class DeadlineExceededError(AIError):
    """The deadline of the whole call (attempts, waits and stream together) passed."""

    hint = "Raise `deadline`, or lower `retry_attempts`."


class CircuitOpenError(AIError):
    """The provider failed too often lately, and is left alone for a while; nothing was sent.

    `retry_after` says in how many seconds the next call may be let in.
    """

    hint = "Wait for `retry_after`, or use a fallback; `circuits()` shows the state, the settings `circuit` the rules."


class ProviderClosedError(AIError):
    """The provider was closed for good (`close(grace=...)`): a new call sent nothing; one that ran was stopped."""

    hint = "Make another provider, or close this one later."


class LimitReachedError(AIError):
    """A limit that the settings give (`rate_limiting`) is reached; nothing was sent.

    `retry_after` says in how many seconds there is room, where that is known.
    """

    hint = "Wait for `retry_after`, or raise the limit that is named in the settings (rate_limiting)."


class BudgetExceededError(AIError):
    """A budget that the settings give (`budgets`) has no money left for the call; nothing was sent.

    `details` has the budget's name, its `subject`, `limit`, `spent`, `reserved` and the `estimate` of the attempt (as
    texts), and the end of its window; `retry_after` the seconds until then. Of a stream that was stopped for it,
    `partial` holds what came.
    """

    hint = (
        "Wait for the next window, raise the limit in the settings (budgets), lower `max_tokens`, or fall back on a "
        "cheaper model; `polydriver budgets` shows all of them."
    )


class StorageError(AIError):
    """The database failed: it cannot be reached, is full, locked, read-only. Nothing is wrong with the provider."""

    hint = "Check the database and its URL in the settings (storage.url)."


class ToolExecutionError(AIError):
    """A tool failed, and its failure was not to be sent back to the model. The original is `__cause__`."""


_LEAVES: tuple[type[ProviderError], ...] = (
    InvalidCredentialsError,
    RateLimitError,
    QuotaExceededError,
    ServerError,
    InvalidRequestError,
    ContextLengthError,
    ModelNotFoundError,
    ContentFilterError,
    APITimeoutError,
    APIConnectionError,
    InvalidResponseError,
    StreamInterruptedError,
)
_branches: dict[str, dict[type[ProviderError], type[ProviderError]]] = {}


def error_branch(prefix: str) -> Mapping[type[ProviderError], type[ProviderError]]:
    """The branch of one driver: each class of the tree mapped to the driver's own class of that kind.

    `error_branch("Groq")[RateLimitError]` is `GroqRateLimitError(GroqError, RateLimitError)`, and
    `error_branch("Groq")[ProviderError]` is `GroqError`. Made once for each prefix; the classes can be pickled.
    """
    known = _branches.get(prefix)
    if known is None:
        fields = {"__module__": __name__, "_branch": prefix}
        root = type(f"{prefix}Error", (ProviderError,), {**fields, "__doc__": f"An error from {prefix}."})
        known = {ProviderError: root}
        for leaf in _LEAVES:
            parent = known.get(leaf.__mro__[1], root)
            doc = f"{leaf.__name__} from {prefix}."
            known[leaf] = type(
                prefix + leaf.__name__,
                (parent, leaf),
                {**fields, "__doc__": doc, "hint": leaf.hint, "retryable": leaf.retryable},
            )
        _branches[prefix] = known
    return known


def adopt_branch(prefix: str, root: type[ProviderError], *leaves: type[ProviderError]) -> None:
    """Make classes that were written out the branch of `prefix`.

    Each leaf stands for the class of the tree that it extends.
    """
    branch: dict[type[ProviderError], type[ProviderError]] = {ProviderError: root}
    for leaf in leaves:
        branch[next(base for base in leaf.__mro__ if base in _LEAVES)] = leaf
    missing = [leaf.__name__ for leaf in _LEAVES if leaf not in branch]
    if missing:
        raise ValueError(f"the branch {prefix} lacks {', '.join(missing)}")
    _branches[prefix] = branch


def _plain(kind: type) -> type:
    """The class of the common tree that a branch's class stands for."""
    return next(base for base in kind.__mro__ if not getattr(base, "_branch", ""))


def _rebuild(base: type[ProviderError], prefix: str, message: str, state: dict[str, Any]) -> AIError:
    kind = error_branch(prefix)[base] if prefix else base
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error
