"""The explorables as a reader meets them: by keyboard, on a phone, on a dark page, and without scripts."""

import gzip
import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(__file__).parent / "axe" / "axe.min.js"
EXPLORABLES = {
    name: chapter.stem
    for chapter in sorted((ROOT / "book").glob("[0-9][0-9]_*.ipynb"))
    for cell in nbformat.read(chapter, as_version=4).cells
    for name in re.findall(r"^:name: explore-(\w+)$", cell.source, re.MULTILINE)
}
EACH = pytest.mark.parametrize("name", EXPLORABLES)


@pytest.fixture
def visit(address, open_page, mount_explorables):
    """Open the page of an explorable and bring it to life; return the page, its figure and what went wrong on it."""

    def at_the_explorable(name, **options):
        page, trouble = open_page(**options)
        page.goto(f"{address}/book/{EXPLORABLES[name]}.html")
        if options.get("java_script_enabled", True):
            mount_explorables(page)
        return page, page.locator(f"#explore-{name}"), trouble

    return at_the_explorable


def test_there_is_one_in_each_of_the_first_six_chapters():
    assert [chapter[:2] for chapter in EXPLORABLES.values()] == ["01", "02", "03", "04", "05", "06"]


def test_the_payload_is_small():
    """What a reader who meets every explorable fetches, compressed."""
    files = [path for path in (ROOT / "book/_static/explore").glob("*.*") if path.suffix in (".js", ".css", ".json")]
    assert {"d3.js", "kit.js", *(f"{name}.js" for name in EXPLORABLES)} <= {path.name for path in files}
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 60_000


def assert_accessible(page, name):
    """Let axe-core look at the explorable; it must find nothing."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
        # axe reads the whole page first, of which formulas and code around the explorable are the most.
        page.evaluate(
            f"document.querySelectorAll('.katex, pre').forEach(e => e.closest('#explore-{name}') || e.remove())"
        )
    # Without `preload`: to look into stylesheets, axe asks for what they import, at addresses that are not theirs.
    found = page.evaluate("name => axe.run(`#explore-${name}`, { preload: false })", name)
    assert [(v["id"], v["nodes"][0]["failureSummary"]) for v in found["violations"]] == []
    assert len(found["passes"]) >= 8


@EACH
def test_it_answers_to_keys_is_accessible_in_both_themes_and_leaves_paper_to_the_still_image(visit, name):
    """One visit for all of it: most of the time goes into opening a chapter."""
    page, figure, trouble = visit(name, color_scheme="light")
    summary = figure.get_by_role("status")
    expect(summary).to_have_text(re.compile(r"\d"))
    before = summary.inner_text()
    drawn = figure.locator(".explorable-stage").inner_html()
    figure.locator(".explorable-controls").locator("input, select").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(summary).not_to_have_text(before)
    assert figure.locator(".explorable-stage").inner_html() != drawn
    assert trouble == []

    assert_accessible(page, name)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert_accessible(page, name)

    live_elsewhere = figure.get_by_text("On the book’s web page this figure is live.")
    for of_the_still in (figure.locator("> img"), live_elsewhere):
        expect(of_the_still).to_be_hidden()
    page.emulate_media(media="print")
    for of_the_still in (figure.locator("> img"), live_elsewhere):
        expect(of_the_still).to_be_visible()
    expect(figure.locator(".explorable-live")).to_be_hidden()


@EACH
def test_on_a_phone_nothing_scrolls_sideways_and_controls_can_be_touched(visit, name):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": "dark"}
    page, figure, trouble = visit(name, **phone)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    controls = figure.locator("input, select, button, [role=slider]")
    assert controls.count() >= 1
    for control in controls.all():
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= 24, control.evaluate("c => c.outerHTML")
        expect(control).to_have_accessible_name(re.compile(r"\w"))
    assert trouble == []
    assert_accessible(page, name)


@EACH
def test_without_scripts_there_is_the_still_image(visit, name):
    _, figure, _ = visit(name, java_script_enabled=False)
    still = figure.get_by_role("img")
    expect(still).to_be_visible()
    assert still.evaluate("image => image.complete && image.naturalWidth >= 1000")
    assert len(still.get_attribute("alt").split()) >= 12
    expect(figure.locator("figcaption").get_by_text("On the book’s web page this figure is live.")).to_be_visible()


# --- What is particular to one ----------------------------------------------------------------------------------------


def test_points_of_the_boundary_move_by_arrow_keys_by_mouse_and_by_touch(visit):
    page, figure, trouble = visit("boundary", has_touch=True)
    points = figure.get_by_role("slider", name=re.compile("point"))
    expect(points).to_have_count(16)
    first = points.nth(0)
    expect(first).to_have_attribute("aria-valuetext", "−1.5, 3.0, class 0")
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Space")
    expect(first).to_have_attribute("aria-valuetext", "−1.4, 2.5, class 1")
    expect(first).to_be_focused()
    figure.get_by_role("button", name="Change the class").click()
    expect(first).to_have_attribute("aria-valuetext", "−1.4, 2.5, class 0")

    second = points.nth(1)
    box = second.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 20, middle[1] + 30, steps=3)
    page.mouse.up()
    expect(second).not_to_have_attribute("aria-valuetext", "−0.8, 0.1, class 0")
    expect(second).to_be_focused()
    moved = second.get_attribute("aria-valuetext")
    touch = page.context.new_cdp_session(page)
    for kind, by in (("touchStart", 0), ("touchMove", 10), ("touchMove", 25)):
        at = {"x": middle[0] + 20 + by, "y": middle[1] + 30}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(second).not_to_have_attribute("aria-valuetext", moved)
    assert trouble == []


def test_separated_classes_are_reported_and_a_penalty_holds_the_weights(visit):
    _, figure, trouble = visit("boundary")
    said = figure.get_by_role("status")
    expect(said).to_have_text(re.compile("Newton steps"))
    figure.get_by_role("button", name="Separate the classes").click()
    expect(said).to_have_text(
        re.compile(r"^Separated \(complete\): no minimum exists\. At length 4 .* falls towards 0")
    )
    figure.get_by_label("penalty").select_option("weak, C = 100")
    expect(said).to_have_text(re.compile("only the penalty holds w"))
    figure.get_by_role("button", name="Start again").click()
    expect(said).to_have_text(re.compile("13 of 16 points are on their side of the boundary.$"))
    assert trouble == []


def test_a_gate_that_is_held_changes_the_answer_and_is_let_go_again(visit):
    _, figure, trouble = visit("gates")
    said = figure.get_by_role("status")
    expect(said).to_have_text(re.compile(r"Answer at the end 0\.580; target 0\.577\.$"))
    figure.get_by_label("input gate", exact=True).select_option("held open")
    expect(said).to_have_text(re.compile(r"input gate 1\.00, .* Answer at the end 1\.223, as learned 0\.580"))
    figure.get_by_label("input gate", exact=True).select_option("as learned")
    expect(said).to_have_text(re.compile(r"Answer at the end 0\.580; target 0\.577\.$"))
    assert trouble == []


def test_a_gain_and_a_centred_bias_bring_the_gradient_back(visit):
    _, figure, trouble = visit("flow")
    said = figure.get_by_role("status")
    expect(said).to_have_text(re.compile("it vanishes"))
    figure.get_by_label("bias").select_option("centred")
    figure.get_by_label("gain").fill("10")
    expect(said).to_have_text(re.compile(r"gain 5\.66, bias centred.*it survives"))
    figure.get_by_role("button", name="Keep this curve").click()
    figure.get_by_label("gain").fill("-4")
    expect(said).to_have_text(re.compile(r"gain 0\.500, bias centred.*it vanishes"))
    expect(figure.locator(".k-kept").first).to_have_attribute("d", re.compile("L.*L"))
    assert trouble == []
