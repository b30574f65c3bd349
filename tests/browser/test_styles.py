"""The rules of style that tools/light_pages.py takes out: no page looks otherwise for it."""

import json

import pytest

from tools import light_pages

# Of the elements with the same classes in the same parent, the first; with what stands before and after it.
STYLES = """() => {
    const seen = new Map();
    for (const element of document.querySelectorAll("body, body *")) {
        const key = [element, element.parentElement].map((e) => `${e.tagName}.${e.getAttribute("class")}`).join(" in ");
        if (!seen.has(key))
            seen.set(key, [null, "::before", "::after"].map((part) => {
                const style = getComputedStyle(element, part);
                const names = [...style].filter((name) => !name.startsWith("--")); // what is made of these is compared
                return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)]));
            }));
    }
    return JSON.stringify(Object.fromEntries(seen)); // as objects they would travel for minutes
}"""
PAGES = ["book/07_activations", "book/reference/api/losses", "search"]


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_look_as_with_all_rules(address, open_page, site, width):
    all_rules = light_pages.stylesheet(site / "_static")
    looks = []
    for whole in (False, True):
        page, trouble = open_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        if whole:
            page.route("**/_static/book.css*", lambda route: route.fulfill(body=all_rules, content_type="text/css"))
        seen = {}
        for name in PAGES:
            page.goto(f"{address}/{name}.html")
            page.wait_for_function("document.fonts.ready.then(() => true)")
            page.wait_for_function("!document.documentElement.classList.contains('sections-later')")
            seen |= {f"{name}: {key}": parts for key, parts in json.loads(page.evaluate(STYLES)).items()}
        assert trouble == []
        looks.append(seen)
    assert looks[0].keys() == looks[1].keys()
    assert len(looks[0]) > 400
    found = [
        f"{key}: {name} is {value}, not {wanted[name]}"
        for key, parts in looks[0].items()
        for part, wanted in zip(parts, looks[1][key], strict=True)
        for name, value in part.items()
        if value != wanted[name]
    ]
    assert found == []
