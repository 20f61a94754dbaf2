"""What the catalog says on one model: its prices over time and what it can do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import msgspec

from .rates import ModelPricing

__all__ = ["DatedPricing", "ModelEntry", "Source", "select"]

_STANDARD = (None, "default", "standard")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A public data set that the table was made from, as of `date`."""

    package: str
    version: str
    licence: str
    date: date

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.date})"


class DatedPricing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A price and when it applies: from the day `start` on, or daily between two times in UTC, or always."""

    pricing: ModelPricing
    start: date | None = None
    hours: tuple[time, time] | None = None

    def applies(self, moment: datetime) -> bool:
        """Whether it applies at `moment`, which is in UTC."""
        if self.start is not None:
            return moment.date() >= self.start
        if self.hours is not None:
            begin, end = self.hours
            now = moment.time()
            return begin <= now < end if begin <= end else now >= begin or now < end
        return True


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one model. `None` means unknown.

    - `pricing`: the standard price on the day the table was made, outside of any peak hours; `pricing_at`
      knows the others: `history`, in which the last entry that applies wins, and `variants` of it ("batch",
      "priority", "flex", "fast").
    - `read`: the day of the table. `context_window`, `max_output_tokens`: in tokens. Modalities are text,
      image, audio, video, pdf.
    - `temperature`: whether the model accepts sampling options. `endpoints`: the paths of OpenAI's API that
      serve it.
    - `type`: chat, embedding, image, audio, moderation or rerank. `released`: the day on which it was
      published.
    """

    id: str
    provider: str
    read: date = date.min
    name: str | None = None
    type: str | None = None
    pricing: ModelPricing | None = None
    history: tuple[DatedPricing, ...] = ()
    variants: dict[str, tuple[DatedPricing, ...]] = {}
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[str, ...] | None = None
    output_modalities: tuple[str, ...] | None = None
    tools: bool | None = None
    structured_output: bool | None = None
    reasoning: bool | None = None
    temperature: bool | None = None
    deprecated: bool | None = None
    released: date | None = None
    endpoints: tuple[str, ...] | None = None

    def pricing_at(self, moment: date | datetime | None = None, variant: str | None = None) -> ModelPricing | None:
        """The price of a call that was made at `moment`, or `None` when it is unknown.

        A datetime without a zone is in UTC, a date is outside of peak hours, and `None` is the day of the
        table. `variant` is how the call was processed: "batch", "priority", "flex", "fast"; `None`,
        "default" and "standard" mean the usual way. Before the first price on record that one applies.
        """
        if variant in _STANDARD:
            if moment is None or len(self.history) < 2:
                return self.pricing
            return select(self.history, moment) or self.history[0].pricing
        if moment is None:
            moment = self.read
        return select(self.variants.get(variant or "", ()), moment)


def select(history: tuple[DatedPricing, ...], moment: date | datetime) -> ModelPricing | None:
    """The last price that applies at `moment`; a datetime without a zone is in UTC, a date has no hours."""
    hourly = isinstance(moment, datetime)
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    elif moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    for dated in reversed(history):
        if (hourly or dated.hours is None) and dated.applies(moment):
            return dated.pricing
    return None
