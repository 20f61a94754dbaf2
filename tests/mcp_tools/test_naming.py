from __future__ import annotations

import re
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from polydriver.mcp.naming import assign_names


def test_good_names_stay() -> None:
    assert assign_names(["add", "get-time"]) == {"add": "add", "get-time": "get-time"}


def test_prefix_comes_first() -> None:
    assert assign_names(["add"], "math") == {"add": "math_add"}


def test_foreign_characters_are_replaced() -> None:
    assert assign_names(["files/read now!"]) == {"files/read now!": "files_read_now_"}


def test_a_good_name_is_not_taken_by_an_altered_one() -> None:
    names = assign_names(["a/b", "a_b"])
    assert names["a_b"] == "a_b"
    assert names["a/b"].startswith("a_b_")


@given(
    st.lists(st.text(alphabet="ab/_. ", max_size=4) | st.text(max_size=90), max_size=8, unique=True),
    st.text("a.", max_size=3),
)
def test_names_are_taken_by_providers_and_differ(names: list[str], prefix: str) -> None:
    assigned = assign_names(names, prefix)
    assert list(assigned) == names
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in assigned.values())
    assert len(set(assigned.values())) == len(names)
    assert assign_names(reversed(names), prefix) == assigned


def test_importing_it_does_not_load_the_package_mcp() -> None:
    code = "import polydriver.mcp, sys; print('mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
