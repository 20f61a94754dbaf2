"""Look at every page of site/ in Chromium, wide and narrow: `make docs-look`.

A page fails when it is wider than its window, when code, a table or a picture is cut off or runs out of the column of
text, when a table breaks a word where none may be broken, when a picture does not load, and when the button of a block
of commands copies their prompts.

`--pictures DIR` also writes a PNG of each page of the guide at both widths, light and dark, for human eyes. Pages whose
addresses begin with one of the arguments are looked at, all when there is none.
"""

from __future__ import annotations

import argparse
import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `tools` is, when this file is run as a script

from tools.browser import Browser, is_installed, running_browser
from tools.links import pages

__all__ = ["faults", "main", "running_site"]

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"

WIDTHS = {"wide": (1400, 900), "narrow": (390, 844)}

# Returns the faults of the page that is open, as texts. A pixel is left for rounding, and the theme's frames of code
# and of tables reach 0.8rem into the margin.
SCRIPT = r"""
const found = new Set();
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth + 1) found.add(`the page is ${root.scrollWidth} wide in ${root.clientWidth}`);
const article = document.querySelector("article");
if (!article) return [...found];
const say = (element) =>
  `${element.tagName.toLowerCase()} "${element.textContent.trim().replace(/\s+/g, " ").slice(0, 50)}"`;
const margin = 0.8 * parseFloat(getComputedStyle(root).fontSize);
const edge = Math.min(article.getBoundingClientRect().right + margin, root.clientWidth) + 1;
const framed = "pre, pre > code, table, img, svg, .md-typeset__table, p, li, h1, h2, h3";
for (const element of article.querySelectorAll(framed)) {
  const box = element.getBoundingClientRect();
  const beyond = Math.ceil(box.right - edge);
  if (box.width && beyond > 0) found.add(`${say(element)} runs out of the text by ${beyond}`);
}
for (const element of article.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
  const hidden = element.scrollWidth - element.clientWidth;
  if (hidden > 1) found.add(`${say(element)} is cut off by ${hidden}`);
}
for (const block of article.querySelectorAll("pre:has(.gp)")) {
  const copied = block.closest("[data-copy]")?.dataset.copy ?? block.innerText;
  if (/^[$] /m.test(copied)) found.add(`${say(block)} is copied with its prompts`);
}
for (const image of document.images) {
  if (!image.complete || !image.naturalWidth) found.add(`the picture ${image.getAttribute("src")} does not load`);
}
// A line may end behind a blank or a sign, never between two letters.
const range = document.createRange();
for (const cell of article.querySelectorAll("td, th")) {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    for (const word of node.data.matchAll(/[A-Za-z0-9]{2,}/g)) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) {
        found.add(`the table breaks the word ${word[0]}`);
      }
    }
  }
}
return [...found];
"""


def main() -> int:
    """Check the site that `make docs` built; return 1 when anything is wrong, or nothing could be looked at."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write PNGs of the pages outside the reference")
    parser.add_argument("begins", nargs="*", metavar="BEGINNING", help="look at pages with such an address only")
    arguments = parser.parse_args()
    if not is_installed():
        print("No page was looked at: that needs Debian's packages chromium and chromium-driver", file=sys.stderr)
        return 1
    paths = [path for path in pages(SITE) if path.startswith(tuple(arguments.begins) or "")]
    if not paths:
        print("site/ has no such pages: run `make docs` first", file=sys.stderr)
        return 1
    wrong = []
    with running_site(SITE) as origin, running_browser() as browser:
        browser.block("*/search.json")  # megabytes for each page, and not looked at
        for path in paths:
            wrong += faults(browser, origin, path)
            if arguments.pictures and not path.startswith("api/"):
                save_pictures(browser, origin, path, arguments.pictures)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(paths)} pages at {len(WIDTHS)} widths, {len(wrong)} faults")
    return 1 if wrong else 0


def faults(browser: Browser, origin: str, path: str) -> list[str]:
    """Open a page at each width, and return what is wrong with its looks, a line each."""
    found = []
    browser.open(f"{origin}/{path}")
    for name, (width, height) in WIDTHS.items():
        browser.look(width=width, height=height, dark=False)
        found += [f"/{path} ({name}): {fault}" for fault in browser.run(SCRIPT)]
    return found


def save_pictures(browser: Browser, origin: str, path: str, folder: Path) -> None:
    """Write a PNG of a page for each width and colour scheme."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = path.strip("/").replace("/", "-") or "home"
    for name, (width, height) in WIDTHS.items():
        for scheme in ("light", "dark"):
            browser.look(width=width, height=height, dark=scheme == "dark")
            browser.open(f"{origin}/{path}")
            (folder / f"{stem}-{name}-{scheme}.png").write_bytes(browser.picture())


@contextmanager
def running_site(site: Path) -> Iterator[str]:
    """Serve a folder on loopback, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """A file server that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
