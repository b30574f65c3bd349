"""What makes the book's pages light, and ready soon.

The theme brings Bootstrap's rules of style for whatever a site may show, and those of 2,000 icons, which it loads as
fonts of up to 156 kB. Once the pages are written, rules that no page can use are taken out of its stylesheets, and the
fonts cut down to the icons that are left. Words of code without a colour of their own are no elements. Sections far
from the window are laid out later (course.css, course.js), so the theme's script may not measure every box of a page at
its start. What an explorable needs is fetched with its page: styles at once, modules after all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinycss2
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = ("solid-900", "regular-400", "brands-400")
STYLESHEETS = ("styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css", "sphinx-design.min.css")
_NAMES = re.compile(r'\b(?:class|id)="([^"]*)"')
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_ESCAPED = re.compile(r'"\\([0-9a-f]{2,5}) ?"')
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")
# Names, punctuation and spaces have the colour of text in both themes.
_PLAIN_INK = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')
_EXPLORABLE = re.compile(r'<figure class="explorable[^>]* id="explore-(\w+)"')
_IMPORTED = re.compile(r'from "\./(\w+)\.js"')
# Only where the reader comes to the top of a page: a browser that returns to a place, or looks for one, needs the true
# heights of what is above. And only where text holds still on the screen while something above it grows.
SECTIONS_LATER = """if (!location.hash && performance.getEntriesByType("navigation")[0]?.type === "navigate"
  && CSS.supports("overflow-anchor", "auto")) document.documentElement.classList.add("sections-later");"""
_MEASURES_BOXES = re.compile(r'"complete"===document\.readyState\?(\w+)\(\):window\.addEventListener\("load",\1\)')
_LEFT_TO_COURSE_JS = '"measured by course.js"'


def without_unused_rules(stylesheet: str, used: Iterable[str]) -> str:
    """Return a stylesheet without the rules for classes and ids that are not in use.

    Parameters
    ----------
    stylesheet : str
        Of the theme.
    used : iterable of str
        Classes and ids. One that ends in a hyphen stands for all that begin so: a script puts the end to it.

    Examples
    --------
    >>> rules = "a{color:red} .card,.menu:not(.shut) a{margin:0} @media print{#top{float:left}} .bs-arrow{top:0}"
    >>> without_unused_rules(rules, {"menu", "bs-"})
    'a{color:red}.menu:not(.shut) a{margin:0}.bs-arrow{top:0}'
    """
    used = set(used)
    rules = tinycss2.parse_stylesheet(stylesheet, skip_comments=True, skip_whitespace=True)
    return "".join(_kept(rules, used, tuple(name for name in used if name.endswith("-"))))


def _kept(rules: list[Any], used: set[str], beginnings: tuple[str, ...]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [
                tinycss2.serialize(selector).strip()
                for selector in _selectors(rule.prelude)
                if all(name in used or name.startswith(beginnings) for name in _names(selector))
            ]
            if selectors:
                yield f"{','.join(selectors)}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if kept := "".join(_kept(inner, used, beginnings)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{kept}}}"
        else:
            yield rule.serialize()


def _selectors(prelude: list[Any]) -> Iterator[list[Any]]:
    """Split what stands before a rule's braces at its commas."""
    selector: list[Any] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def _names(selector: list[Any]) -> Iterator[str]:
    """Return the classes and ids that an element needs, or one around it: not those inside of `:not()` and its like."""
    for before, token in pairwise([None, *selector]):
        if token.type == "hash" or (token.type == "ident" and before == "."):
            yield token.value


def _cut_styles(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    used: set[str] = set()
    for page in site.rglob("*.html"):
        if static not in page.parents:
            for names in _NAMES.findall(page.read_text(encoding="utf-8")):
                used.update(names.split())
    for script in static.rglob("*.js"):
        if script.name != "fontawesome.js":  # which names all icons, and which no page loads
            used.update(_WORD.findall(script.read_text(encoding="utf-8")))
    for name in STYLESHEETS:
        stylesheet = (static / name).read_text(encoding="utf-8")
        (static / name).write_text(without_unused_rules(stylesheet, used), encoding="utf-8")
    _cut_icons(static)


def _cut_icons(static: Path) -> None:
    path = static / STYLESHEETS[0]
    stylesheet = path.read_text(encoding="utf-8")
    (static / "icons").mkdir(exist_ok=True)
    for name in FONTS:
        stylesheet = _point_to_ours(stylesheet, name)
    path.write_text(stylesheet, encoding="utf-8")
    rules = "".join(style.read_text(encoding="utf-8") for style in static.rglob("*.css"))
    drawn = {int(character, 16) for character in _ESCAPED.findall(rules)} | {
        ord(c) for c in _PRIVATE_USE.findall(rules)
    }
    for name in FONTS:
        with TTFont(static / "vendor" / "fontawesome" / "webfonts" / f"fa-{name}.ttf") as font:
            subsetter = Subsetter(Options(layout_features=[], hinting=False))
            subsetter.populate(unicodes=drawn)
            subsetter.subset(font)
            font.flavor = "woff"  # woff2 needs another package, and saves nothing at this size
            font.save(static / "icons" / f"fa-{name}.woff")


def _point_to_ours(stylesheet: str, name: str) -> str:
    theirs, ours = f"url(../vendor/fontawesome/webfonts/fa-{name}", f'url(../icons/fa-{name}.woff) format("woff")'
    stylesheet = stylesheet.replace(f'{theirs}.woff2) format("woff2"),{theirs}.ttf) format("truetype")', ours)
    if ours not in stylesheet:
        raise ExtensionError(f"no rule of the theme loads fa-{name}.woff2: mend tools/light_pages.py")
    return stylesheet


def in_plain_ink(body: str) -> str:
    """Return a page's text without elements around words of code that have the colour of text.

    Examples
    --------
    >>> in_plain_ink('<pre><span class="k">return</span> <span class="n">x</span></pre>')
    '<pre><span class="k">return</span> x</pre>'
    """
    return _PLAIN_INK.sub(r"\1", body)


def modules(name: str, folder: Path) -> list[str]:
    """Return the names of a module of the explorables and of all that it imports, each once."""
    found = [name]
    for module in found:
        source = (folder / f"{module}.js").read_text(encoding="utf-8")
        found += [other for other in _IMPORTED.findall(source) if other not in found]
    return found


def _lighten(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    body = context["body"] = in_plain_ink(context.get("body", ""))
    folder = Path(app.confdir) / "book" / "_static" / "explore"
    if names := _EXPLORABLE.findall(body):
        app.add_css_file("explore/explore.css")  # to this page alone
    for module in dict.fromkeys(m for name in names for m in modules(name, folder)):
        address = context["pathto"](f"_static/explore/{module}.js", resource=True)
        context["metatags"] += f'<link rel="modulepreload" fetchpriority="low" href="{address}" />\n'


def _leave_boxes_unmeasured(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    path = Path(app.outdir) / "_static" / "scripts" / "pydata-sphinx-theme.js"
    script = _MEASURES_BOXES.sub(_LEFT_TO_COURSE_JS, path.read_text(encoding="utf-8"))
    if _LEFT_TO_COURSE_JS not in script:
        raise ExtensionError("the theme's script measures boxes in another way: mend tools/light_pages.py")
    path.write_text(script, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_js_file(None, body=SECTIONS_LATER)
    app.connect("html-page-context", _lighten)
    app.connect("build-finished", _cut_styles)
    app.connect("build-finished", _leave_boxes_unmeasured)
    return {"parallel_read_safe": True}
