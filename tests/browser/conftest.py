"""Debian's chromium, and a page in it that notes what goes wrong."""

import os
import re
import shutil
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from playwright.sync_api import expect, sync_playwright

QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def chromium():
    """A running chromium; without one, tests that ask for it are skipped, and fail where CI has to have it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI"):
        pytest.fail("There is no chromium on the PATH, and CI has to have one.", pytrace=False)
    if found is None:
        pytest.skip("There is no chromium on the PATH: nothing looks at the book in a browser.")
    expect.set_options(timeout=20_000)  # long enough for a machine that has other things to do
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Return a function that makes a page, and a list to which what goes wrong on it is added."""
    contexts = []

    def make(**options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        trouble = []
        page.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        elsewhere = re.compile(r"(http|ws)s?://(?!127\.0\.0\.1[:/])")
        page.on("request", lambda request: trouble.append(request.url) if elsewhere.match(request.url) else None)
        page.on("response", lambda r: trouble.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return page, trouble

    yield make
    for context in contexts:
        context.close()


# --- What every page is held to ---------------------------------------------------------------------------------------

AXE = Path(__file__).parent / "axe" / "axe.min.js"
OF_COLOUR = ["color-contrast", "link-in-text-block"]

# What is wrong with a page, found in the page itself.
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
    for (const image of document.querySelectorAll("article img"))
        if (!image.naturalWidth || !image.alt) wrong.push(`no picture, or no words for it: ${image.src}`);
    for (const icon of document.querySelectorAll("[class*=fa-]"))
        if (getComputedStyle(icon, "::before").content === "none") wrong.push(`no icon: ${icon.outerHTML}`);
    return wrong;
}"""
# Characters that the page draws with the fonts of icons.
ICONS = """() => [...document.querySelectorAll("body, body *:not(pre *, .katex, .katex *)")].flatMap((element) =>
    ["::before", "::after"].map((part) => getComputedStyle(element, part)).filter((style) =>
        style.fontFamily.includes("Awesome") && /^".+"$/.test(style.content)
    ).map((style) => style.content.slice(1, -1)))"""
# A formula is a hundred elements, all in the ink of the text it stands in: that is seen here, and axe is spared them.
LOOK_AT_FORMULAS = """() => {
    const ink = (element) => getComputedStyle(element).color;
    return [...document.querySelectorAll(".math .katex-html")].filter((formula) => {
        const parts = [formula, ...formula.querySelectorAll("[style*='color']")];
        return parts.some((part) => ink(part) !== ink(formula.closest(".math")));
    }).map((formula) => `a formula in another colour: ${formula.textContent}`);
}"""
# For axe, the inside of each formula becomes a box of the same width, and words of code become plain text: all but the
# first of each kind in each kind of block, which have the colours of all others. Of the formulas' MathML, which nobody
# sees and none of axe's rules is about, the first stays. That is 4 elements of 5 in a chapter.
THIN_OUT = """() => {
    const formulas = [...document.querySelectorAll(".katex-html")].map((f) => [f, f.getBoundingClientRect().width]);
    for (const [formula, width] of formulas) {
        formula.replaceChildren();
        formula.style.display = formula.closest(".katex-display") ? "block" : "inline-block";
        formula.style.width = `${width}px`;
    }
    for (const formula of [...document.querySelectorAll(".katex-mathml")].slice(1)) formula.replaceChildren();
    const seen = new Set();
    for (const word of document.querySelectorAll("pre span[class]")) {
        const block = word.closest("pre").parentElement.parentElement;
        const kind = [word, block, block.parentElement].map((element) => element.className).join("; ");
        if (seen.has(kind)) word.replaceWith(...word.childNodes);
        seen.add(kind);
    }
}"""
# Without `preload`: to look into stylesheets, axe asks for what they import, at addresses that are not theirs.
RUN_AXE = """rules => axe
    .run({ preload: false, resultTypes: ["violations"], ...(rules && { runOnly: rules }) })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.html.slice(0, 100)}`)))"""


def _turn(page, theme):
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


@pytest.fixture
def mount_explorables():
    """Return a function that brings every explorable of a page near, once nothing moves, and waits until it is live."""

    def mount(page):
        page.wait_for_function("!document.documentElement.classList.contains('sections-later')")
        for figure in page.locator("figure.explorable").all():
            figure.scroll_into_view_if_needed()
            expect(figure).to_have_attribute("data-explorable", re.compile("."))

    return mount


@pytest.fixture
def faults(site, address, open_page, mount_explorables):
    """Return a function that opens every page of the book and lists what is wrong with them.

    axe looks at the page in the theme named first with all its rules, in others with those about colours.
    """

    def look(themes, **options):
        names = sorted(p.relative_to(site).as_posix() for p in site.rglob("*.html") if "_static" not in p.parts)
        names.remove("index.html")  # only leads to the introduction
        assert len(names) > 40
        drawn = set().union(*(TTFont(path).getBestCmap() for path in (site / "_static" / "icons").iterdir()))
        page, trouble = open_page(reduced_motion="reduce", color_scheme=themes[0], **options)
        page.context.add_init_script(path=AXE)
        found = []
        for name in names:
            page.emulate_media(color_scheme=themes[0])
            page.goto(f"{address}/{name}")
            page.wait_for_function("document.fonts.ready.then(() => true)")
            mount_explorables(page)
            page.wait_for_function("[...document.images].every((image) => image.complete)")
            wrong = page.evaluate(LOOK)
            icons = set(page.evaluate(ICONS))
            assert icons, name
            wrong += [f"an icon that no font has: {icon!r}" for icon in icons if ord(icon) not in drawn]
            for theme in themes:
                _turn(page, theme)
                wrong += page.evaluate(LOOK_AT_FORMULAS)
            page.evaluate(THIN_OUT)
            for theme in reversed(themes):  # to turn is dear
                _turn(page, theme)
                rules = None if theme == themes[0] else OF_COLOUR
                wrong += [f"{theme}: {what}" for what in page.evaluate(RUN_AXE, rules)]
            found += [f"{name}: {what}" for what in wrong + trouble]
            trouble.clear()
        return found

    return look
