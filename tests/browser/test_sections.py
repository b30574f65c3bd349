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


@pytest.mark.parametrize("how", ["press a link", "change the address", "press End"])
def test_a_jump_before_all_is_laid_out_leads_to_the_place(address, open_page, how):
    page, trouble = open_page(viewport={"width": 1280, "height": 800})
    page.add_init_script("window.idle = []; window.requestIdleCallback = (task) => idle.push(task)")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(f"{address}/{CHAPTER}")
    place = "now-you" if how == "press End" else "the-product-of-forget-gates"
    if how == "press a link":
        page.locator(f".bd-sidebar-secondary a[href='#{place}']").evaluate("link => link.click()")
    elif how == "change the address":
        page.evaluate("place => { location.hash = place; }", place)
    else:
        page.keyboard.press("End")
    expect(page.locator(f"[id='{place}']")).to_be_in_viewport()
    page.evaluate("async () => { while (idle.length) { idle.shift()(); await new Promise(requestAnimationFrame); } }")
    expect(page.locator("html")).not_to_have_class(LATER)
    page.wait_for_timeout(300)
    top = page.locator(f"[id='{place}']").evaluate("element => element.getBoundingClientRect().top")
    assert 0 <= top < 800
    assert trouble == []


@pytest.mark.parametrize("key", ["Space", "PageDown", "ArrowDown"])
def test_a_key_that_scrolls_is_not_lost_before_all_is_laid_out(address, open_page, key):
    page, trouble = open_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(NO_IDLE_TIME)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(f"{address}/{CHAPTER}")
    page.keyboard.press(key)
    page.wait_for_function("scrollY > 0")
    assert trouble == []


@pytest.mark.parametrize("key", ["Control+f", "Meta+f", "F3"])
def test_whoever_looks_for_a_word_has_all_laid_out(address, open_page, key):
    page, _ = open_page()
    page.add_init_script(NO_IDLE_TIME)
    page.goto(f"{address}/{CHAPTER}")
    expect(page.locator("html")).to_have_class(LATER)
    page.keyboard.press(key)
    expect(page.locator("html")).not_to_have_class(LATER)


def test_end_in_a_slider_moves_the_slider_and_not_the_page(address, open_page):
    page, trouble = open_page()
    page.add_init_script(NO_IDLE_TIME)
    page.goto(f"{address}/{CHAPTER}")
    slider = "Object.assign(document.createElement('input'), { type: 'range' })"  # the chapter's are not laid out yet
    page.evaluate(f"document.querySelector('article h1').after({slider})")
    page.locator("article input[type=range]").focus()
    page.keyboard.press("End")
    expect(page.locator("article input[type=range]")).to_have_value("100")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == 0
    assert trouble == []


def test_the_contents_mark_the_section_in_the_window_after_a_jump(address, open_page):
    page, trouble = open_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/{CHAPTER}")
    expect(page.locator("html")).not_to_have_class(LATER)
    marked = page.locator("#pst-page-toc-nav a.active")
    page.evaluate("scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })")
    expect(marked).to_have_attribute("href", re.compile("#(check-yourself|now-you)"))
    page.evaluate("document.querySelector('#clipping-by-norm').scrollIntoView({ behavior: 'instant' })")
    expect(marked).to_have_attribute("href", "#clipping-by-norm")
    page.evaluate("scrollBy({ top: 300, behavior: 'instant' })")
    expect(page.locator("#pst-page-toc-nav [aria-current]")).to_have_attribute("href", "#clipping-by-norm")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    expect(marked).to_have_count(0)
    last = page.locator(".bd-sidebar-secondary a[href='#now-you']")  # too short to come to the top of the window
    last.evaluate("link => link.click()")
    expect(page.locator("#now-you")).to_be_in_viewport()
    page.wait_for_timeout(1500)  # the theme looks away for a second
    expect(marked).to_have_attribute("href", "#now-you")
    assert trouble == []


def test_nothing_is_put_off_on_paper(address, open_page):
    page, _ = open_page()
    page.add_init_script(NO_IDLE_TIME)
    page.goto(f"{address}/{CHAPTER}")
    expect(page.locator("html")).to_have_class(LATER)
    put_off = """() => [...document.querySelectorAll(".bd-article *")].filter((element) =>
        getComputedStyle(element).contentVisibility === "auto").length"""
    assert page.evaluate(put_off) > 200
    page.emulate_media(media="print")
    assert page.evaluate(put_off) == 0


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["book/01_curve", CHAPTER.removesuffix(".html"), "book/reference/api/frameworks"])
def test_nothing_moves_when_a_block_is_laid_out(address, open_page, name, width):
    page, trouble = open_page(viewport={"width": width, "height": 900})
    page.goto(f"{address}/{name}.html")
    expect(page.locator("html")).not_to_have_class(LATER)
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    tops = """() => [...document.querySelectorAll(".bd-article > section section > *, footer")].map(
        (block) => [block.outerHTML.slice(0, 60), Math.round(block.getBoundingClientRect().top + scrollY)])"""
    laid_out = page.evaluate(tops)
    assert len(laid_out) > 15
    page.add_style_tag(content=".bd-article > section section > :not(section) { contain: layout paint style; }")
    assert page.evaluate(tops) == laid_out
    assert trouble == []


def test_pictures_take_their_room_and_the_page_does_not_wait_for_them(address, open_page):
    page, trouble = open_page()
    held = []
    page.route("**/_images/*", lambda route: held.append(route))
    page.goto(f"{address}/{CHAPTER}")  # returns when the page has loaded
    pictures = page.locator("article img")
    figure = page.locator("#fig-forget-gate img")
    figure.scroll_into_view_if_needed()
    before = figure.bounding_box()
    assert before["height"] > 100
    assert not figure.evaluate("image => image.naturalWidth")
    expect(page.locator("html")).not_to_have_class(LATER)
    page.wait_for_timeout(500)
    assert len(held) == pictures.count() > 10
    for route in held:
        route.continue_()
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    after = figure.bounding_box()
    assert [after["width"], after["height"]] == [before["width"], before["height"]]
    assert trouble == []
