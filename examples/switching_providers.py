"""A conversation that changes provider in the middle: the whole history goes along, tool calls included."""

from __future__ import annotations

from playground import playground

from polydriver import AIMessage
from polydriver.testing import tool_call


def population(city: str) -> int:
    """How many people live in a city."""
    return {"Lyon": 522_250, "Oslo": 717_710}[city]


REPLIES = (tool_call("population", city="Lyon"), "Lyon has 522,250 people.", "Oslo is larger.")

with playground(*REPLIES, providers=("openai", "groq")) as ai:
    chat = ai.conversation().system("Be brief.").tools(population)

    print("openai:", chat.provider("openai").model("gpt-4o-mini").run_tools("How large is Lyon?").content)
    print("groq:  ", chat.provider("groq").model("llama-3.3-70b-versatile").send("Is Oslo larger?").content)

    side_track = chat.fork().message(AIMessage.user("And Bergen?"))  # what is said there is not known to `chat`
    print([message.role for message in chat.history], side_track.id != chat.id)
    print([response.provider for response in chat.responses])
