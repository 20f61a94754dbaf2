"""`polydriver budgets`: what is spent of each budget, and what is left."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from ..databases import open_database
from ..options import common_options, examples, json_option
from ..output import note, print_json, print_table
from ..session import Session

if TYPE_CHECKING:
    from ...storage.budget_reports import BudgetReport

__all__ = ["command"]


@click.command(
    "budgets",
    short_help="Show what is spent of each budget, and what is left.",
    epilog=examples("polydriver budgets", "polydriver budgets --json"),
)
@json_option
@common_options
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """Show how the budgets of the settings stand in their present windows.

    What is held for calls under way is in "held"; it comes back, or is spent, when they end.
    """
    from ...storage.budget_reports import read_budget_reports

    budgets = session.ai.settings.budgets
    with open_database(session, None) as database:
        reports = read_budget_reports(database, budgets)
    if as_json:
        print_json(reports)
        return
    zones = {budget.name: ZoneInfo(budget.time_zone) for budget in budgets}
    print_table(
        ("budget", "for", "period", "limit", "spent", "held", "left", "until"),
        [_row(report, zones[report.name]) for report in reports],
        right=("limit", "spent", "held", "left"),
    )
    if not budgets:
        note("no budgets are set: add a table such as [budgets.team] with limit = 10 to the settings")


def _row(report: BudgetReport, zone: ZoneInfo) -> tuple[object, ...]:
    whose = f"{report.scope} {report.subject}" if report.subject else "all"
    money = (_money(amount) for amount in (report.limit, report.spent, report.reserved, report.left))
    return (report.name, whose, report.period, *money, _until(report.window_end, zone))


def _money(amount: Decimal) -> str:
    return f"{amount:,.6f}".rstrip("0").rstrip(".")


def _until(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
