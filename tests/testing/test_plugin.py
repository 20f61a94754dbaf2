from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from polydriver import AI, MockDriver
from polydriver.testing import FakeAI
from polydriver.testing.credentials import missing_credentials

pytest_plugins = ["pytester"]

OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:asyncio", "-q", "-rs")


def test_fixtures_are_there(fake_ai: FakeAI, mock_driver: MockDriver, no_waiting: list[float]) -> None:
    fake_ai.reply("Hi")
    assert fake_ai.provider("openai").send_message("x").content == "Hi"
    mock_driver.fail("rate_limit", retry_after=20).reply("late")
    assert mock_driver.send_message("x").content == "late"
    assert no_waiting == [20]


async def test_no_waiting_for_async_callers(mock_driver: MockDriver, no_waiting: list[float]) -> None:
    mock_driver.fail("timeout").reply("late")
    assert (await mock_driver.asynchronous().send_message("x", timeout=20)).content == "late"
    assert len(no_waiting) == 2


def test_importing_the_plugin_is_light() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import polydriver.testing.plugin;"
        "heavy = ('polydriver.', 'msgspec', 'aiohttp', 'urllib3', 'asyncio');"
        "new = [name for name in set(sys.modules) - before if name.startswith(heavy)];"
        "print([name for name in new if not name.startswith('polydriver.testing')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import pytest; {code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


class TestCassette:
    TEST = """
        from polydriver import OpenAIDriver

        def test_it(cassette):
            provider = OpenAIDriver({{"api_key": "sk-test", "base_url": {url!r}}}, transport=cassette)
            assert provider.send_message("Hi", model="m").content == "Hello"
            provider.close()
            {extra}
    """

    def test_records_then_replays(self, pytester: pytest.Pytester) -> None:
        from polydriver.testing import MockServer

        with MockServer(MockDriver(replies=["Hello"], env={})) as url:
            pytester.makepyfile(test_tape=self.TEST.format(url=url, extra=""))
            pytester.runpytest_inprocess(*OPTIONS, "--polydriver-cassettes=once").assert_outcomes(passed=1)
        stored = Path(pytester.path, "cassettes", "test_tape", "test_it.jsonl")
        assert stored.is_file()
        pytester.runpytest_inprocess(*OPTIONS, "--polydriver-cassettes=replay").assert_outcomes(passed=1)

    def test_a_failed_test_leaves_no_cassette(self, pytester: pytest.Pytester) -> None:
        from polydriver.testing import MockServer

        with MockServer(MockDriver(replies=["Hello"], env={})) as url:
            pytester.makepyfile(test_tape=self.TEST.format(url=url, extra="assert False"))
            pytester.runpytest_inprocess(*OPTIONS, "--polydriver-cassettes=once").assert_outcomes(failed=1)
        assert not Path(pytester.path, "cassettes").exists()

    def test_replay_without_a_file_is_an_error(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(cassette): pass")
        result = pytester.runpytest_inprocess(*OPTIONS, "--polydriver-cassettes=replay")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*there is no cassette*"])


class TestEndToEnd:
    def test_skips_without_credentials_and_says_why(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytester.makepyfile(
            """
            import pytest

            @pytest.mark.e2e(provider="openai")
            def test_real(): pass

            @pytest.mark.e2e("groq")
            def test_other(): pass
            """
        )
        monkeypatch.setenv("GROQ_API_KEY", "gsk_not-a-real-key-1234")
        result = pytester.runpytest_inprocess(*OPTIONS)
        result.assert_outcomes(passed=1, skipped=1)
        result.stdout.fnmatch_lines(["*no credentials for openai*OPENAI_API_KEY*"])

    @pytest.mark.parametrize(
        ("provider", "env", "reason"),
        [
            ("openai", {}, "OPENAI_API_KEY"),
            ("openai", {"OPENAI_API_KEY": "sk-something-long"}, None),
            ("openai", {"OPENAI_API_KEY": "your-key-here"}, "placeholder"),
            ("nothing", {}, "no driver"),
            ("vllm", {}, "VLLM_BASE_URL"),
            ("vllm", {"VLLM_BASE_URL": "http://localhost:8000/v1"}, None),
        ],
    )
    def test_what_counts_as_credentials(self, provider: str, env: dict[str, str], reason: str | None) -> None:
        found = missing_credentials(provider, env)
        assert (reason is None) == (found is None)
        assert reason is None or reason in str(found)


def test_fakes_are_what_the_manager_gives() -> None:
    assert isinstance(AI.fake(), FakeAI)
