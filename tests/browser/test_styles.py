"""The theme's rules of style that tools/light_pages.py takes out: no page looks otherwise for it."""

from pathlib import Path

import pydata_sphinx_theme
import pytest
import sphinx_book_theme
import sphinx_design

WHOLE = {
    "pydata-sphinx-theme.css": Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles",
    "sphinx-book-theme.css": Path(sphinx_book_theme.__file__).parent / "theme/sphinx_book_theme/static/styles",
    "sphinx-design.min.css": Path(sphinx_design.__file__).parent / "static",
}
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
    return Object.fromEntries(seen);
}"""
PAGES = ["book/07_activations", "book/reference/api/losses", "search"]


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_look_as_with_all_rules(address, open_page, width):
    looks = []
    for whole in (False, True):
        page, trouble = open_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        for name, folder in WHOLE.items() if whole else ():
            page.route(f"**/{name}*", lambda route, request, path=folder / name: route.fulfill(path=path))
        seen = {}
        for name in PAGES:
            page.goto(f"{address}/{name}.html")
            page.wait_for_function("document.fonts.ready.then(() => true)")
            page.wait_for_function("!document.documentElement.classList.contains('sections-later')")
            seen |= {f"{name}: {key}": parts for key, parts in page.evaluate(STYLES).items()}
        assert trouble == []
        looks.append(seen)
    assert looks[0].keys() == looks[1].keys()
    assert len(looks[0]) > 400
    found = [
        f"{key}: {name} is {value}, not {all_rules[name]}"
        for key, parts in looks[0].items()
        for part, all_rules in zip(parts, looks[1][key], strict=True)
        for name, value in part.items()
        if value != all_rules[name]
    ]
    assert found == []
