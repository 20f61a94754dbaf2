"""Tools: plain functions that the model may call. A failing one fails alone, and a hook may decline a call."""

from __future__ import annotations

from playground import playground

from polydriver import ToolCall, tool
from polydriver.testing import tool_call


def get_weather(city: str, unit: str = "celsius") -> str:
    """The weather in a city.

    Args:
        city: Its English name.
        unit: "celsius" or "fahrenheit".
    """
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"18 degrees {unit}, clear"


@tool(requires_approval=True, timeout=10)
def send_postcard(to: str, text: str) -> str:
    """Send a postcard."""
    return "sent"


def approve(call: ToolCall) -> bool | str:
    """Let everything run that needs no approval, and postcards to Ann."""
    return call.name != "send_postcard" or (call.arguments or {}).get("to") == "Ann" or "only Ann gets postcards"


REPLIES = (
    [tool_call("get_weather", city="Lisbon"), tool_call("get_weather", city="Atlantis")],
    [tool_call("send_postcard", to="Ann", text="Sunny!"), tool_call("send_postcard", to="Bob", text="Sunny!")],
    "Lisbon is clear, nobody knows Atlantis, and Ann gets a postcard.",
)

with playground(*REPLIES) as ai:
    chat = ai.conversation().model("gpt-4o-mini").tools(get_weather, send_postcard)
    chat.on_tool_call(lambda call: print(f"calls  {call.name}({call.arguments})"))
    chat.on_tool_result(lambda result: print(f"result {result.text}"))
    print(chat.run_tools("How is Lisbon, how is Atlantis? Tell Ann and Bob.", approve=approve, max_rounds=5).content)
