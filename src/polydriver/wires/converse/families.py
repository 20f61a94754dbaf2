"""What the makers' models on Bedrock differ in, as far as a request must know it.

Converse takes the same request for all of them; how long to think, `top_k` and structured output are the makers' own.
The table names what is known to differ; a model that it does not name is taken as one of the newest. Nothing here
refuses a model.

https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html and `/model-parameters.html`
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from ..messages.generations import find_generation

__all__ = ["Family", "find_family"]


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What models of one kind take.

    - `reasoning`: how they are told how long to think: "claude" (`thinking`), "nova" (`reasoningConfig`), "effort"
      (`reasoning_effort`), "none".
    - `top_k`: the path of that option in `additionalModelRequestFields`.
    - `structured`: whether `outputConfig.textFormat` and strict tools work; without it a forced tool stands in.
    """

    reasoning: Literal["claude", "nova", "effort", "none"] = "none"
    top_k: tuple[str, ...] = ("top_k",)
    structured: bool = True


_NEWEST = Family()
_NOVA_TOP_K = ("inferenceConfig", "topK")
_TABLE: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"amazon\.nova-(?:micro|lite|pro|premier)-v1", Family(top_k=_NOVA_TOP_K, structured=False)),
        (r"amazon\.nova", Family(reasoning="nova", top_k=_NOVA_TOP_K, structured=False)),
        (r"openai\.", Family(reasoning="effort")),
        (r"amazon\.|ai21\.|meta\.|writer\.|deepseek\.r1", Family(structured=False)),
        (r"mistral\.(?:mi[sx]tral-\w+-instruct|mistral-(?:small|large)-24)", Family(structured=False)),
        (r"cohere\.", Family(top_k=("k",), structured=False)),
    )
)


def find_family(model: str) -> Family:
    """The family of a model, under its id, the id of an inference profile, or an ARN that ends in one."""
    plain = model.lower()
    if "claude" in plain:
        return Family(reasoning="claude", structured=find_generation(plain).structured)
    return next((family for pattern, family in _TABLE if pattern.search(plain)), _NEWEST)
