"""What makes the book's pages light, and ready soon.

The theme brings Bootstrap's rules of style for whatever a site may show, and those of 2,000 icons, which it loads as
fonts of up to 156 kB. Once the pages are written, the ten stylesheets that each of them loads are made one, without the
rules that no page can use, and their nine scripts one; the fonts are cut down to the icons that are left. No page
waits for its pictures, which have their room from the start. Words of code without a colour of their own are no
elements. What is far from the window is laid out later (course.css, course.js), so the theme's script may not measure
every box of a page at its start. What an explorable needs is fetched with its page: styles at once, modules after all
else.
"""

from __future__ import annotations

import hashlib
import logging
import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinycss2
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = ("solid-900", "regular-400", "brands-400")
# What every page loads, in this order; the first stylesheet through styles/theme.css, which has nothing else.
STYLESHEETS = (
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "togglebutton.css",
    "copybutton.css",
    "mystnb.*.css",
    "sphinx-design.min.css",
    "katex/katex.min.css",
    "course.css",
)
SCRIPTS = (
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "togglebutton.js",
    "design-tabs.js",
    "scripts/bootstrap.js",
    "scripts/pydata-sphinx-theme.js",
)
OPTIONS = "documentation_options.js"  # which lines in every page add to: too short to be fetched
_NAMES = re.compile(r'\b(?:class|id)="([^"]*)"')
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_ADDRESS = re.compile(r"""url\(["']?(?!["']?(?:data:|#))([^"')]+)["']?\)""")
_PICTURE = re.compile(r'<img (?![^>]*\b(?:loading|width|height)=)[^>]*src="([^":]*_images/[^"]*\.png)"[^>]*>')
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


def stylesheet(static: Path) -> str:
    """Return all rules of style that a page loads, with addresses as from the folder of static files."""
    return "".join(_with_addresses(path, static) for pattern in STYLESHEETS for path in [_only(static, pattern)])


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise ExtensionError(f"{len(found)} files are {pattern} in {folder}, not one: mend tools/light_pages.py")
    return found[0]


def _with_addresses(path: Path, static: Path) -> str:
    folder = path.relative_to(static).parent.as_posix()
    rules = path.read_text(encoding="utf-8")
    return _ADDRESS.sub(lambda found: f"url({posixpath.normpath(posixpath.join(folder, found[1]))})", rules)


def _script(static: Path) -> str:
    """Return all scripts that a page loads, as one."""
    scripts = [(static / name).read_text(encoding="utf-8") for name in SCRIPTS]
    scripts[-1] = _MEASURES_BOXES.sub(_LEFT_TO_COURSE_JS, scripts[-1])
    if _LEFT_TO_COURSE_JS not in scripts[-1]:
        raise ExtensionError("the theme's script measures boxes in another way: mend tools/light_pages.py")
    return "".join(f";\n{script}" for script in scripts)  # with "use strict" first, it would hold for all of them


def _cut_icons(rules: str, static: Path) -> str:
    """Write fonts of the icons that rules of style draw; return the rules with the fonts' addresses."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # Jupyter Book shows what anybody notes
    (static / "icons").mkdir(exist_ok=True)
    drawn = {int(character, 16) for character in _ESCAPED.findall(rules)} | {
        ord(c) for c in _PRIVATE_USE.findall(rules)
    }
    for name in FONTS:
        theirs, ours = f"url(vendor/fontawesome/webfonts/fa-{name}", f'url(icons/fa-{name}.woff) format("woff")'
        rules = rules.replace(f'{theirs}.woff2) format("woff2"),{theirs}.ttf) format("truetype")', ours)
        if ours not in rules:
            raise ExtensionError(f"no rule of the theme loads fa-{name}.woff2: mend tools/light_pages.py")
        with TTFont(static / "vendor" / "fontawesome" / "webfonts" / f"fa-{name}.ttf") as font:
            subsetter = Subsetter(Options(layout_features=[], hinting=False))
            subsetter.populate(unicodes=drawn)
            subsetter.subset(font)
            font.flavor = "woff"  # woff2 needs another package, and saves nothing at this size
            font.save(static / "icons" / f"fa-{name}.woff")
    return rules


def _join(app: Sphinx, exception: Exception | None) -> None:
    """Write one stylesheet and one script for all pages, and have the pages load these."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html") if static not in page.parents}
    used: set[str] = set()
    for text in pages.values():
        for names in _NAMES.findall(text):
            used.update(names.split())
    for script in static.rglob("*.js"):
        if script.name != "fontawesome.js":  # which names all icons, and which no page loads
            used.update(_WORD.findall(script.read_text(encoding="utf-8")))
    joined = {
        "book.css": _cut_icons(without_unused_rules(stylesheet(static), used), static),
        "book.js": _script(static),
    }
    versions = {}
    for name, content in joined.items():
        (static / name).write_text(content, encoding="utf-8")
        versions[name] = f"_static/{name}?v={hashlib.sha256(content.encode()).hexdigest()[:8]}"
    options = (static / OPTIONS).read_text(encoding="utf-8")
    for page, text in pages.items():
        lighter = _with_sizes(_loading(text, versions, options), page.parent)
        if lighter != text:
            page.write_text(lighter, encoding="utf-8")


def _loading(page: str, versions: dict[str, str], options: str) -> str:
    """Return a page that loads one stylesheet and one script where it loaded each by itself."""
    for address in versions.values():  # a page from an earlier build
        page = re.sub(rf"{re.escape(address.partition('?')[0])}\?v=\w+", address, page)
    if not (to_static := re.search(r'href="([./]*)_static/styles/theme\.css', page)):
        return page
    for name in ("styles/theme.css", *STYLESHEETS[1:], *SCRIPTS):
        page = _replace(name, "", page)
    page = _replace(OPTIONS, f"<script>{options}</script>", page)
    page = re.sub(r'<script (src="[^"]*(?:searchtools|language_data|searchindex)\.js")', r"<script defer \1", page)
    style, script = (to_static[1] + versions[name] for name in ("book.css", "book.js"))
    return page.replace(
        "</title>",
        f'</title>\n<link rel="stylesheet" href="{style}" />\n<script defer src="{script}"></script>',
        1,
    )


def _replace(name: str, instead: str, page: str) -> str:
    """Return a page with something else for the element that loads a file."""
    file = re.escape(name).replace(r"\*", r"\w*")
    page, count = re.subn(rf'<(?:link|script)\b[^>]*/{file}[?"][^>]*>(?:</script>)?', lambda _: instead, page)
    if not count:
        raise ExtensionError(f"a page does not load {name}: mend tools/light_pages.py")
    return page


def _with_sizes(page: str, folder: Path) -> str:
    """Return a page that does not wait for its pictures, and keeps their room."""

    def later(found: re.Match[str]) -> str:
        with Image.open(folder / found[1]) as picture:
            width, height = picture.size
        return f'<img loading="lazy" width="{width}" height="{height}"{found[0][4:]}'

    return _PICTURE.sub(later, page)


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_js_file(None, body=SECTIONS_LATER)
    app.connect("html-page-context", _lighten)
    app.connect("build-finished", _join, priority=900)  # after the theme, which writes pygments.css then
    return {"parallel_read_safe": True}
