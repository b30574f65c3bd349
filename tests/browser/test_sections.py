"""A long page whose sections are laid out when their time comes: nobody who reads it may notice."""

import re

import pytest
from playwright.sync_api import expect

CHAPTER = "book/05_gates.html"
LATER = re.compile(r"\bsections-later\b")
# Boxes that scroll, but for those in what is closed, and of these the ones that a keyboard does not reach.
SCROLLING = """() => [...document.querySelectorAll(
        "article pre, article .text_html > div, article div.math > span:not(.eqno)")]
    .filter((box) => !box.closest("details:not([open])") && box.scrollWidth > box.clientWidth)"""
UNREACHED = f"() => ({SCROLLING})().filter((box) => box.tabIndex !== 0).map((box) => box.textContent.slice(0, 60))"
NO_IDLE_TIME = "window.requestIdleCallback = () => {}"
PHONE = {"viewport": {"width": 390, "height": 844}}


def test_a_box_that_scrolls_gets_its_tab_stop_when_it_comes_near(address, open_page):
    page, trouble = open_page(**PHONE)
    page.add_init_script(NO_IDLE_TIME)
    page.goto(f"{address}/{CHAPTER}")
    expect(page.locator("html")).to_have_class(LATER)
    far = page.locator("#check-yourself").locator("xpath=preceding::pre").last
    assert far.get_attribute("tabindex") is None
    far.scroll_into_view_if_needed()
    page.locator("section#a-sequence-from-the-world pre").first.scroll_into_view_if_needed()
    expect(page.locator("section#a-sequence-from-the-world pre[tabindex='0']").first).to_be_attached()
    assert trouble == []


def test_when_there_is_time_all_is_laid_out_and_every_box_that_scrolls_is_reached(address, open_page):
    page, trouble = open_page(**PHONE)
    page.goto(f"{address}/{CHAPTER}")
    expect(page.locator("html")).not_to_have_class(LATER)
    page.wait_for_function(f"({UNREACHED})().length === 0")
    assert page.evaluate(f"({SCROLLING})().length") > 50
    assert trouble == []


@pytest.mark.parametrize("place", ["the-adding-problem", "fig-forget-gate", "check-yourself"])
def test_a_link_to_a_place_deep_in_a_chapter_lands_there(address, open_page, place):
    page, trouble = open_page(reduced_motion="reduce")
    page.goto(f"{address}/{CHAPTER}#{place}")
    page.evaluate("document.fonts.ready")
    expect(page.locator(f"[id='{place}']")).to_be_in_viewport()
    page.goto("about:blank")
    page.goto(f"{address}/{CHAPTER}")
    page.evaluate("place => { location.hash = place; }", place)
    expect(page.locator("html")).not_to_have_class(LATER)
    expect(page.locator(f"[id='{place}']")).to_be_in_viewport()
    assert trouble == []


def test_nothing_is_put_off_on_paper(address, open_page):
    page, _ = open_page()
    page.add_init_script(NO_IDLE_TIME)
    page.goto(f"{address}/{CHAPTER}")
    expect(page.locator("html")).to_have_class(LATER)
    put_off = """() => [...document.querySelectorAll(".bd-article > section > section")].filter((section) =>
        getComputedStyle(section).contentVisibility === "auto").length"""
    assert page.evaluate(put_off) > 10
    page.emulate_media(media="print")
    assert page.evaluate(put_off) == 0
