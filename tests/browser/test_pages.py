"""Every page of the book in Debian's chromium, wide and on a phone, light and dark, held to the same rules."""

import os
import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

if CHROMIUM is None and os.environ.get("CI"):
    raise RuntimeError("the browser tests need chromium, and CI has to have it")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH: the browser tests are skipped")

# What is wrong with a page whatever its colours, found in the page itself.
LOOK = """() => {
    const wrong = [];
    const count = (what, selector) => {
        const found = document.querySelectorAll(selector).length;
        if (found) wrong.push(`${found} ${what}`);
    };
    count("formulas with errors", ".katex-error");
    count("formulas not rendered", ".math:not(:has(.katex))");
    const width = document.documentElement.scrollWidth;
    if (width > innerWidth) wrong.push(`scrolls sideways: ${width} > ${innerWidth}`);
    // axe is spared the inside of formulas, which is most of a chapter: their ink is that of the text they stand in.
    const ink = (element) => getComputedStyle(element).color;
    for (const formula of document.querySelectorAll(".math .katex-html")) {
        const around = ink(formula.closest(".math"));
        const odd = [...formula.querySelectorAll("[style*='color']")].find((part) => ink(part) !== around);
        if (ink(formula) !== around || odd) wrong.push(`a formula in another colour: ${formula.textContent}`);
    }
    for (const image of document.querySelectorAll(".bd-article img"))
        if (image.loading !== "lazy" && !image.naturalWidth) wrong.push(`no picture: ${image.src}`);
    return wrong;
}"""
# Without `preload`: to look into stylesheets, axe asks for what they import, at addresses that are not theirs.
RUN_AXE = """rules => axe
    .run({ exclude: [[".katex-html"]] },
         { preload: false, resultTypes: ["violations"], ...(rules && { runOnly: rules }) })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.html.slice(0, 100)}`)))"""
OF_COLOUR = ["color-contrast", "link-in-text-block"]


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where the built book is served on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Return a function that makes a page, and a list to which what goes wrong on it is added."""
    contexts = []

    def make(**options):
        contexts.append(chromium.new_context(base_url=address, **options))
        page = contexts[-1].new_page()
        trouble = []
        page.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((address, "data:")) else trouble.append(r.url))
        page.on("response", lambda r: trouble.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return page, trouble

    yield make
    for context in contexts:
        context.close()


def mount_explorables(page) -> None:
    """Bring every explorable of the page near, and wait until it is live."""
    for figure in page.locator("figure.explorable").all():
        figure.scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-explorable", re.compile("."), timeout=30_000)


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_on_any_page_in_either_theme_and_nothing_else_is_wrong(site, open_page, viewport):
    names = sorted(p.relative_to(site).as_posix() for p in site.rglob("*.html") if "_static" not in p.parts)
    names.remove("index.html")  # only leads to the introduction
    assert len(names) > 40
    page, trouble = open_page(viewport=viewport, reduced_motion="reduce")
    page.context.add_init_script(path=AXE)
    found = {}
    for name in names:
        page.emulate_media(color_scheme="light")
        page.goto(name)
        page.wait_for_function("document.fonts.ready.then(() => true)")
        mount_explorables(page)
        wrong = page.evaluate(LOOK) + page.evaluate(RUN_AXE, None)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        wrong += [f"dark: {what}" for what in page.evaluate(RUN_AXE, OF_COLOUR)]
        if wrong + trouble:
            found[name] = wrong + trouble
        trouble.clear()
    assert found == {}


def test_tab_reaches_the_skip_link_first_and_what_has_the_focus_shows_it(open_page):
    page, trouble = open_page(viewport=WIDE, reduced_motion="reduce")
    page.goto("book/02_stability.html")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        what, ring, shadow = page.evaluate("""() => {
            const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
            const ring = outlineStyle === "none" ? 0 : parseFloat(outlineWidth);
            return [document.activeElement.outerHTML.slice(0, 150), ring, boxShadow];
        }""")
        assert ring >= 1 or shadow != "none", what
        seen.add(what)
    assert len(seen) >= 25
    assert trouble == []


def test_nothing_moves_for_those_who_asked_for_that(open_page):
    page, _ = open_page(viewport=WIDE, reduced_motion="reduce")
    moving = """() => [document.documentElement, ...document.querySelectorAll("*")].filter((element) => {
        const { animationName, scrollBehavior, transitionDuration, transitionProperty } = getComputedStyle(element);
        const moves = transitionProperty !== "none" && /[1-9]/.test(transitionDuration);
        return moves || animationName !== "none" || scrollBehavior === "smooth";
    }).map((element) => element.outerHTML.slice(0, 100))"""
    for name in ("book/intro.html", "book/02_stability.html", "search.html"):
        page.goto(name)
        mount_explorables(page)
        assert page.evaluate(moving) == []


def test_search_finds_a_term_and_its_result_opens(open_page):
    page, trouble = open_page(viewport=WIDE)
    page.goto("book/intro.html")
    page.keyboard.press("Control+k")
    field = page.get_by_role("searchbox").or_(page.locator("dialog input[type=search]")).first
    field.fill("overflow")
    field.press("Enter")
    results = page.locator("#search-results li a")
    chapter = results.filter(has_text="Stability").first
    chapter.wait_for(timeout=30_000)
    chapter.click()
    expect(page.locator("article h1")).to_contain_text("Stability")
    assert trouble == []
