"""Events and costs: who is told what happens, and what a call and a conversation cost."""

from __future__ import annotations

from decimal import Decimal

from playground import playground

from polydriver import CostCalculated, Event, TokenUsage

with playground("Hello!", "I am fine.") as ai:
    amounts: list[Decimal] = []
    ai.on(Event, lambda event: print("event:", event.name, event.metadata))

    @ai.on(CostCalculated)
    def add_up(event: CostCalculated) -> None:
        """Count the calls whose price is known."""
        if event.cost is not None:
            amounts.append(event.cost.total)

    chat = ai.conversation().model("gpt-4o-mini").metadata(team="docs")
    chat.send("Hi!")
    answer = chat.send("How are you?")

    assert answer.cost is not None
    print("this answer:", {name: str(amount) for name, amount in answer.cost.items.items()}, "by", answer.cost.source)
    print("the conversation:", chat.total_cost, "- our own count:", sum(amounts))

    usage = TokenUsage(input_tokens=100_000, output_tokens=2_000, cached_input_tokens=80_000)
    print("beforehand:", ai.provider("openai").calculate_cost(usage, "gpt-4o-mini"))
    print("an unknown model:", ai.provider("openai").calculate_cost(usage, "brand-new"))
