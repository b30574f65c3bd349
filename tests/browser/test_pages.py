"""Every page of the book on a wide screen, light and dark; and by keyboard, without motion, searched, on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
WIDE = {"width": 1280, "height": 900}
CHAPTER = "book/02_stability.html"


def test_nothing_is_wrong_with_any_page(faults):
    found = faults(["light", "dark"], viewport=WIDE)
    assert not found, "\n".join(found)


# --- By keyboard ------------------------------------------------------------------------------------------------------

FOCUS = """() => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
    const { x, y, width, height } = document.activeElement.getBoundingClientRect();
    const ring = outlineStyle === "none" ? 0 : parseFloat(outlineWidth);
    return {
        what: document.activeElement.outerHTML.slice(0, 150),
        shown: ring >= 1 || boxShadow !== "none",
        inside: document.activeElement.closest("article") !== null,
        onScreen: width > 0 && y < innerHeight && y + height > 0 && x < innerWidth && x + width > 0,
    };
}"""


def test_tab_reaches_the_skip_link_first_then_everything_in_the_chapter_and_each_shows_it(address, open_page):
    page, trouble = open_page(viewport=WIDE, reduced_motion="reduce")
    page.goto(f"{address}/{CHAPTER}")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    page.evaluate("document.fonts.ready")
    seen = []
    while not page.evaluate("document.activeElement.matches('.prev-next-area a:last-child')"):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS))
        assert len(seen) < 500, "Tab goes round without reaching the link to the next page"
    assert [at["what"] for at in seen if not (at["shown"] and at["onScreen"])] == []
    assert sum(at["inside"] for at in seen) > 50
    assert trouble == []


# --- Without motion ---------------------------------------------------------------------------------------------------


def test_nothing_moves_for_those_who_asked_for_that(address, open_page, mount_explorables):
    page, _ = open_page(viewport=WIDE, reduced_motion="reduce")
    moving = """() => [document.documentElement, ...document.querySelectorAll("*")].filter((element) => {
        const { animationName, scrollBehavior, transitionDuration, transitionProperty } = getComputedStyle(element);
        const moves = transitionProperty !== "none" && /[1-9]/.test(transitionDuration);
        return moves || animationName !== "none" || scrollBehavior === "smooth";
    }).map((element) => element.outerHTML.slice(0, 100))"""
    for name in ("book/intro.html", CHAPTER, "search.html"):
        page.goto(f"{address}/{name}")
        mount_explorables(page)
        assert page.evaluate(moving) == []


# --- Search, paper ----------------------------------------------------------------------------------------------------


def test_search_finds_a_term_and_its_result_opens(address, open_page):
    page, trouble = open_page(viewport=WIDE)
    page.goto(f"{address}/book/intro.html")
    page.keyboard.press("Control+k")
    field = page.get_by_role("searchbox").or_(page.locator("dialog input[type=search]")).first
    field.fill("overflow")
    field.press("Enter")
    expect(page.locator(".search-summary")).to_contain_text(re.compile(r"found \d+ page"))
    page.locator("#search-results li a[href*='02_stability.html']").first.click()
    expect(page.locator("article h1")).to_contain_text("Stability")
    assert trouble == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_cheat_sheet_prints_on_one_page_of_a4(address, open_page, scheme):
    page, trouble = open_page(color_scheme=scheme)
    page.goto(f"{address}/book/reference/cheat_sheet.html")
    page.locator("article .katex").last.wait_for(state="attached")
    printed = page.pdf(prefer_css_page_size=True)
    page.emulate_media(media="print")
    shown = page.locator("#cheat-sheet h2").evaluate_all("all => all.filter(h => h.offsetHeight).length")
    wide = page.locator("#cheat-sheet .katex-html, #cheat-sheet table").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).length"
    )
    ink = page.locator("#cheat-sheet h2").first.evaluate("h => getComputedStyle(h).color")
    boxes = re.findall(rb"/MediaBox \[([\d. ]+)\]", printed)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    assert [[round(float(n)) for n in box.split()[2:]] for box in boxes] == [[595, 842]]
    assert shown == (ROOT / "book/reference/cheat_sheet.md").read_text(encoding="utf-8").count("\n## ")
    assert wide == 0
    assert max(int(n) for n in re.findall(r"\d+", ink)[:3]) < 90, "ink, not light"
    assert trouble == []
