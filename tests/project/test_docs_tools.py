"""The checks of the built documentation find what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.browser import Browser, is_installed, running_browser
from tools.links import broken_links, pages
from tools.look_at_docs import faults, running_site

PAGE = "<!doctype html><meta charset=utf-8><style>{style}</style><body><article>{body}</article></body>"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="20" height="20"/></svg>'


def write(folder: Path, name: str, body: str, style: str = "") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.format(body=body, style=style), encoding="utf-8")


def test_links_to_pages_headings_files_and_other_sites_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a picture.svg").write_text(PICTURE)
    write(
        tmp_path, "index.html", '<h1 id=top>1</h1><a href="guide/a/#b">x</a><img src="a%20picture.svg"><a href="#top">'
    )
    write(
        tmp_path, "guide/a/index.html", '<h2 id=b>2</h2><a href="../..">up</a><a href="https://example.com/no">away</a>'
    )
    assert pages(tmp_path) == ["", "guide/a/"]
    assert broken_links(tmp_path) == []


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ('<a href="b/">', "/: the link b/ leads nowhere"),
        ('<a href="a">', "/: the link a leads nowhere"),
        ('<a href="a/#c">', "/: the link a/#c names no heading"),
        ('<a href="#c">', "/: the link #c names no heading"),
        ('<img src="b.svg">', "/: the link b.svg leads nowhere"),
        ('<script src="b.js"></script>', "/: the link b.js leads nowhere"),
        ('<link rel="stylesheet" href="b.css">', "/: the link b.css leads nowhere"),
    ],
)
def test_a_link_to_nothing_is_found(tmp_path: Path, link: str, fault: str) -> None:
    write(tmp_path, "index.html", link)
    write(tmp_path, "a/index.html", "<h2 id=b>2</h2>")
    assert broken_links(tmp_path) == [fault]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not is_installed():
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    with running_browser() as running:
        yield running


WIDE_CODE = f"<pre><code>{'word ' * 200}</code></pre>"
CELL = "<table><tr><td>{}</td></tr></table>"


@pytest.mark.parametrize(
    ("body", "style", "fault"),
    [
        (WIDE_CODE, "pre code { display: block; overflow: auto }", "is cut off by"),
        (WIDE_CODE, "body { overflow-x: hidden }", "runs out of the text by"),
        ('<div style="width: 2000px">wide</div>', "", "the page is 20"),
        ('<pre><code><b class="gp">$ </b>ls</code></pre>', "", "is copied with its prompts"),
        ('<img src="none.svg">', "", "the picture none.svg does not load"),
        (
            CELL.format("unbreakable"),
            "td { width: 3ch; word-break: break-all }",
            "the table breaks the word unbreakable",
        ),
    ],
)
def test_what_does_not_fit_is_found(tmp_path: Path, browser: Browser, body: str, style: str, fault: str) -> None:
    write(tmp_path, "index.html", body, style + "article { width: 80vw } table { table-layout: fixed; width: 4ch }")
    with running_site(tmp_path) as origin:
        found = faults(browser, origin, "")
    assert [line for line in found if fault in line and line.startswith("/ (wide)")], found
    assert [line for line in found if fault in line and line.startswith("/ (narrow)")], found


def test_a_page_that_fits_has_no_faults(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "picture.svg").write_text(PICTURE)
    body = f'{WIDE_CODE}<p>text</p><img src="picture.svg">{CELL.format("two words")}'
    write(tmp_path, "index.html", body, "pre code { white-space: pre-wrap }")
    with running_site(tmp_path) as origin:
        assert faults(browser, origin, "") == []
