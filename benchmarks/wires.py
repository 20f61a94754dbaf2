"""The section `wires`: a whole call and a chunk of a burst on each wire, beside a bare client and the vendor's SDK."""

from __future__ import annotations

from collections.abc import Iterator

from .canned import WIRES
from .competitors import BARE_ASYNC, BARE_BLOCKING, OPENAI, POLYDRIVER
from .meter import BURST_CHUNKS
from .records import Samples, WireFigures
from .section import Section

__all__ = ["WireBench"]

CALL_LIMIT, CHUNK_LIMIT = 1.5, 2
"""polydriver's goals, in multiples of the bare client."""

_ANTHROPIC, _BOTO3 = "anthropic SDK", "boto3"
_SDKS = {
    ("blocking", "chat_completions"): (OPENAI, "openai_sdk:OpenAISDK"),
    ("blocking", "responses"): (OPENAI, "wires.sdks:OpenAIResponses@responses"),
    ("blocking", "messages"): (_ANTHROPIC, "wires.sdks:Anthropic@messages"),
    ("blocking", "converse"): (_BOTO3, "wires.sdks:Boto3@converse"),
    ("async", "chat_completions"): (OPENAI, "openai_sdk:AsyncOpenAISDK"),
    ("async", "responses"): (OPENAI, "wires.sdks:AsyncOpenAIResponses@responses"),
    ("async", "messages"): (_ANTHROPIC, "wires.sdks:AsyncAnthropic@messages"),
}
_COLOURS = {
    "blocking": (BARE_BLOCKING, "wires.bare:Urllib3", "wires.polydriver_client:Polydriver"),
    "async": (BARE_ASYNC, "wires.bare:Aiohttp", "wires.polydriver_client:AsyncPolydriver"),
}


class WireBench(Section):
    """Measures wire after wire."""

    def tables(self) -> Iterator[WireFigures]:
        """A table for each colour and kind."""
        for colour, (bare, _, _) in _COLOURS.items():
            calls, chunks = {}, {}
            for wire in WIRES:
                calls[wire], chunks[wire] = self._measure_wire(colour, wire)
            for title, unit, limit, results in (
                (f"Call on each wire, {colour}", "CPU µs a call", CALL_LIMIT, calls),
                (f"Chunk in a burst of {BURST_CHUNKS} on each wire, {colour}", "CPU µs a chunk", CHUNK_LIMIT, chunks),
            ):
                self._add_goal(f"{title}, the dearest", results, bare, limit)
                yield WireFigures(title, unit, bare, POLYDRIVER, results)

    def _add_goal(self, title: str, results: dict[str, dict[str, Samples]], bare: str, limit: float) -> None:
        """Hold the wire with the highest ratio against the limit."""
        ratios = {
            wire: ours / base
            for wire, figures in results.items()
            if (ours := figures[POLYDRIVER].median) and (base := figures[bare].median)
        }
        wire = max(ratios, key=lambda name: ratios[name], default=WIRES[0])
        figures = results[wire]
        self.hold(f"{title} ({wire}), x {bare}", figures[POLYDRIVER], figures[bare], limit)

    def _measure_wire(self, colour: str, wire: str) -> list[dict[str, Samples]]:
        """The samples of each competitor for calls and for chunks."""
        bare, bare_target, own_target = _COLOURS[colour]
        targets = {bare: f"{bare_target}@{wire}", POLYDRIVER: f"{own_target}@{wire}"}
        if sdk := _SDKS.get((colour, wire)):
            targets[sdk[0]] = sdk[1]
        tasks = [self.task(kind, part=0.5) for kind in ("call", "chunk")]  # there are many wires
        return self.measure(colour, targets, *tasks, path=f"/{wire}")
