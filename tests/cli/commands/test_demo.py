from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.helpers import KEY, run, run_program

from polydriver.cli.demo import replies
from polydriver.cli.demo.narrator import DemoError, Narrator, source_of


def test_the_demo_shows_and_checks_everything(tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text("default = 'elsewhere'\n")
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = run_program("demo", folder=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    for said in (
        "The capital of France is Paris.",
        "calls  get_time({'city': 'Lisbon', 'seconds': True})",
        "OpenAIRateLimitError",
        "City(name='Lyon', country='France', population=522250, rivers=['Rhône', 'Saône'])",
        "kept: 'Once upon a time there was'",
        "Decimal('0.000",
        "ConversationUpdated",
        "✓ five requests were in flight at once",
        "Two days in Lisbon",
        "✓ the model was told what was said before",
        "failed: the refused one and the cut one",
        "All checked",
    ):
        assert said in done.stdout


def test_what_is_not_as_told_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    true_answer = replies.answer
    monkeypatch.setattr(replies, "answer", lambda text, **more: true_answer(text + "!", **more))
    result = run("demo")
    assert result.exit_code == 1
    assert "demo failed: step 1" in result.stderr


def test_a_check_that_does_not_hold_raises(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DemoError, match="the moon is cheese"):
        Narrator().check(False, "the moon is cheese")


def test_the_source_is_the_body_alone() -> None:
    def example(number: int) -> int:
        """Not shown."""
        doubled: int = number * 2  # type: ignore[unused-ignore]

        return doubled

    assert source_of(example) == "doubled: int = number * 2"
