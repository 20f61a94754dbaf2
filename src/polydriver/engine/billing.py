"""Where usage becomes money: answers, what was delivered of broken streams, operations, stored responses, batches.

The rules are the same for all of them. A cost that the provider reported stands. Else the requested model is priced,
then the one that answered, by what the answer says of how it was served; what the price table does not know is `None`,
never a guess and never 0. A price that cannot be worked out never fails a call.

Where a stream ended before the provider told its usage, the usage is estimated and marked so: the provider's count of
the input if it came, else one token for four bytes of UTF-8 and 1,000 for each picture, sound or document; the output
that was delivered by the same rule.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from operator import add

import msgspec

from ..contract import DriverHooks
from ..data.billing import BillingFacts
from ..data.cost import Cost
from ..data.json import as_dict, as_str
from ..data.messages import Media, Reasoning, Text, ToolCall, ToolResult
from ..data.prompt import Prompt, ToolSpec
from ..data.responses import AIResponse
from ..data.usage import TokenUsage
from ..operations.results import BatchResults, OperationResult
from ..prices.pricing import calculate_cost

__all__ = ["estimate_usage", "price_answer", "price_batch", "price_operation"]

_log = logging.getLogger("polydriver")
_BYTES_PER_TOKEN = 4
_TOKENS_PER_MEDIA = 1000
_TOKENS_PER_MESSAGE = 4
_NO_USAGE = TokenUsage(input_tokens=0, output_tokens=0)
_STANDARD_TIERS = (None, "default", "standard", "auto", "on_demand")


def price_answer(
    driver: DriverHooks,
    answer: AIResponse,
    requested: str | None,
    *,
    asked_tier: str | None = None,
    variant: str | None = None,
) -> None:
    """Fill in `answer.cost`, unless the provider reported one.

    `asked_tier` is the service tier that was asked for: where it has prices of its own and the answer does not say
    which tier served, the cost is unknown. `variant` names other prices, such as "batch".
    """
    if answer.cost is not None or answer.usage is None:
        return
    facts = answer.billing or _served(answer.raw)
    if asked_tier not in _STANDARD_TIERS and (facts is None or facts.service_tier is None):
        return
    answer.cost = _price(driver, answer.usage, (requested, answer.model), facts, variant)


def _served(raw: object) -> BillingFacts | None:
    tier = as_str(as_dict(raw).get("service_tier"))
    return None if tier is None else BillingFacts(service_tier=tier)


def price_operation(driver: DriverHooks, result: OperationResult) -> None:
    """Fill in `result.cost`, unless the provider reported one; the cost of a batch is that of its answers."""
    if isinstance(result, BatchResults):
        price_batch(driver, result)
    elif result.cost is None and (result.usage is not None or result.units):
        facts = BillingFacts(units=result.units) if result.units else None
        result.cost = _price(driver, result.usage or _NO_USAGE, (result.requested_model, result.model), facts, None)


def price_batch(driver: DriverHooks, results: BatchResults) -> None:
    """Price each answer by the prices of batches, and sum them up where all of them are known."""
    answers = [item.response for item in results.items if item.response is not None]
    for response in answers:
        response.provider = results.provider
        price_answer(driver, response, None, variant="batch")
    costs = [response.cost for response in answers if response.cost is not None]
    if costs and len(costs) == len(answers) and len({cost.currency for cost in costs}) == 1:
        results.cost = reduce(add, costs)


def _price(
    driver: DriverHooks,
    usage: TokenUsage,
    models: tuple[str | None, str | None],
    facts: BillingFacts | None,
    variant: str | None,
) -> Cost | None:
    """By the requested model first, then by the answered one; `None` when neither has a price for this."""
    if variant is None and facts is not None and facts.service_tier not in _STANDARD_TIERS:
        variant = facts.service_tier
    units: Mapping[str, int | Decimal] | None = facts.units if facts is not None else None
    for model in dict.fromkeys(models):
        if not model:
            continue
        try:
            if variant is None and not units:
                cost = driver.calculate_cost(usage, model)
            else:
                pricing = driver.pricing(model) if variant is None else driver.pricing(model, variant)
                cost = None if pricing is None else calculate_cost(usage, pricing, model=model, extra=units)
        except Exception:  # noqa: BLE001 - a paid answer is not lost for its price
            _log.exception("the cost of %s could not be calculated", model)
            return None
        if cost is not None:
            return msgspec.structs.replace(cost, estimated=True) if usage.estimated else cost
    return None


def estimate_usage(prompt: Prompt, partial: AIResponse, *, complete: bool) -> TokenUsage | None:
    """The usage of a stream that ended early: the provider's if it came with the end of the answer (`complete`), else
    an estimate by the rule of this module, `None` where nothing was delivered and the provider told nothing."""
    seen = partial.usage
    if complete and seen is not None:
        return seen
    delivered = sum(_parts_size(choice.parts) for choice in (partial, *partial.alternatives))
    if seen is None and not delivered:
        return None
    output = -(-delivered // _BYTES_PER_TOKEN)
    if seen is not None and seen.input_tokens is not None:
        counted = max(output, seen.output_tokens or 0)
        return msgspec.structs.replace(seen, output_tokens=counted, total_tokens=None, estimated=True)
    return TokenUsage(input_tokens=_estimate_input(prompt), output_tokens=output, estimated=True)


def _estimate_input(prompt: Prompt) -> int:
    tokens, size = 0, 0
    for message in prompt.messages:
        tokens += _TOKENS_PER_MESSAGE
        for part in message.parts:
            if isinstance(part, Media):
                tokens += _TOKENS_PER_MEDIA
        size += _parts_size(message.parts)
    for tool in prompt.tools:
        size += len(msgspec.json.encode(tool)) if isinstance(tool, ToolSpec) else len(msgspec.json.encode(tool.data))
    return tokens - (-size // _BYTES_PER_TOKEN)


def _parts_size(parts: object) -> int:
    """The bytes of text in parts, those of tool calls and results included."""
    size = 0
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Text | Reasoning):
            size += len(part.text.encode("utf-8", "replace"))
        elif isinstance(part, ToolCall):
            size += len(part.name) + len(msgspec.json.encode(part.arguments))
        elif isinstance(part, ToolResult):
            content = part.content
            size += len(content.encode("utf-8", "replace")) if isinstance(content, str) else _parts_size(content)
    return size
