"""The links of a built site: every one that leads to nothing. `make docs` fails on any.

A link fails when the file or the heading that it names is not there. Pages of other sites are not asked for.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

__all__ = ["Links", "broken_links", "pages"]


def pages(site: Path) -> list[str]:
    """Return the address of every page of a site, relative to its root."""
    found = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(name.removesuffix("index.html") for name in found)


class Links(HTMLParser):
    """What a page links to or shows (`targets`), and the places in it that a link can name (`anchors`)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of addresses and ids."""
        for name, value in attrs:
            if name in ("href", "src") and value and tag != "base":
                self.targets.append(value)
            elif value and (name == "id" or (name == "name" and tag == "a")):
                self.anchors.add(value)


def broken_links(site: Path) -> list[str]:
    """Return each link to a file or a heading that is not in the site, a line each."""
    read = {name: Links((site / name_of_file(name)).read_text("utf-8")) for name in pages(site)}
    found = set()
    for page, links in read.items():
        for target in links.targets:
            parts = urlsplit(urljoin(f"http://site/{page}", target))
            if (parts.scheme, parts.netloc) != ("http", "site") or page == "404.html":
                continue
            path = unquote(parts.path).lstrip("/")
            there = read.get(path)
            if there is None and not (site / path).is_file():
                found.add(f"/{page}: the link {target} leads nowhere")
            elif there and parts.fragment and unquote(parts.fragment) not in there.anchors | {"__skip"}:
                found.add(f"/{page}: the link {target} names no heading")
    return sorted(found)


def name_of_file(page: str) -> str:
    """Return the file of a page's address."""
    return f"{page}index.html" if page == "" or page.endswith("/") else page
