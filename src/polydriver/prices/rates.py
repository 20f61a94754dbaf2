"""The prices of a model, and prices that a user writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

__all__ = ["TOOL_RATES", "ModelPricing", "PriceTier", "Rates", "pricing_from_mapping"]


class Rates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices per million tokens. `None` means that no price is listed, which is not the same as free."""

    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    cached_input_audio: Decimal | None = None
    input_image: Decimal | None = None
    output_image: Decimal | None = None
    cached_input_image: Decimal | None = None
    input_video: Decimal | None = None
    output_video: Decimal | None = None
    citation: Decimal | None = None


class PriceTier(Rates, frozen=True, kw_only=True, omit_defaults=True):
    """The prices of a whole request, every token of it, whose input has more than `above` tokens."""

    above: int


class ModelPricing(Rates, frozen=True, kw_only=True, omit_defaults=True):
    """What a model costs, in `currency`: per million tokens, and per other unit where the provider bills one.

    - `tiers`: for long prompts, ascending. The highest tier that the input exceeds prices the whole
      request, not only its end; a tier is complete and replaces every token price.
    - `per_request`: for each call. `per_web_search`, `per_file_search`: for each search of the provider's own tools;
      `per_container`: for each container that its code interpreter used; `per_code_execution`: for each run of code.
    - `premiums`: factors on all token prices by the region that an answer was computed in; "*" is any region but
      "global".
    - `per_audio_hour`: for an hour of audio, of which at least `minimum_audio_seconds` are billed.
    - `per_million_characters`, `per_thousand_pages`: for speech and for documents.
    - `source`: where the numbers come from. `effective_date`: the day from which they hold, when the source
      states one; otherwise the day on which the source was read, and `None` for a superseded price without
      a stated start.
    """

    tiers: tuple[PriceTier, ...] = ()
    per_request: Decimal | None = None
    per_web_search: Decimal | None = None
    per_file_search: Decimal | None = None
    per_container: Decimal | None = None
    per_code_execution: Decimal | None = None
    per_audio_hour: Decimal | None = None
    minimum_audio_seconds: int = 0
    per_million_characters: Decimal | None = None
    per_thousand_pages: Decimal | None = None
    premiums: dict[str, Decimal] = {}
    source: str = ""
    effective_date: date | None = None
    currency: str = "USD"

    def rates(self, input_tokens: int | None) -> Rates:
        """The token prices of a request with that much input: of its tier, or the base prices."""
        for tier in reversed(self.tiers):
            if input_tokens is not None and input_tokens > tier.above:
                return tier
        return self


TOOL_RATES = ("per_web_search", "per_file_search", "per_container", "per_code_execution")
"""The prices of a provider's own tools."""

_RATES = Rates.__struct_fields__
_UNITS = ("per_request", *TOOL_RATES, "per_audio_hour", "per_million_characters", "per_thousand_pages")
_KEYS = (*_RATES, *_UNITS, "minimum_audio_seconds", "tiers", "premiums", "source", "effective_date", "currency")


def pricing_from_mapping(mapping: Mapping[str, Any]) -> ModelPricing:
    """Read the prices that a user wrote, such as `{"input": "2.50", "output": 10}`.

    The keys are the fields of `ModelPricing`. Prices may be strings, integers, decimals or floats; a float
    means what it prints as. Long prompts have tiers, `"tiers": [{"above": 200000, "input": 5}]`; what a tier
    does not mention costs as much as without it. Raises `ValueError` that names the key and what it can be.
    """
    _check_keys(mapping, _KEYS, "price")
    base = {key: _price(key, mapping[key]) for key in (*_RATES, *_UNITS) if mapping.get(key) is not None}
    if not base:
        raise ValueError(f"no price is given: set at least one of {', '.join((*_RATES, *_UNITS))}")
    rates = {key: value for key, value in base.items() if key in _RATES}
    tiers = []
    for tier in mapping.get("tiers") or ():
        if not isinstance(tier, Mapping):
            raise ValueError(f"a tier must be a table like {{'above': 200000, 'input': '5'}}, not {tier!r}")
        _check_keys(tier, ("above", *_RATES), "tier")
        changed = {key: _price(key, tier[key]) for key in _RATES if tier.get(key) is not None}
        tiers.append(PriceTier(above=_count("above", tier.get("above")), **{**rates, **changed}))
    premiums = mapping.get("premiums") or {}
    if not isinstance(premiums, Mapping):
        raise ValueError(f"premiums must be a table like {{'us': '1.1'}}, not {premiums!r}")
    return ModelPricing(
        **base,
        premiums={str(region): _price(str(region), factor) for region, factor in premiums.items()},
        tiers=tuple(sorted(tiers, key=lambda tier: tier.above)),
        minimum_audio_seconds=_count("minimum_audio_seconds", mapping.get("minimum_audio_seconds", 0)),
        source=str(mapping.get("source", "configuration")),
        effective_date=_date(mapping.get("effective_date")),
        currency=str(mapping.get("currency", "USD")).upper(),
    )


def _check_keys(mapping: Mapping[str, Any], allowed: tuple[str, ...], what: str) -> None:
    for key in mapping:
        if key not in allowed:
            from difflib import get_close_matches

            nearest = get_close_matches(str(key), allowed, 1)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise ValueError(f"unknown {what} key {key!r}: {hint}the keys are {', '.join(allowed)}")


def _price(key: str, value: object) -> Decimal:
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        try:
            price = Decimal(str(value).strip())
        except InvalidOperation:
            price = Decimal("NaN")
        if price.is_finite() and price >= 0:
            return price
    raise ValueError(f"the price {key} is {value!r}: it must be a number that is 0 or more, like '2.50'")


def _count(key: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"{key} is {value!r}: it must be a whole number that is 0 or more")


def _date(value: object) -> date | None:
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"effective_date is {value!r}: it must be a date like 2026-01-31") from None
