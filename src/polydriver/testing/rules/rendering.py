"""Judging a prompt: what a driver would send for it."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.prompt import Prompt
from ...driver import Driver
from ...errors import AIError
from ..examples import example_config
from .base import Violation
from .judging import judge_request

__all__ = ["judge_prompt"]


def judge_prompt(driver: type[Driver] | Driver, prompt: Prompt) -> list[Violation]:
    """Every rule that the request breaks which a driver renders for a prompt. A class is configured with made-up
    settings; one that cannot be made so, for want of a package of its own, breaks none. The prompt is left as it is.

    Raises what the driver raises when it refuses the prompt.
    """
    if isinstance(driver, type):
        made = _example(driver)
        if made is None:
            return []
        driver = made
    own = msgspec.structs.replace(prompt, warnings=[])
    return judge_request(driver.name, driver.build_request(own), prompt.model)


def _example(driver: type[Any]) -> Driver | None:
    try:
        made: Driver = driver(example_config(driver), env={})
    except (AIError, ImportError):
        return None
    return made
