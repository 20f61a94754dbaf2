"""What generations of Claude models differ in, as far as a request must know it.

The table is about the past only: older models take options that newer ones refuse, or lack what newer ones have. A
Claude model that it does not name is taken as one of the newest; a model that is not a Claude (other services speak
this wire too) as a plain one. Nothing here refuses a model.

https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5 (also for Fable 5.1),
https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide, `/models/haiku-5-5/migration-guide`,
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking and `/extended-thinking`, `/effort`,
`/structured-outputs`
"""

from __future__ import annotations

import functools
import re
from typing import Literal

import msgspec

__all__ = ["EFFORTS", "Generation", "find_generation"]

EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""The words of `output_config.effort`, from little to much."""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What models of one generation take.

    - `thinking`: "none"; "budget" (`enabled` with tokens); "adaptive" (the model decides); "both".
    - `optional_thinking`: whether it can be switched off.
    - `efforts`: the words that `output_config.effort` may be.
    - `sampling`: "free"; "either" (`temperature` or `top_p`, not both); "none" (the API answers 400 to any).
    - `forced_tools`: whether a tool can be forced (`tool_choice` "any" and "tool").
    - `prefill`: whether a conversation may end with the start of the answer.
    - `structured`: whether `output_config.format` and strict tools work.
    """

    thinking: Literal["none", "budget", "both", "adaptive"] = "adaptive"
    efforts: tuple[str, ...] = EFFORTS
    sampling: Literal["free", "either", "none"] = "none"
    structured: bool = True
    optional_thinking: bool = False
    forced_tools: bool = False
    prefill: bool = False


_NEWEST = Generation()
_past = functools.partial(Generation, optional_thinking=True, forced_tools=True, prefill=True)
_FOREIGN = _past(thinking="budget", efforts=(), sampling="free", structured=False)
_TABLE: tuple[tuple[re.Pattern[str], Generation], ...] = tuple(
    (re.compile(pattern), generation)
    for pattern, generation in (
        (r"claude-3-7", _past(thinking="budget", efforts=(), sampling="free", structured=False)),
        (r"claude-(?:3|2|instant|v1)", _past(thinking="none", efforts=(), sampling="free", structured=False)),
        (
            r"claude-(?:opus|sonnet)-4(?:-0|-20\d{6}|-latest|@.*|-v1)?(?!-?\d)|claude-4-",
            _past(thinking="budget", efforts=(), sampling="free", structured=False),
        ),
        (
            r"claude-(?:opus-4-1|sonnet-4-5|haiku-4-5)(?!\d)",
            _past(thinking="budget", efforts=(), sampling="either"),
        ),
        (r"claude-opus-4-5(?!\d)", _past(thinking="budget", efforts=EFFORTS[:3], sampling="either")),
        (
            r"claude-(?:opus|sonnet)-4-6(?!\d)",
            _past(thinking="both", efforts=("low", "medium", "high", "max"), sampling="either", prefill=False),
        ),
        (
            r"claude-opus-4-[78](?!\d)|claude-(?:opus|sonnet|haiku)-5(?!-\d(?!\d))|claude-haiku-5-5(?!\d)",
            Generation(optional_thinking=True, forced_tools=True),
        ),
        (r"claude-(?:fable|mythos)-5(?!-\d(?!\d))|claude-mythos-preview", Generation(forced_tools=True)),
    )
)


@functools.lru_cache(maxsize=1024)
def find_generation(model: str) -> Generation:
    """The generation of a model, under whatever name a platform has for it.

    Bedrock's `us.anthropic.claude-...-v1:0`, Vertex's `claude-...@20250514`, routers' `anthropic/claude-sonnet-4.5`.
    """
    plain = model.lower().replace(".", "-")
    if "claude" not in plain:
        return _FOREIGN
    return next((generation for pattern, generation in _TABLE if pattern.search(plain)), _NEWEST)
