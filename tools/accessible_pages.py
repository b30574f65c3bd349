"""What the theme leaves out for those who hear its pages: names of the switches that open parts of the contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from sphinx.application import Sphinx


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme, which makes the contents at priority 500."""
    app.connect("html-page-context", _name_switches, priority=900)
    return {"parallel_read_safe": True}
