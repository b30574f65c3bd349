"""What makes the book's pages light: of the theme's icons, only those that its pages use.

The theme's stylesheet names 2,000 icons and loads them as fonts of up to 156 kB; the whole book shows about thirty.
Once the pages are written, the rules of other icons are taken out of the stylesheet, and the fonts cut down to those
that are left.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = ("solid-900", "regular-400", "brands-400")
_ICON_RULE = re.compile(r'((?:\.fa-[\w-]+::?before,?)+)\{content:"[^"]+"\}')
_ESCAPED = re.compile(r'"\\([0-9a-f]{2,5}) ?"')
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _cut_icons)
    return {"parallel_read_safe": True}
