"""What the theme and Sphinx leave out for those who hear the pages; a picture without words is a warning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)


def _name_switches(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Name each switch by the page whose sections it opens."""
    contents = context.get("generate_toctree_html")
    if contents is None:
        return

    def named(**options: Any) -> BeautifulSoup | str:
        soup = contents(**options)
        for switch in soup.select("li > details > summary") if isinstance(soup, BeautifulSoup) else ():
            switch["aria-label"] = f"Pages of {switch.parent.parent.a.get_text(strip=True)}"
        return soup

    context["generate_toctree_html"] = named


def mended(body: str) -> str:
    """Return a page's text with roles that are still in use, and without headings of tables that say nothing.

    Sphinx marks an entry of a bibliography with a role that ARIA 1.3 has given up (DPUB-ARIA 1.1, doc-biblioentry): it
    is an item of the list it stands in. An empty corner of a table is no heading.

    Examples
    --------
    >>> mended('<div role="doc-biblioentry">Han</div><table><th class="head"><p></p></th><th>x</th></table>')
    '<div role="listitem">Han</div><table><td class="head"></td><th>x</th></table>'
    """
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    return re.sub(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td\1></td>", body)


def wordless(body: str) -> list[str]:
    """Return the pictures of a page that say nothing to those who do not see them.

    Where an author writes no alternative text, Sphinx puts the path of the file in its place.

    Examples
    --------
    >>> wordless('<img src="a.png"/> <img src="a.png" alt="_images/a.png"/> <img src="a.png" alt="A rising curve"/>')
    ['<img src="a.png"/>', '<img src="a.png" alt="_images/a.png"/>']
    """
    pictures = re.findall(r"<img\b[^>]*>", body)
    return [tag for tag in pictures if not re.search(r'\balt="(?![^"]*\.(?:png|svg|jpe?g|gif|webp)")[^"]*\w', tag)]


def _mend(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    body = context.get("body", "")
    for tag in wordless(body):
        logger.warning("a picture without alternative text: write what is seen in it: %s", tag, location=pagename)
    context["body"] = mended(body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme, which makes the contents at priority 500."""
    app.connect("html-page-context", _name_switches, priority=900)
    app.connect("html-page-context", _mend)
    return {"parallel_read_safe": True}
