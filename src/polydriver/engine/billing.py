"""Where usage becomes money: answers, what was delivered of broken streams, operations, stored responses, batches.

The rules are the same for all of them. A cost that the provider reported stands. Else the requested model is priced,
then the one that answered, by what the answer says of how it was served; what the price table does not know is `None`,
never a guess and never 0. A price that cannot be worked out never fails a call.

Where a stream ended before the provider told its usage, the usage is estimated and marked so: the provider's count of
the input if it came, else one token for four bytes of UTF-8 (texts, tools, the schema of the answer) and 1,000 for each
picture, sound or document; what was delivered by the same rule: text, reasoning, refusals, calls of tools, pictures.
Each piece of text that was streamed is a token at least, as it is exactly at many services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial, reduce
from operator import add

import msgspec

from ..contract import DriverHooks
from ..data.attempts import PaidItem
from ..data.billing import BillingFacts
from ..data.cost import REPORTED, Cost
from ..data.json import encode_json
from ..data.messages import Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from ..data.prompt import Prompt, ToolSpec
from ..data.responses import AIChunk, AIResponse
from ..data.usage import TokenUsage
from ..logger import logger
from ..operations.kinds import OPERATIONS
from ..operations.results import BatchResults, OperationResult
from ..prices.pricing import UNIT_PRICES, calculate_cost

__all__ = [
    "BYTES_PER_TOKEN",
    "chunk_size",
    "estimate_input",
    "estimate_unread",
    "estimate_usage",
    "price_answer",
    "paid_items",
    "price_batch",
    "price_operation",
    "take_reported_cost",
]

_log = logger()
BYTES_PER_TOKEN = 4
_TOKENS_PER_MEDIA = 1000
_TOKENS_PER_MESSAGE = 4
_NO_USAGE = TokenUsage(input_tokens=0, output_tokens=0)
_STANDARD_TIERS = (None, "", "default", "standard", "auto", "on_demand")
_COST_HEADER = "x-litellm-response-cost"


def price_answer(
    driver: DriverHooks,
    answer: AIResponse,
    requested: str | None,
    *,
    asked_tier: str | None = None,
    variant: str | None = None,
) -> None:
    """Fill in `answer.cost`; where the provider reported one, what our prices give is put beside it.

    `asked_tier` is the service tier that was asked for: where it has prices of its own and the answer does not say
    which tier served, the cost is unknown. `variant` names other prices, such as "batch". Why a known model's cost is
    unknown is added to the warnings of the answer.
    """
    told = answer.cost
    if answer.usage is None or (told is not None and (not told.is_reported or told.calculated is not None)):
        return
    cost, problem = _price_answer(driver, answer, answer.usage, requested, asked_tier, variant)
    if told is not None:
        answer.cost = _beside(told, cost)
        return
    answer.cost = cost
    if cost is None and problem is not None and (warning := f"The cost is unknown: {problem}.") not in answer.warnings:
        answer.warnings.append(warning)


def _price_answer(
    driver: DriverHooks,
    answer: AIResponse,
    usage: TokenUsage,
    requested: str | None,
    asked_tier: str | None,
    variant: str | None,
) -> tuple[Cost | None, str | None]:
    """What our prices give for an answer, and why that is unknown for a known model."""
    facts = answer.billing
    if variant is None and asked_tier not in _STANDARD_TIERS and (facts is None or facts.service_tier is None):
        return None, (
            f"the service tier {asked_tier!r} was asked for, and the answer does not say which tier served it"
        )
    if variant is None and (facts is None or _is_usual(facts)):
        return _cost(partial(driver.calculate_cost, usage), usage, requested, answer.model), None
    bill = _Bill(driver, usage, facts or BillingFacts(), variant)
    return _cost(bill.price, usage, requested, answer.model), bill.problem


def _beside(told: Cost, ours: Cost | None) -> Cost:
    """A cost that the provider reported, with what our prices give."""
    if ours is None or ours.currency != told.currency:
        return told
    return msgspec.structs.replace(told, calculated=ours.total)


def take_reported_cost(provider: str, headers: Mapping[str, str], answer: AIResponse | OperationResult) -> None:
    """Take over the cost that a proxy reports in a header of its reply, in US dollars.

    LiteLLM's proxy says 0 where it does not know. https://docs.litellm.ai/docs/proxy/cost_tracking (2026-11-26)
    """
    if answer.cost is None and (told := headers.get(_COST_HEADER)):
        try:
            amount = Decimal(told)
        except ArithmeticError:
            return
        if amount.is_finite() and amount > 0:
            answer.cost = Cost(amount, items={"total": amount}, source=f"{REPORTED}{provider}")


def price_operation(driver: DriverHooks, result: OperationResult) -> None:
    """Fill in `result.cost`, as for an answer; the cost of a batch is that of its answers."""
    told = result.cost
    if isinstance(result, BatchResults):
        price_batch(driver, result)
    elif told is not None and (not told.is_reported or told.calculated is not None):
        return
    elif result.usage is not None or result.units:
        usage, models = result.usage or _NO_USAGE, (result.requested_model, result.model)
        if not result.units and driver.billing_region is None:
            cost = _cost(partial(driver.calculate_cost, usage), usage, *models)
        else:
            bill = _Bill(driver, usage, BillingFacts(region=driver.billing_region, units=result.units), None)
            cost = _cost(bill.price, usage, *models)
        result.cost = cost if told is None else _beside(told, cost)


def paid_items(results: BatchResults) -> list[PaidItem]:
    """What each answer of a batch used and cost; none where the provider told the cost of all of it together."""
    answers = [(item.custom_id, item.response) for item in results.items if item.response is not None]
    items = [PaidItem(id, answer.usage, answer.cost, answer.billing) for id, answer in answers]
    costs = [item.cost for item in items if item.cost is not None]
    if results.cost is None:  # of some the price is not known
        return items
    is_whole = len({cost.currency for cost in costs}) == 1 and reduce(add, costs).total == results.cost.total
    return items if is_whole and len(costs) == len(items) else []


def price_batch(driver: DriverHooks, results: BatchResults) -> None:
    """Price each answer by the prices of batches, and sum them up where all of them are known."""
    answers = [item.response for item in results.items if item.response is not None]
    for response in answers:
        response.provider = results.provider
        price_answer(driver, response, None, variant="batch")
    costs = [response.cost for response in answers if response.cost is not None]
    if costs and len(costs) == len(answers) and len({cost.currency for cost in costs}) == 1:
        results.cost = reduce(add, costs)


def _cost(
    price: Callable[[str], Cost | None], usage: TokenUsage, requested: str | None, answered: str | None
) -> Cost | None:
    """By the requested model first, then by the answered one; `None` when neither has a price for this."""
    for model in (requested, answered if answered != requested else None):
        if model:
            try:
                cost = price(model)
            except Exception:  # noqa: BLE001 - a paid answer is not lost for its price
                _log.exception("the cost of %s could not be calculated", model)
                return None
            if cost is not None:
                return msgspec.structs.replace(cost, estimated=True) if usage.estimated else cost
    return None


class _Bill:
    """One usage that more than its model decides the price of. `problem` says why a known model has no price for it."""

    def __init__(self, driver: DriverHooks, usage: TokenUsage, facts: BillingFacts, variant: str | None) -> None:
        self.driver = driver
        self.usage = usage
        self.facts = facts
        self.variant = variant or _variant(facts)
        self.problem: str | None = None

    def price(self, model: str) -> Cost | None:
        """What it costs by the prices of one model."""
        facts, variant, driver = self.facts, self.variant, self.driver
        pricing = driver.pricing(model) if variant is None else driver.pricing(model, variant)
        if variant is None and not facts.units and not facts.uncounted and not (pricing and pricing.premiums):
            return driver.calculate_cost(self.usage, model)
        if pricing is None:
            if variant is not None and driver.pricing(model) is not None:
                self.problem = f"there is no price for {model} at the service tier {variant!r}"
            return None
        if facts.uncounted:
            told = " and ".join(facts.uncounted)
            self.problem = f"the provider bills {told} apart, and the answer does not count that"
            return None
        missing = [name for name in facts.units if name in UNIT_PRICES and getattr(pricing, UNIT_PRICES[name]) is None]
        if missing:
            wanted = " and ".join(UNIT_PRICES[name] for name in missing)
            self.problem = f"{model} has no price for {' and '.join(missing)}; give {wanted} in `prices`"
            return None
        return calculate_cost(self.usage, pricing, model=model, extra=facts.units, region=facts.region)


def _is_usual(facts: BillingFacts) -> bool:
    """Whether nothing but the model and its tokens decides the price."""
    usual = facts.service_tier in _STANDARD_TIERS and facts.speed in _STANDARD_TIERS
    return usual and facts.region is None and not facts.units and not facts.uncounted


def _variant(facts: BillingFacts) -> str | None:
    """Which prices other than the usual ones the facts name."""
    if facts.speed not in _STANDARD_TIERS:
        return facts.speed
    return None if facts.service_tier in _STANDARD_TIERS else facts.service_tier


def estimate_usage(prompt: Prompt, partial: AIResponse, pieces: int = 0, *, complete: bool) -> TokenUsage | None:
    """The usage of a stream that ended early: the provider's if it came with the end of the answer (`complete`), else
    an estimate by the rule of this module, `None` where nothing was delivered and the provider told nothing.

    `pieces`: in how many pieces its text and reasoning came.
    """
    seen = partial.usage
    if complete and seen is not None:
        return seen
    output = max(pieces, _tokens_of([part for choice in (partial, *partial.alternatives) for part in choice.parts]))
    if seen is None and not output:
        return None
    if seen is not None and seen.input_tokens is not None:
        counted = max(output, seen.output_tokens or 0)
        return msgspec.structs.replace(seen, output_tokens=counted, total_tokens=None, estimated=True)
    return TokenUsage(input_tokens=estimate_input(prompt), output_tokens=output, estimated=True)


def estimate_unread(driver: DriverHooks, prompt: Prompt) -> tuple[TokenUsage, Cost | None]:
    """The usage and cost of a request that was given up before anything of its answer came: its input was read."""
    usage = TokenUsage(input_tokens=estimate_input(prompt), output_tokens=0, estimated=True)
    return usage, _cost(partial(driver.calculate_cost, usage), usage, prompt.model, None)


def estimate_input(prompt: Prompt) -> int:
    """The input of a prompt in tokens, by the rule of this module."""
    media, size = 0, 0
    for message in prompt.messages:
        content = message.content
        if isinstance(content, str):
            size += _text_size(content)
            continue
        media += _media_count(content)
        size += _parts_size(content)
    for tool in prompt.tools:
        told = (tool.name, tool.description, tool.parameters) if isinstance(tool, ToolSpec) else tool.data
        size += len(encode_json(told))
    if prompt.response_format is not None and prompt.response_format.schema is not None:
        size += len(encode_json(prompt.response_format.schema))
    return _TOKENS_PER_MESSAGE * len(prompt.messages) + _TOKENS_PER_MEDIA * media - (-size // BYTES_PER_TOKEN)


def estimate_request(operation: str, size: int) -> int:
    """The tokens that an operation beyond chat reads, by the size of its request in bytes.

    A token for four bytes where it reads text; none where it reads a file, whose size tells nothing of that.
    """
    kind = OPERATIONS.get(operation)
    return -(-size // BYTES_PER_TOKEN) if kind is not None and kind.reads_text else 0


def chunk_size(chunk: AIChunk) -> int:
    """The bytes of text in a chunk, those of its tool calls included; of text not fewer than a token has."""
    text = chunk.content + chunk.reasoning
    size = max(_text_size(text), BYTES_PER_TOKEN) if text else 0
    return size + _parts_size(chunk.tool_calls)


def _tokens_of(parts: list[Part]) -> int:
    """The tokens of delivered parts, by the rule of this module."""
    return _TOKENS_PER_MEDIA * _media_count(parts) - (-_parts_size(parts) // BYTES_PER_TOKEN)


def _media_count(parts: list[Part]) -> int:
    """How many pictures, sounds and documents are in parts, those in results of tools included."""
    inner = sum(
        _media_count(part.content) for part in parts if isinstance(part, ToolResult) and type(part.content) is list
    )
    return inner + sum(isinstance(part, Media) for part in parts)


def _parts_size(parts: object) -> int:
    """The bytes of text in parts, those of tool calls and results included; of a call that was cut, what came of it."""
    size = 0
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Text | Reasoning | Refusal):
            size += _text_size(part.text)
        elif isinstance(part, ToolCall):
            size += _text_size(part.name)
            size += (
                _text_size(part.arguments_text or "") if part.arguments is None else len(encode_json(part.arguments))
            )
        elif isinstance(part, ToolResult):
            content = part.content
            size += _text_size(content) if isinstance(content, str) else _parts_size(content)
    return size


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
