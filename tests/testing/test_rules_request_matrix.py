"""What the drivers send is what the providers take, over drivers, models, conversations, options and schemas.

`make judge` does the same for every chat model of the catalog, and prints all findings with their cases.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.requests_matrix import MODELS, cases, catalog_models, findings, made_driver

from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.errors import AIError
from polydriver.prompting import fit_prompt
from polydriver.testing.rules import judge_request


@cache
def _found(driver: str, model: str) -> dict[str, list[str]]:
    by_rule: dict[str, list[str]] = {}
    for case, violation in findings(driver, model):
        by_rule.setdefault(violation.rule, []).append(f"{case}: {violation}")
    return by_rule


@pytest.mark.parametrize(
    ("driver", "model"), [(driver, model) for driver, models in MODELS.items() for model in models]
)
def test_requests_break_no_rule(driver: str, model: str) -> None:
    found = _found(driver, model)
    assert not found, "\n".join(line for cases in found.values() for line in cases[:5])


@given(driver=st.sampled_from(list(MODELS)), case=st.sampled_from(sorted(cases())), data=st.data())
def test_any_model_of_the_catalog(driver: str, case: str, data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(catalog_models(driver)))
    made = made_driver(driver)
    prompt = Prompt(model=model, **{"messages": [AIMessage("Say hi")], **cases()[case]})
    try:
        fit_prompt(made, prompt)
        request = made.build_request(prompt)
    except AIError:
        return
    assert judge_request(made.name, request, model) == []
