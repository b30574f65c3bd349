"""The chapters' questions in Debian's chromium: by keyboard, without scripts, on a phone, on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [path.stem for path in sorted((ROOT / "book").glob("[0-9][0-9]_*.ipynb"))]
PHONE = {"width": 390, "height": 844}
QUIZ = "section#check-yourself"
CHOICES = f"{QUIZ} > details"


@pytest.fixture
def visit(address, open_page):
    """Open a chapter at its quiz, as the link in the sidebar does."""

    def at_the_quiz(chapter: str, **options) -> Page:
        page, _ = open_page(**options)
        page.goto(f"{address}/book/{chapter}.html#check-yourself")
        return page

    return at_the_quiz


def tab_to_the_first_choice(page: Page) -> None:
    for _ in range(5):  # the heading's own link, and what the introduction may link to
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches('{CHOICES} > summary')"):
            return
    pytest.fail("the first choice cannot be reached with Tab from the quiz's heading")


@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"java_script_enabled": False}],
    ids=["light", "dark", "scripts-off"],
)
def test_a_choice_opens_and_closes_by_keyboard_alone(visit, options):
    page = visit("01_curve", **options)
    first, second = page.locator(CHOICES).nth(0), page.locator(CHOICES).nth(1)
    reason = first.locator(".sd-summary-content")
    expect(reason).to_be_hidden()
    tab_to_the_first_choice(page)
    expect(first.locator("summary")).to_be_focused()
    ring = "(s => [s.outlineWidth, s.outlineOffset].map(parseFloat))(getComputedStyle(document.activeElement))"
    width, offset = page.evaluate(ring)
    assert width >= 2
    assert width + offset <= 0, "the card would cut off what stands outside its title bar"
    page.keyboard.press("Enter")
    expect(reason).to_be_visible()
    expect(reason).to_contain_text(re.compile(r"^\s*(Right|Not quite)\."))
    page.keyboard.press("Enter")
    expect(reason).to_be_hidden()
    while not page.evaluate(f"document.activeElement === document.querySelectorAll('{CHOICES} > summary')[1]"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(second.locator(".sd-summary-content")).to_be_visible()
    expect(reason).to_be_hidden()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_on_a_phone_every_choice_is_large_enough_to_touch_and_no_reason_is_too_wide(visit, chapter):
    page = visit(chapter, viewport=PHONE, has_touch=True)
    page.wait_for_function("document.querySelectorAll('.math:not(:has(.katex))').length === 0")
    first = page.locator(CHOICES).first
    first.locator("summary").tap()
    expect(first.locator(".sd-summary-content")).to_be_visible()
    low, wide = page.evaluate(f"""() => {{
        const choices = [...document.querySelectorAll('{CHOICES}')];
        choices.forEach(choice => {{ choice.open = true; }});
        const low = choices.filter(choice => choice.querySelector('summary').offsetHeight < 24);
        const wide = choices.filter(choice => choice.scrollWidth > choice.clientWidth + 1);
        return [low, wide].map(found => found.map(choice => choice.innerText));
    }}""")
    assert (low, wide) == ([], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator(f"{QUIZ} .katex-error").count() == 0


def test_on_paper_every_closed_choice_shows_its_reason(visit):
    page = visit("02_stability")
    shown = f"[...document.querySelectorAll('{CHOICES} > .sd-summary-content')].map(reason => reason.checkVisibility())"
    assert set(page.evaluate(shown)) == {False}
    page.emulate_media(media="print")
    assert set(page.evaluate(shown)) == {True}
