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
                return [...style].map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; ");
            }));
    }
    return Object.fromEntries(seen);
}"""
PAGES = ["book/01_curve", "book/07_activations", "book/reference/glossary", "book/reference/api/losses", "search"]


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
            page.evaluate("document.fonts.ready")
            seen |= {f"{name}: {key}": parts for key, parts in page.evaluate(STYLES).items()}
        assert trouble == []
        looks.append(seen)
    assert looks[0].keys() == looks[1].keys()
    assert len(looks[0]) > 500
    assert [key for key in looks[0] if looks[0][key] != looks[1][key]] == []
