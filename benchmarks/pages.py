"""How heavy the book's pages are, and how soon a slow machine can use them.

Weight: a page and all it loads with its explorable live, text compressed with gzip as a server would, pictures and
fonts as they are. Ready: from the start of the navigation, with an empty cache, until the page has loaded, and, where
it has an explorable, that has been brought near and answers; with the processor slowed down 4 times by chromium.
Median of three. The page is served on loopback, so the times hold no network.

Reads `_build/html` (`make book`); needs chromium.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import statistics
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Response, sync_playwright
from rich.console import Console
from rich.table import Table

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SLOWER, RUNS = 4, 3
COMPRESSED_ALREADY = {".png", ".jpg", ".woff2", ".woff", ".webp"}

# Notes when the page has loaded, and when the explorable that the reader comes to first answers.
WATCH = """addEventListener("load", () => {
    const figure = document.querySelector("figure.explorable");
    const ready = () => { window.readyAfter = performance.now(); };
    if (!figure) return setTimeout(ready);
    new MutationObserver(ready).observe(figure, { attributeFilter: ["data-explorable"] });
    if (figure.dataset.explorable) ready();
    figure.scrollIntoView({ behavior: "instant" });
});"""


class _Silent(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # as servers have it: a connection serves many files

    def log_message(self, *arguments: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the visit is over
            self.close_connection = True


def weight(response: Response) -> int:
    """Return the bytes that a compressing server would send for the body of a response."""
    body = response.body()
    return len(body) if Path(response.url.split("?")[0]).suffix in COMPRESSED_ALREADY else len(gzip.compress(body))


def visit(browser: Browser, url: str) -> tuple[float, int, bool]:
    """Open a page with an empty cache; return seconds until it is ready, its weight in bytes, whether it explores."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    received: list[Response] = []
    page.on("response", lambda response: received.append(response))  # playwright marks its handlers: no built-in
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url)
    page.wait_for_function("window.readyAfter !== undefined", timeout=60_000)
    seconds = page.evaluate("window.readyAfter") / 1000
    page.wait_for_load_state("networkidle")
    explores = page.locator("figure.explorable").count() > 0
    total = sum(weight(response) for response in received if not response.url.startswith("data:"))
    context.close()
    return seconds, total, explores


def main() -> int:
    """Print the table; return 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="pages of the built book, such as book/01_curve.html; default: all")
    parser.add_argument("--runs", type=int, default=RUNS, help="visits of each page (default: %(default)s)")
    asked = parser.parse_args()
    if CHROMIUM is None:
        print("pages.py: no chromium on the PATH, nothing measured")
        return 0
    if not (SITE / "index.html").is_file():
        print(f"pages.py: {SITE} has no book: run `make book` first", file=sys.stderr)
        return 2
    every = (path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts)
    names = asked.pages or sorted(set(every) - {"index.html"})
    rows = []
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(SITE))) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name in names:
            visits = [visit(browser, f"http://127.0.0.1:{server.server_port}/{name}") for _ in range(asked.runs)]
            rows.append((name, statistics.median(v[0] for v in visits), visits[0][1], visits[0][2]))
        browser.close()
        server.shutdown()

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    table = Table(title=f"Pages: {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, slowed {SLOWER} times")
    for column in ("page", "explorable", "kB", "ready, s"):
        table.add_column(column, justify="left" if column == "page" else "right")
    for name, seconds, size, explores in sorted(rows, key=lambda row: -row[1]):
        table.add_row(name, "yes" if explores else "", f"{size / 1000:.0f}", f"{seconds:.2f}")
    Console().print(table)

    passed = [(f"slowest page ready after {max(row[1] for row in rows):.2f} s", max(row[1] for row in rows) <= 2)]
    for explores, limit in ((False, 400_000), (True, 700_000)):
        sizes = [row[2] for row in rows if row[3] == explores]
        if sizes:
            kind = "with" if explores else "without"
            median = statistics.median(sizes)
            passed.append((f"median page {kind} an explorable {median / 1000:.0f} kB", median < limit))
    for what, holds in passed:
        print(f"{what}: {'ok' if holds else 'OVER THE LIMIT'}")
    return int(not all(holds for _, holds in passed))


if __name__ == "__main__":
    sys.exit(main())
