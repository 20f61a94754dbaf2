"""Prices and what a call costs: exact decimals, never a guess.

`ModelPricing` holds the prices of one model; `calculate_cost` applies it to a `TokenUsage` and gives a
`Cost`, or `None` when any part of the bill is unknown. The table of known prices is
`polydriver.prices.catalog`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ..data.cost import EXACT as _EXACT
from ..data.cost import Cost
from ..data.usage import TokenUsage
from .rates import ModelPricing, PriceTier, Rates, pricing_from_mapping

__all__ = ["UNIT_PRICES", "ModelPricing", "PriceTier", "Rates", "calculate_cost", "pricing_from_mapping"]

UNIT_PRICES = {
    "web_searches": "per_web_search",
    "file_searches": "per_file_search",
    "containers": "per_container",
    "code_executions": "per_code_execution",
}
"""The counts of a provider's own tools, and the fields of `ModelPricing` that price them."""

Counts = Mapping[str, int | Decimal]

# One line of a bill: a name, so many units, the price, and of how many (10**scale) units it is the price.
_Line = tuple[str, int | Decimal, Decimal | None, int]

# Counts that a `TokenUsage` has no place for. The first six are parts of its input and output.
_EXTRA = (
    "cached_audio_tokens",
    "cached_image_tokens",
    "input_image_tokens",
    "input_video_tokens",
    "output_image_tokens",
    "output_video_tokens",
    "citation_tokens",
    *UNIT_PRICES,
    "audio_seconds",
    "characters",
    "pages",
)
_NOTHING: Counts = {}


def calculate_cost(
    usage: TokenUsage,
    pricing: ModelPricing,
    *,
    model: str | None = None,
    extra: Counts | None = None,
    region: str | None = None,
) -> Cost | None:
    """The cost of one call by `pricing`, or `None` when it cannot be known.

    `extra` counts what `usage` has no bucket for: `input_image_tokens`, `input_video_tokens`,
    `output_image_tokens`, `output_video_tokens`, `cached_audio_tokens`, `cached_image_tokens` (parts of the
    usage's input and output), `citation_tokens`, `web_searches`, `file_searches`, `containers`,
    `code_executions`, `audio_seconds`, `characters` and `pages`.
    Input that is not counted there is text, and what is not a token is not billed. A model whose output images
    or videos have a price of their own needs their count, 0 too: they cost many times what text costs.

    `region` is where the answer was computed: if the pricing has a premium for it, all tokens cost that many times as
    much.

    Where no price is listed, these rules of the providers apply:

    - cached input costs as much as input; so does a cache write, but if five-minute writes have a price and
      one-hour writes don't, the latter are unknown;
    - reasoning costs as much as output, and images and video as much as text;
    - audio is unknown: where it is billed apart, it never costs what text costs.

    The cost is unknown, too, if a count is missing that has a price, or if the parts exceed the whole. Raises
    `ValueError` for an unknown name or a negative number in `extra`.
    """
    counts = _checked(extra) if extra else _NOTHING
    rates = pricing.rates(usage.input_tokens) if pricing.tiers else pricing
    factor = _premium(pricing, region) if region is not None and pricing.premiums else None
    bill: list[_Line] = []
    if not (_bill_input(bill, usage, rates, counts) and _bill_output(bill, usage, rates, counts)):
        return None
    if counts or pricing.per_request is not None:
        _bill_units(bill, pricing, counts)
    items: dict[str, Decimal] = {}
    total = Decimal(0)
    for name, count, price, scale in bill:
        if not count:
            continue
        if price is None:
            return None
        amount = _EXACT.scaleb(_EXACT.multiply(price, count), -scale)
        if factor is not None and name not in _UNIT_LINES:
            amount = _EXACT.multiply(amount, factor)
        items[name] = amount
        total = _EXACT.add(total, amount)
    return Cost(total, pricing.currency, items, pricing.source, pricing.effective_date, model)


def _bill_input(bill: list[_Line], usage: TokenUsage, rates: Rates, extra: Counts) -> bool:
    """Add the lines of the input. False when its parts cannot be told apart or exceed the whole."""
    if usage.input_tokens is None:
        return not rates.input
    cached: int | Decimal = usage.cached_input_tokens or 0
    writes = usage.cache_write_tokens or 0
    plain = usage.input_tokens - cached - writes
    if writes:
        hour = usage.cache_write_1h_tokens or 0
        if hour > writes:
            return False
        apart = rates.cache_write_1h is not None or rates.cache_write is not None
        bill.append(("cache_write", writes - hour, _first(rates.cache_write, rates.input), 6))
        bill.append(("cache_write_1h", hour, rates.cache_write_1h if apart else rates.input, 6))
    audio: int | Decimal = usage.input_audio_tokens or 0
    if audio and rates.input_audio == rates.input and rates.cached_input_audio is None:
        audio = 0  # billed as text, cached or not
    if audio or extra:
        cached_audio, cached_image = extra.get("cached_audio_tokens", 0), extra.get("cached_image_tokens", 0)
        if audio and cached and rates.cached_input_audio is not None and "cached_audio_tokens" not in extra:
            return False
        image, video = extra.get("input_image_tokens", 0) - cached_image, extra.get("input_video_tokens", 0)
        audio -= cached_audio
        cached -= cached_audio + cached_image
        plain -= audio + image + video
        if min(audio, image, cached) < 0:
            return False
        whole_image = _first(rates.input_image, rates.input)
        bill.append(("input_audio", audio, rates.input_audio, 6))
        bill.append(("input_image", image, whole_image, 6))
        bill.append(("input_video", video, _first(rates.input_video, rates.input), 6))
        bill.append(("cached_input_audio", cached_audio, _first(rates.cached_input_audio, rates.input_audio), 6))
        image_price = _first(rates.cached_input_image, _first(rates.cached_input, whole_image))
        bill.append(("cached_input_image", cached_image, image_price, 6))
    bill.append(("input", plain, rates.input, 6))
    if cached:
        bill.append(("cached_input", cached, _first(rates.cached_input, rates.input), 6))
    return plain >= 0


def _bill_output(bill: list[_Line], usage: TokenUsage, rates: Rates, extra: Counts) -> bool:
    """Add the lines of the output. False when it is unknown or its parts exceed the whole."""
    text: int | Decimal | None = usage.output_tokens
    if text is None:
        return not rates.output
    if rates.reasoning is not None and usage.reasoning_tokens:
        bill.append(("reasoning", usage.reasoning_tokens, rates.reasoning, 6))
        text -= usage.reasoning_tokens
    for name, price in (
        ("output_image_tokens", rates.output_image),
        ("output_video_tokens", rates.output_video),
    ):
        if price is not None and text and name not in extra:
            return False
    if usage.output_audio_tokens:
        bill.append(("output_audio", usage.output_audio_tokens, rates.output_audio, 6))
        text -= usage.output_audio_tokens
    if extra:
        image, video = extra.get("output_image_tokens", 0), extra.get("output_video_tokens", 0)
        bill.append(("output_image", image, _first(rates.output_image, rates.output), 6))
        bill.append(("output_video", video, _first(rates.output_video, rates.output), 6))
        text -= image + video
    bill.append(("output", text, rates.output, 6))
    return text >= 0


def _bill_units(bill: list[_Line], pricing: ModelPricing, extra: Counts) -> None:
    """Add the lines of what is not counted in tokens of input or output."""
    if pricing.per_request is not None:
        bill.append(("requests", 1, pricing.per_request, 0))
    bill.append(("citation", extra.get("citation_tokens", 0), pricing.citation, 6))
    for unit, price in UNIT_PRICES.items():
        bill.append((unit, extra.get(unit, 0), getattr(pricing, price), 0))
    bill.append(("characters", extra.get("characters", 0), pricing.per_million_characters, 6))
    bill.append(("pages", extra.get("pages", 0), pricing.per_thousand_pages, 3))
    if seconds := extra.get("audio_seconds", 0):
        hourly, billed = pricing.per_audio_hour, Decimal(max(seconds, pricing.minimum_audio_seconds))
        amount = None if hourly is None else _EXACT.divide(_EXACT.multiply(hourly, billed), Decimal(3600))
        bill.append(("audio", 1, amount, 0))


_UNIT_LINES = ("requests", *UNIT_PRICES, "characters", "pages", "audio")


def _premium(pricing: ModelPricing, region: str) -> Decimal | None:
    """The factor on token prices in a region; "*" stands for all but "global"."""
    found = pricing.premiums.get(region)
    return pricing.premiums.get("*") if found is None and region != "global" else found


def _first(price: Decimal | None, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if price is None else price


def _checked(extra: Counts) -> Counts:
    for name, count in extra.items():
        if name not in _EXTRA:
            raise ValueError(f"unknown count {name!r} in extra: it can be {', '.join(_EXTRA)}")
        if not count >= 0:
            raise ValueError(f"the count {name} is {count}: it must be 0 or more")
    return extra
