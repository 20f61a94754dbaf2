"""What is paid for once counts once, where it was asked for, in whatever order it is learned and written."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.storage.test_ledger_reported_costs import JSON, background, connect, cut_in_the_background

from polydriver.config.budgets import BudgetConfig
from polydriver.config.storage import StorageConfig
from polydriver.data.cost import Cost
from polydriver.data.http import Simulated
from polydriver.storage import Database, Storage
from polydriver.storage.budget_rows import Claim, Hold, free_expired, reserve
from polydriver.storage.budget_settling import Ending, settle
from polydriver.storage.ids import new_id
from polydriver.storage.upgrading import upgrade
from polydriver.storage.windows import Window

PRICES = {"m": {"input": "1", "output": "2"}}
COST = Decimal("0.002")
WINDOW = Window(datetime(1970, 1, 1, tzinfo=UTC), None)
DOLLAR = 10**12


def made(database: Database, claims: list[Claim], *, forced: bool) -> None:
    hold: Any = Hold(None, claims)  # type: ignore[arg-type]
    hold.forced = forced
    with database.write() as connection:
        reserve(connection, hold, 0)


def spent(database: Database) -> dict[str, tuple[int, int]]:
    with database.read() as connection:
        found = connection.execute(text("SELECT name, spent, reserved FROM ai_budgets")).all()
    return {name: (int(spent), int(reserved)) for name, spent, reserved in found if spent or reserved}


def check(database: Database, order: list[str], *, forced: bool, reserves: bool, repeats: bool) -> None:
    """Ask for something under the budgets a and b; fetch it under b and c, and under d; all of it in some order."""
    kinds = {name: BudgetConfig(name=name, limit=Decimal(1000)) for name in "abcd"}

    def claims(names: str, amount: int | None) -> list[Claim]:
        return [Claim(kinds[name], "", WINDOW, amount) for name in names]

    asked = claims("ab", 5 * DOLLAR if reserves else None)
    made(database, asked, forced=forced)
    cost = Cost(Decimal(2), "USD")
    ends = {
        "ask": Ending(new_id(), asked, [5 * DOLLAR] * 2, forced, estimate_of="answer"),
        "fetch": Ending(new_id(), claims("bc", None), [2 * DOLLAR] * 2, cost=cost, paid_for="answer"),
        "fetch again": Ending(new_id(), claims("d", None), [2 * DOLLAR], cost=cost, paid_for="answer"),
        "fetch, under no budget": Ending(new_id(), cost=cost, paid_for="answer"),
    }
    for name in order:
        for _ in range(2 if repeats else 1):  # a commit worked although its connection was lost
            if repeats and name == "ask":
                made(database, asked, forced=forced)
            with database.write() as connection:
                settle(connection, ends[name])
    found = spent(database)
    if "ask" in order:
        told = 2 if len(order) > 1 else 5
        assert found == {"a": (told * DOLLAR, 0), "b": (told * DOLLAR, 0)}
    else:
        held = 5 * DOLLAR if reserves else 0
        first = {"fetch": "bc", "fetch again": "d"}.get(order[0], "") if order else ""
        expected = {name: [2 * DOLLAR * (name in first), held * (name in "ab")] for name in "abcd"}
        assert found == {name: (amount, kept) for name, (amount, kept) in expected.items() if amount or kept}
    with database.write() as connection:
        free_expired(connection, 2**61)
        free_expired(connection, 2**62)
        assert connection.execute(text("SELECT count(*) FROM ai_reservations")).scalar() == 0


ENDS = ["ask", "fetch", "fetch again", "fetch, under no budget"]


def empty(database: Database) -> Database:
    with database.write() as connection:
        for table in ("ai_counted", "ai_reservations", "ai_budgets"):
            connection.execute(text(f"DELETE FROM {table}"))
    return database


def test_any_order() -> None:
    database = Database("sqlite://")
    upgrade(database)

    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.sampled_from(ENDS), unique=True), st.sampled_from([(0, 0), (0, 1), (1, 1)]), st.booleans())
    def run(order: list[str], how: tuple[int, int], repeats: bool) -> None:
        # What was reserved and acknowledged is not written again.
        forced, reserves = map(bool, how)
        check(empty(database), order, forced=forced, reserves=reserves, repeats=repeats and (forced or not reserves))

    try:
        run()
    finally:
        database.close()


def test_any_order_over_each_database(database: Database) -> None:
    for order in itertools.permutations(ENDS[:3]):
        for forced in (False, True):
            check(empty(database), list(order), forced=forced, reserves=True, repeats=forced)


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "async"])
@pytest.mark.parametrize("is_first", [False, True], ids=["cut first", "fetched first"])
@pytest.mark.parametrize("where", ["same process", "other process", "no budget of its own"])
async def test_what_is_fetched_replaces_what_a_cut_stream_counts_with(
    url: str, where: str, *, is_first: bool, is_async: bool
) -> None:
    budgets = [BudgetConfig(name="ann", limit=Decimal(100), scope="user", subject="ann")]
    if where != "no budget of its own":
        budgets.append(BudgetConfig(name="all", limit=Decimal(100)))
    storage, driver = connect(url, "openai", cut_in_the_background, prices=PRICES, api="responses", budgets=budgets)
    if where == "other process" and not storage.database.in_memory:
        second, other = connect(url, "openai", cut_in_the_background, prices=PRICES, api="responses", budgets=budgets)
    else:
        second, other = storage, driver
    asked: dict[str, Any] = {"model": "m", "background": True, "metadata": {"user": "ann"}}
    source = driver.asynchronous() if is_async else driver
    stream = source.send_streaming_message("Hi", **asked)
    assert (await anext(stream) if is_async else next(iter(stream))).content == "Hi"
    if is_first:
        other.get_response("resp_1")
        second.flush()
    await stream.aclose() if is_async else stream.close()
    assert storage.flush()
    assert storage.budgets is not None
    estimated = [report.spent for report in storage.budgets.report()]
    assert all((amount == COST) is is_first for amount in estimated)
    assert all(estimated)
    other.get_response("resp_1")
    await driver.asynchronous().get_response("resp_1")
    assert storage.flush()
    assert second.flush()
    assert [(report.spent, report.reserved) for report in storage.budgets.report()] == [(COST, 0)] * len(budgets)
    storage.close()
    second.close()


def test_what_was_waited_for_too_long_counts_with_its_estimate_until_it_is_fetched(url: str) -> None:
    storage, driver = connect(url, "openai", background, prices=PRICES, api="responses")
    driver.send_message("Hi", model="m", background=True)
    budgets = storage.budgets
    assert budgets is not None
    (name,) = budgets._deferred
    budgets._deferred["openai response resp_1"] = (budgets._deferred.pop(name)[0], 0.0)
    budgets.keep_up()
    storage.flush()
    (report,) = budgets.report()
    assert report.spent > COST
    assert report.reserved == 0
    driver.get_response("resp_1")
    storage.flush()
    (report,) = budgets.report()
    assert (report.spent, report.reserved) == (COST, 0)
    storage.close()


MODELS = {
    "some": ["gpt-4o-mini", "unheard-of"],
    "none": ["unheard-of"] * 2,
    "most": ["gpt-4o-mini"] * 2 + ["unheard-of"],
}
RULES: dict[Any, Any] = {"refuse": 0, "allow": 0, Decimal("0.25"): Decimal("0.25")}


async def test_a_batch_that_is_partly_priced(url: str) -> None:
    def answer(request: Any) -> Simulated:
        kept = request.url.removesuffix("/content").rpartition("/")[2]
        if not request.url.endswith("/content"):
            batch = {"id": kept, "status": "completed", "output_file_id": kept}
            return Simulated(headers=JSON, chunks=[json.dumps(batch).encode()])
        usage = {"prompt_tokens": 1000, "completion_tokens": 500}
        choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        lines: list[dict[str, Any]] = [
            {"custom_id": str(number), "response": {"body": {"model": model, "usage": usage, "choices": [choice]}}}
            for number, model in enumerate(MODELS[kept])
        ]
        lines.append({"custom_id": "refused", "error": {"message": "no"}})
        return Simulated(headers=JSON, chunks=["\n".join(map(json.dumps, lines)).encode()])

    budgets = [BudgetConfig(name=str(rule), limit=Decimal(100), unknown_price=rule) for rule in RULES]
    storage, driver = connect(url, "openai", answer, budgets=budgets)
    due = dict.fromkeys(RULES, Decimal(0))
    for name, models in MODELS.items():
        results = driver.get_batch_results(name)
        await driver.asynchronous().get_batch_results(name)
        list(driver.stream_batch_results(name))
        assert results.cost is None
        known = [item.response.cost.total for item in results.items if item.response and item.response.cost]
        assert len(known) == models.count("gpt-4o-mini")
        for rule, assumed in RULES.items():
            due[rule] += sum(known) + assumed * models.count("unheard-of")
        storage.flush()
        assert storage.budgets is not None
        assert [report.spent for report in storage.budgets.report()] == list(due.values())
    storage.close()


def test_rows_of_the_version_before_are_read(database: Database) -> None:
    end = Ending(new_id(), paid_for="answer", cost=Cost(Decimal(2), "USD"))
    with database.write() as connection:
        settle(connection, end)
        connection.execute(text("UPDATE ai_counted SET facts = NULL"))
    budget = BudgetConfig(name="a", limit=Decimal(9))
    with database.write() as connection:
        settle(connection, Ending(new_id(), [Claim(budget, "", WINDOW, None)], [DOLLAR], estimate_of="answer"))
    assert spent(database) == {"a": (DOLLAR, 0)}


def test_a_late_storage_is_the_same(tmp_path: Any) -> None:
    """The estimate may be replaced by a process that began later."""
    url = f"sqlite:///{tmp_path}/ai.db"
    budgets = [BudgetConfig(name="all", limit=Decimal(100))]
    for step in ("cut", "fetch", "fetch"):
        storage, driver = connect(url, "openai", cut_in_the_background, prices=PRICES, api="responses", budgets=budgets)
        if step == "cut":
            with driver.send_streaming_message("Hi", model="m", background=True) as stream:
                next(iter(stream))
        else:
            driver.get_response("resp_1")
        storage.close()
    last = Storage(StorageConfig(url=url), budgets)
    assert last.budgets is not None
    (report,) = last.budgets.report()
    last.close()
    assert (report.spent, report.reserved) == (COST, 0)
