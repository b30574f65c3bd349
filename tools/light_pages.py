"""What makes the book's pages light, and ready soon.

The theme's stylesheet names 2,000 icons and loads them as fonts of up to 156 kB; the whole book shows about thirty.
Once the pages are written, the rules of other icons are taken out of the stylesheet, and the fonts cut down to those
that are left. Words of code without a colour of their own are no elements. Sections far from the window are laid out
later (course.css, course.js), so the theme's script may not measure every box of a page at its start. The modules of an
explorable are fetched with its page, after what the page itself needs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = ("solid-900", "regular-400", "brands-400")
_ICON_RULE = re.compile(r'((?:\.fa-[\w-]+::?before,?)+)\{content:"[^"]+"\}')
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


def without_other_icons(stylesheet: str, used: set[str]) -> str:
    r"""Return the stylesheet without the rules of icons that are not in use.

    Parameters
    ----------
    stylesheet : str
        Font Awesome's, minified.
    used : set of str
        Classes of icons, such as "fa-download". Icons that other rules draw stay.

    Examples
    --------
    >>> rules = r'.a{--bell:"\f0f3"}.fa-bell:before{content:"\f0f3"}.fa-cut:before,.fa-scissors:before{content:"\f0c4"}'
    >>> without_other_icons(rules, {"fa-scissors"})
    '.a{--bell:"\\f0f3"}.fa-cut:before,.fa-scissors:before{content:"\\f0c4"}'
    """
    return _ICON_RULE.sub(lambda rule: rule[0] if used & set(re.findall(r"fa-[\w-]+", rule[1])) else "", stylesheet)


def _cut_icons(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    pages = (path for path in Path(app.outdir).rglob("*.html") if static not in path.parents)
    used = {name for page in pages for name in re.findall(r"\bfa-[\w-]+", page.read_text(encoding="utf-8"))}
    path = static / "styles" / "pydata-sphinx-theme.css"
    stylesheet = without_other_icons(path.read_text(encoding="utf-8"), used)
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
    for module in dict.fromkeys(m for name in _EXPLORABLE.findall(body) for m in modules(name, folder)):
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
    app.connect("build-finished", _cut_icons)
    app.connect("build-finished", _leave_boxes_unmeasured)
    return {"parallel_read_safe": True}
