"""Structured output: answers in the form of a dataclass, a list of them, and a JSON schema."""

from __future__ import annotations

from dataclasses import dataclass

from playground import playground


@dataclass
class City:
    """A city."""

    name: str
    inhabitants: int
    rivers: list[str]


LYON = '{"name": "Lyon", "inhabitants": 522250, "rivers": ["Rhône", "Saône"]}'
SCHEMA = {"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}

with playground(LYON, '{"value": [' + LYON + "]}", '{"mood": "good"}') as ai:
    openai = ai.provider("openai")

    city = openai.send_message("Describe Lyon.", model="gpt-4o-mini", response_format=City).parsed
    print(city)

    cities = openai.send_message("Cities on the Saône?", model="gpt-4o-mini", response_format=list[City]).parsed
    print(cities[0].name)

    print(openai.send_message("What a day!", model="gpt-4o-mini", response_format=SCHEMA).parsed["mood"])
