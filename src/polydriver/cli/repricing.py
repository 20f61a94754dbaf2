"""`polydriver cost reprice`: a price for what had none."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from .databases import open_database, url_option
from .dates import Span, date_options
from .options import common_options, examples, json_option, provider_option
from .output import print_json, say
from .session import Session

if TYPE_CHECKING:
    from ..storage.repricing import PriceTable, RepriceReport

__all__ = ["amount_of", "command"]


@click.command(
    "reprice",
    short_help="Price the attempts whose price was not known.",
    epilog=examples("polydriver cost reprice --dry-run", "polydriver cost reprice -p openai --month 2026-11 --all"),
)
@provider_option
@date_options
@click.option("--all", "every", is_flag=True, help="Look also at what has a price by now.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
@url_option
@common_options
@click.pass_obj
def command(
    session: Session, /, provider: str | None, every: bool, dry_run: bool, as_json: bool, url: str | None, **dates: Any
) -> None:
    """Price the attempts of all times, or of some days, whose price was not known, by the prices of their day.

    Prices come from the settings and from the table in the package. A new cost is a row of its own: nothing is
    overwritten, and doing it twice changes nothing. What a provider told of its own cost stays.
    """
    from ..storage.repricing import PriceTable, reprice

    def prices(name: str) -> PriceTable:
        table, overrides = session.price_table(name)
        return PriceTable(name=table, overrides=overrides)

    since, until = Span.of(dates).moments()
    with open_database(session, url) as database:
        report = reprice(database, prices, since=since, until=until, provider=provider, every=every, write=not dry_run)
    if as_json:
        print_json(report)
    else:
        _print_report(report, dry=dry_run)


def _print_report(report: RepriceReport, *, dry: bool) -> None:
    added = ", ".join(amount_of(amount, currency) for currency, amount in report.added.items()) or "nothing"
    would = "would get" if dry else "got"
    say(
        f"{report.looked_at:,} attempts looked at: {report.priced:,} {would} a cost, {report.changed:,} another one; "
        f"{added} in all"
    )
    for name, count in sorted(report.unknown.items(), key=lambda item: -item[1]):
        say(f"no price is known for {name} ({count:,} attempts): give `prices` in the settings of its connection")


def amount_of(amount: Decimal, currency: str) -> str:
    """An amount for people."""
    from ..data.cost import Cost

    return str(Cost(amount, currency))
