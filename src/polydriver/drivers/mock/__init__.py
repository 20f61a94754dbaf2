"""The mock driver: answers offline, by a script, over the same contract and pipeline as every other driver.

::

    mock = MockDriver(replies=["Hello!", tool_call("get_weather", city="Paris"), RateLimitError("slow down")])
    mock.when("weather", "It is sunny.").fail("timeout")
    mock.send_message("Hi").content  # "Hello!"
    mock.assert_sent("Hi")

In a configuration: `{"driver": "mock", "replies": ["Hello!", {"error": "rate_limit", "retry_after": 2}],
"chunk_size": 5}`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calls import MockCall as MockCall
    from .driver import MockDriver as MockDriver
    from .failures import FAILURES as FAILURES
    from .failures import Failure as Failure
    from .log import CallLog as CallLog
    from .replies import Answer as Answer
    from .replies import tool_call as tool_call
    from .script import Script as Script
    from .script import UnscriptedCallError as UnscriptedCallError

_HOMES = {
    "FAILURES": "failures",
    "Answer": "replies",
    "CallLog": "log",
    "Failure": "failures",
    "MockCall": "calls",
    "MockDriver": "driver",
    "Script": "script",
    "UnscriptedCallError": "script",
    "tool_call": "replies",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
