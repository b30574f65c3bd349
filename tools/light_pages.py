"""What makes the book's pages light: of the theme's fonts of icons, only the icons that its pages use.

The theme's three fonts hold 2,000 icons and weigh 300 kB; a page shows about ten. Each is cut down to what is in use
anywhere in the book and written to `_static/icons/`, which `course.css` names before the theme's own; that one is then
fetched only for an icon that the small one lacks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONTS = ("solid-900", "regular-400", "brands-400")


def icons_in_use(pages: str, stylesheet: str) -> set[int]:
    r"""Return the characters of the icons that pages name by class, and of those that the theme's rules draw.

    Examples
    --------
    >>> rules = r':root{--pst-icon-bell:"\f0f3"}.fa-cut:before,.fa-scissors:before{content:"\f0c4"}'
    >>> sorted(map(hex, icons_in_use('<i class="fa-solid fa-scissors"></i>', rules)))
    ['0xf0c4', '0xf0f3']
    """
    drawn = set(re.findall(r'--pst-icon-[\w-]+:"\\([0-9a-f]{4})"', stylesheet))
    named = set(re.findall(r"\bfa-[\w-]+", pages))
    for selectors, character in re.findall(r'([^{}]+)\{content:"\\([0-9a-f]{2,4}) ?"\}', stylesheet):
        if named.intersection(re.findall(r"\.(fa-[\w-]+):", selectors)):
            drawn.add(character)
    return {int(character, 16) for character in drawn}


def _cut_fonts(app: Sphinx, exception: Exception | None) -> None:
    """Write the small fonts beside the pages, once all of these are there."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.html") if "_static" not in path.parts)
    theme = (out / "_static" / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    used = icons_in_use(pages, theme)
    folder = out / "_static" / "icons"
    folder.mkdir(exist_ok=True)
    for name in FONTS:
        with TTFont(out / "_static" / "vendor" / "fontawesome" / "webfonts" / f"fa-{name}.ttf") as font:
            subsetter = Subsetter(Options(layout_features=[], hinting=False))
            subsetter.populate(unicodes=used)
            subsetter.subset(font)
            font.flavor = "woff"  # woff2 would need another package, for a kilobyte
            font.save(folder / f"{name}.woff")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _cut_fonts)
    return {"parallel_read_safe": True}
