"""`polydriver batch`: the prompts of a file, answered into another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from ..asking import FILE, prompt_options, read_options
from ..inputs import read_schema
from ..options import common_options, examples, json_option
from ..output import report
from ..session import Session, default_model

if TYPE_CHECKING:
    from ..bulk.at_provider import ProviderRun
    from ..bulk.journal import Journal
    from ..bulk.running import Run

    RunLike: TypeAlias = Run | ProviderRun

__all__ = ["command"]

_TERMINATED = 143
_INTERRUPTED = 130


@click.command(
    "batch",
    short_help="Answer a file of prompts, many at once; a killed run goes on.",
    epilog=examples(
        "polydriver batch prompts.jsonl answers.jsonl -m gpt-4o-mini",
        "polydriver batch prompts.jsonl answers.jsonl -p claude -m claude-haiku-4-5 --concurrency 32",
        "polydriver batch prompts.jsonl answers.jsonl --retry-failed",
    ),
)
@click.argument("source", metavar="INPUT", type=FILE)
@click.argument("target", metavar="OUTPUT", type=click.Path(dir_okay=False, path_type=Path))
@prompt_options
@click.option("--schema", type=FILE, help="Ask for JSON of the schema in this file, and check it.")
@click.option(
    "--concurrency", type=click.IntRange(1, 10_000), default=8, show_default=True, help="How many lines run at once."
)
@click.option("--resume/--no-resume", default=True, help="Go on with OUTPUT (the default), or start it again.")
@click.option("--retry-failed", is_flag=True, help="Send the lines again whose outcome is an error.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a line waits for limits and open circuits.",
)
@click.option("--provider-batch", is_flag=True, help="Use the provider's own batches: cheaper, within a day.")
@click.option(
    "--poll",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="With --provider-batch: how often to ask how it stands.",
)
@json_option
@common_options
@click.pass_context
def command(ctx: click.Context, /, source: Path, target: Path, **given: Any) -> None:
    """Answer each line of INPUT with a line of OUTPUT, as JSON.

    A line of INPUT is a prompt, a list of messages, an object with a "prompt" or "messages" (and an "id", a "system"
    text, a "model" and other options), or a line of OpenAI's batches. A line of OUTPUT has its "custom_id", and the
    answer or an "error".

    Outcomes are written as they come. Killed and started again, the same command sends only what has no outcome yet.
    The status is 0 when all lines are answered, 1 when none is, 2 when some failed, 130 after Ctrl-C.
    """
    from ..bulk.journal import Journal

    if target.exists() and target.samefile(source):
        raise click.UsageError("INPUT and OUTPUT are the same file")
    session: Session = ctx.obj
    asked, name = read_options(given), session.provider_name(given["provider"])
    asked.setdefault("model", default_model(session.ai.provider(name)))
    if given["schema"] is not None:
        asked["response_format"] = read_schema(given["schema"])
    known = _survey(source, asked)
    with Journal(target, anew=not given["resume"], drops_failed=given["retry_failed"]) as journal:
        _compare(source, known, journal)
        counts = len(known), len(journal.done)
        del known  # it is as long as the input
        run = _make_run(source, journal, asked, counts[0] - counts[1], given)
        ctx.exit(_work(session, run, name, journal, counts, as_json=given["as_json"]))


def _make_run(source: Path, journal: Journal, asked: dict[str, Any], left: int, given: dict[str, Any]) -> RunLike:
    from ..bulk.at_provider import ProviderRun, record_path

    record = record_path(journal.path)
    if not given["resume"]:
        record.unlink(missing_ok=True)
    if given["provider_batch"]:
        return ProviderRun(source, journal, asked, system=given["system"], poll_interval=given["poll"])
    if record.exists():
        from ...errors import ConfigurationError

        raise ConfigurationError(
            f"batches of {source} are on their way ({record})",
            hint="Go on with --provider-batch, or remove that file: their lines are then sent once more.",
        )
    from ..bulk.running import Run

    return Run(
        source, journal, asked, left=left,
        system=given["system"], concurrency=given["concurrency"], patience=given["patience"],
    )  # fmt: skip


def _work(
    session: Session, run: RunLike, provider: str, journal: Journal, counts: tuple[int, int], *, as_json: bool
) -> int:
    """Run it, show its progress, and return the status. `counts`: lines in all, and those that were done before."""
    from ..bulk.progress import print_summary, shown_progress
    from ..bulk.running import Terminated

    stopped = None
    try:
        with shown_progress(*counts) as show:
            run.work(session.ai.asynchronous(), provider, show)
    except KeyboardInterrupt:
        stopped = _INTERRUPTED
    except Terminated:
        stopped = _TERMINATED
    print_summary(*counts, journal, run.progress, as_json=as_json)
    if run.fatal is not None:
        report(run.fatal)
    if stopped is not None:
        return stopped
    if journal.answered == counts[0]:
        return 0
    return 2 if journal.answered else 1


def _survey(source: Path, options: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """Number and digest of each line by its id.

    Raises `ConfigurationError` for ids that are there twice, and for lines without a model.
    """
    from ...errors import ConfigurationError
    from ..bulk.lines import read_lines

    known: dict[str, tuple[int, str]] = {}
    for line in read_lines(source):
        if line.custom_id in known:
            raise ConfigurationError(
                f"the id {line.custom_id!r} is on line {known[line.custom_id][0]} of {source}, and on line "
                f"{line.number} again",
                hint="Give each line an id of its own, or none.",
            )
        if not (options.get("model") or line.names_model):
            raise ConfigurationError(
                f"no model is named for line {line.number} of {source}",
                hint="Name one with -m, in the line, or set the connection's default_model.",
            )
        known[line.custom_id] = line.number, line.digest
    return known


def _compare(source: Path, known: dict[str, tuple[int, str]], journal: Journal) -> None:
    """Raise `ConfigurationError` where an outcome that is there belongs to another line, or to none."""
    from ...errors import ConfigurationError

    for custom_id, digest in journal.done.items():
        if custom_id not in known:
            raise ConfigurationError(
                f"{journal.path} has an outcome of {custom_id!r}, which is not in {source}",
                hint="Name another output, or start it again with --no-resume.",
            )
        if digest != known[custom_id][1]:
            raise ConfigurationError(
                f"line {known[custom_id][0]} of {source} ({custom_id}) is not what it was when {journal.path} was "
                "written",
                hint="Name another output, start it again with --no-resume, or give the lines ids of their own.",
            )
