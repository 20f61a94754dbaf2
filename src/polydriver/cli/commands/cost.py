"""`polydriver cost`: what was spent, from the database of the settings."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from ..charts import print_bars
from ..databases import open_database, url_option
from ..dates import Span, date_options
from ..options import common_options, examples, json_option
from ..output import note, print_json, print_table, say
from ..repricing import amount_of
from ..repricing import command as reprice_command
from ..terminal import neutralise

if TYPE_CHECKING:
    from ...storage.costs import CostRow

__all__ = ["command"]

_FILTERS = ("provider", "model", "operation", "project", "key", "user", "tag", "conversation")


@click.group(
    "cost",
    invoke_without_command=True,
    short_help="Show what was spent, by provider, model, day, user, ...",
    epilog=examples(
        "polydriver cost", "polydriver cost --by day --month 2026-11 --chart", "polydriver cost --by user --csv",
        "polydriver cost reprice --dry-run",
    ),
)  # fmt: skip
@click.option("--by", default="provider,model", show_default=True, metavar="NAMES", help="What a line stands for: some "
              "of day, month, provider, model, operation, project, key, user, tag, conversation; or none.")  # fmt: skip
@date_options
@click.option("--only", multiple=True, metavar="NAME=VALUE", help="Only calls of that provider, user, tag, ...")
@click.option("--chart", is_flag=True, help="Draw bars.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
@url_option
@common_options
@click.pass_context
def command(ctx: click.Context, /, by: str, only: tuple[str, ...], url: str | None, **options: Any) -> None:
    """Show what was spent in a span of days, this month by default."""
    if ctx.invoked_subcommand is not None:
        return
    span = Span.of(options)
    names = [] if by.strip() in ("", "none") else [name.strip() for name in by.split(",")]
    filters = _only(only)
    from ...storage.costs import read_costs

    with open_database(ctx.obj, url) as database:
        dates: Any = {"since": span.since or span.this_month(), "until": span.until, "time_zone": span.zone}
        rows = read_costs(database, names, **dates, only=filters)
        # A call with several tags stands in the line of each.
        once = rows if "tag" not in names else read_costs(database, (), **dates, only=filters)
    if options["as_json"]:
        print_json(rows)
    elif options["as_csv"]:
        _print_csv(rows, names)
    elif options["chart"]:
        print_bars([(_label(row), row.cost, _money(row)) for row in rows])
    else:
        _print_rows(rows, names)
    if not rows and not options["as_json"]:
        note("nothing was spent in that time")
    if unpriced := sum(row.unpriced for row in once):
        note(
            f"{unpriced} attempts have no known price and are not counted: `polydriver cost reprice` prices them later"
        )


command.add_command(reprice_command)


def _only(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in given:
        name, separator, value = item.partition("=")
        if not separator or name not in _FILTERS:
            names = ", ".join(_FILTERS)
            raise click.BadParameter(
                f"{neutralise(item)!r}: write NAME=VALUE, with one of {names}", param_hint="--only"
            )
        found[name] = value
    return found


def _print_rows(rows: list[CostRow], names: list[str]) -> None:
    headings = (*names, "cost", "attempts", "failed", "input", "cached", "output", "unpriced")
    cells = [
        (
            *(row.group[name] or "-" for name in names), _money(row), f"{row.attempts:,}", f"{row.failed:,}",
            f"{row.input_tokens:,}", f"{row.cached_input_tokens:,}", f"{row.output_tokens:,}", f"{row.unpriced:,}",
        )
        for row in rows
    ]  # fmt: skip
    print_table(headings, cells, right=headings[len(names) :], whole=names[:1])
    if len(rows) > 1 and "tag" not in names:
        for currency in dict.fromkeys(row.currency for row in rows):
            total = sum((row.cost for row in rows if row.currency == currency), Decimal(0))
            say(f"\ntotal {amount_of(total, currency)}")


def _print_csv(rows: list[CostRow], names: list[str]) -> None:
    from ...storage.costs import CostRow

    fields = [field for field in CostRow.__struct_fields__ if field != "group"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *fields])
    for row in rows:
        values = [getattr(row, field) for field in fields]
        writer.writerow([*(row.group[name] for name in names), *(f"{v:f}" if field == "cost" else v
                        for field, v in zip(fields, values, strict=True))])  # fmt: skip
    click.echo(neutralise(text.getvalue()), nl=False)


def _label(row: CostRow) -> str:
    return " ".join(value or "-" for value in row.group.values()) or "all"


def _money(row: CostRow) -> str:
    return amount_of(row.cost, row.currency)
