"""Going on with a stream that broke: another target continues the answer from what came of it.

What came is text, perhaps with reasoning before it. A model that goes on from the start of an answer gets the text as
that start; another one gets it as its own turn, and is asked to go on. White space at the place of the break is the
first part's: the start of an answer must not end with any, and models begin with it or not.
"""

from __future__ import annotations

from copy import copy

from msgspec.structs import replace

from ..data.cost import Cost
from ..data.messages import AIMessage, Part, Reasoning, Text
from ..data.prompt import Prompt
from ..data.responses import AIChunk, AIResponse, Continuation
from ..data.usage import TokenUsage

__all__ = ["can_go_on", "join", "messages_to_go_on", "trim"]

_GO_ON = (
    "Your answer was cut off where it ends above. Go on from exactly there: begin with the next characters, repeat "
    "nothing, and say nothing about the interruption."
)


def can_go_on(came: AIResponse, prompt: Prompt) -> bool:
    """Whether another model can go on from what came: text of one answer, without calls, media or a schema."""
    return (
        prompt.response_format is None
        and (prompt.n or 1) == 1
        and not came.alternatives
        and all(isinstance(part, Text | Reasoning) for part in came.parts)
    )


def messages_to_go_on(came: str, *, takes_prefill: bool) -> list[AIMessage]:
    """What is added to the messages of a call so that its answer is gone on with."""
    text = came.rstrip()
    if not text:
        return []
    start = AIMessage([Text(text)], "assistant")
    return [start] if takes_prefill else [start, AIMessage([Text(_GO_ON)], "user")]


def trim(came: str, chunks: list[AIChunk]) -> bool:
    """Take the white space from the first text of an answer that goes on, where there is some at the break already.

    Returns whether that text has begun.
    """
    if not _ends_with_space(came):
        return True
    for chunk in chunks:
        chunk.content = chunk.content.lstrip()
        if chunk.content:
            return True
    return False


def join(first: AIResponse, second: AIResponse) -> AIResponse:
    """The whole of two answers, of which the second goes on from the first: all that both used and cost."""
    whole = copy(second)
    whole.parts = _join_parts(first.parts, _trimmed(first.content, second.parts))
    whole.usage = _sum_usage(first.usage, second.usage)
    whole.cost = _sum_cost(first.cost, second.cost)
    whole.warnings = list(dict.fromkeys([*first.warnings, *second.warnings]))
    whole.logprobs = None
    mark = Continuation(provider=second.provider, model=second.requested_model, at=len(first.content))
    whole.continuations = [*first.continuations, mark]
    return whole


def _trimmed(came: str, parts: list[Part]) -> list[Part]:
    """The parts that follow, without white space that is there already."""
    found: list[Part] = []
    begun = not _ends_with_space(came)
    for part in parts:
        if not begun and isinstance(part, Text):
            part = replace(part, text=part.text.lstrip())
            begun = bool(part.text)
            if not begun:
                continue
        found.append(part)
    return found


def _join_parts(first: list[Part], second: list[Part]) -> list[Part]:
    if first and second and isinstance(last := first[-1], Text) and isinstance(following := second[0], Text):
        text = Text(last.text + following.text, [*last.citations, *following.citations], following.provider_data)
        return [*first[:-1], text, *second[1:]]
    return [*first, *second]


def _ends_with_space(text: str) -> bool:
    return text != text.rstrip()


def _sum_usage(first: TokenUsage | None, second: TokenUsage | None) -> TokenUsage | None:
    """Both together, whose models may be different."""
    if first is None or second is None:
        return first or second
    if first.model == second.model:
        return first + second
    return replace(first, model=None) + replace(second, model=None)


def _sum_cost(first: Cost | None, second: Cost | None) -> Cost | None:
    """Both together; unknown where one of them is, or where their currencies differ."""
    if first is None or second is None or first.currency != second.currency:
        return None
    return first + second
