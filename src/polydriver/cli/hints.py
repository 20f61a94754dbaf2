"""What to do about an error, in the words of the command line instead of those of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..errors import AIError

__all__ = ["explain"]

_HINTS = {
    "ContextLengthError": "Shorten what you send (in a chat, /clear begins anew), lower --max-tokens, or name a model "
    "with a larger context with -m.",
    "ModelNotFoundError": "`polydriver models` lists the models that this account can use.",
    "InvalidCredentialsError": "Check the key and the address; `polydriver config` shows which are in force, and "
    "`polydriver check` tries them.",
    "RateLimitError": "Wait a moment and ask again, or name another connection with -p.",
    "ServerError": "Ask again later, or name another connection with -p.",
    "APITimeoutError": "Ask again, or allow more time with -o timeout=SECONDS.",
    "DeadlineExceededError": "Ask again, or allow more time with -o deadline=SECONDS.",
    "StreamInterruptedError": "What came stands above. Ask again, or ask the model to go on.",
    "InvalidRequestError": "Correct what the message names; -o NAME=VALUE sets any option.",
    "InvalidResponseError": "Check that the address belongs to an API of this kind; `polydriver config` shows it.",
    "UnsupportedFeatureError": "Leave it out, or name another connection with -p; `polydriver providers` lists them.",
    "ProviderError": "",
}
"""Instead of the hints of these classes of errors; a hint of one error alone stays."""

_WORDS = (
    ("pass model=..., or set default_model for the connection", "name one with -m, or set default_model"),
    ("Options that only the provider knows go into extra={...}", "What only the provider knows: -o 'extra={...}'"),
    (
        "put AIMessage.system(...) first among the messages of send_messages(), or call system() of a conversation",
        "use -s",
    ),
    ("call send_streaming_message(), or stream() of a conversation", "answers stream unless --no-stream is given"),
    ("raise `max_tokens`", "raise --max-tokens"),
    ("Raise `max_tokens`", "Raise --max-tokens"),
    ("ai.provider(name)", "-p NAME"),
)
"""Words of the library, and what they are on the command line."""


def explain(error: AIError) -> tuple[str, str]:
    """What happened, and what to do about it; the latter may be empty."""
    hint, text = error.hint or "", str(error)
    if hint and text.endswith(hint):
        text = text.removesuffix(hint).rstrip()
    for kind in type(error).__mro__:
        if kind.__name__ in _HINTS and hint == getattr(kind, "hint", None):
            hint = _HINTS[kind.__name__]
            break
    for ours, theirs in _WORDS:
        text, hint = text.replace(ours, theirs), hint.replace(ours, theirs)
    return text, hint
