"""What the makers' models on Bedrock differ in, as far as a request must know it.

Converse takes the same request for all of them; how long to think, `top_k` and structured output are the makers' own.
The table names what is known to differ; a model that it does not name is taken as one of the newest. Nothing here
refuses a model.

https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html, `/model-parameters.html` and
`/conversation-inference-supported-models-features.html`; choices: `ToolChoice` in the API reference, counts: `Message`;
Llama and results: https://github.com/strands-agents/harness-sdk/issues/1223
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from ..messages.models import find_generation

__all__ = ["Family", "find_family"]


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What models of one kind take.

    - `reasoning`: how they are told how long to think: "claude" (`thinking`), "nova" (`reasoningConfig`), "effort"
      (`reasoning_effort`), "none".
    - `top_k`: the path of that option in `additionalModelRequestFields`.
    - `structured`: whether `outputConfig.textFormat` and strict tools work; without it a forced tool stands in, and
      where none can be forced, words.
    - `cached`: where they take cache points: in "messages", "system", "tools".
    - `prefill`: whether a conversation may end with the start of the answer; `reads_s3`: whether media may be objects
      in S3; `counts`: how many images and documents a message may have at most, where that is known.
    - `tools`: whether they take any; `choices`: the forms of `toolChoice` that they take; `mixes_results`: whether
      anything may stand beside results in a turn.
    """

    reasoning: Literal["claude", "nova", "effort", "none"] = "none"
    top_k: tuple[str, ...] = ("top_k",)
    structured: bool = True
    tools: bool = True
    mixes_results: bool = True
    choices: frozenset[str] = frozenset({"auto", "any"})
    cached: frozenset[str] = frozenset()
    prefill: bool = True
    reads_s3: bool = True
    counts: tuple[int, int] | None = (20, 5)


_EVERY = frozenset({"auto", "any", "tool"})
_NONE: frozenset[str] = frozenset()

_NEWEST = Family()
_CLAUDE_CACHE = frozenset({"messages", "system", "tools"})
_NOVA = Family(
    top_k=("inferenceConfig", "topK"),
    structured=False,
    choices=_EVERY,
    cached=frozenset({"messages", "system"}),
)
_TABLE: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"amazon\.nova-(?:micro|lite|pro|premier)-v1", _NOVA),
        (r"amazon\.nova", msgspec.structs.replace(_NOVA, reasoning="nova")),
        (r"openai\.", Family(reasoning="effort")),
        (
            r"amazon\.titan|ai21\.j2|meta\.llama[23]-\d+b|deepseek\.r1|mistral\.mi[sx]tral-\w+-instruct",
            Family(structured=False, tools=False, choices=_NONE),
        ),
        (r"cohere\.command-(?:text|light)", Family(top_k=("k",), structured=False, tools=False, choices=_NONE)),
        (r"meta\.", Family(structured=False, choices=_NONE, mixes_results=False)),
        (r"amazon\.|ai21\.|writer\.", Family(structured=False, choices=_NONE)),
        (r"mistral\.mistral-large-24", Family(structured=False)),
        (r"mistral\.mistral-small-24", Family(structured=False, choices=_NONE)),
        (r"cohere\.", Family(top_k=("k",), structured=False, choices=_NONE)),
    )
)


_WITHOUT_CACHE = re.compile(r"claude-(?:v|instant|2|3-(?:opus|sonnet|haiku|5-sonnet-20240620))")


def find_family(model: str) -> Family:
    """The family of a model, under its id, the id of an inference profile, or an ARN that ends in one."""
    plain = model.lower()
    if "claude" in plain:
        generation = find_generation(plain)
        choices = _EVERY if generation.forced_tools else frozenset({"auto"})
        cached = frozenset[str]() if _WITHOUT_CACHE.search(plain) else _CLAUDE_CACHE
        return Family(
            reasoning="claude",
            structured=generation.structured,
            choices=choices,
            cached=cached,
            prefill=generation.prefill,
            reads_s3=False,
            counts=(20, 5) if generation.prefill else None,  # newer ones have larger limits of their own
        )
    return next((family for pattern, family in _TABLE if pattern.search(plain)), _NEWEST)
