"""Sphinx extension: KaTeX sets the formulas when the book is built, in V8, so that a page needs no script for them.

Formulas are there where scripts are off, a page is ready sooner, and a formula that KaTeX cannot read fails the build.
The script is the one that sphinxcontrib-katex brings; the stylesheet and fonts, of its version, are the book's own.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinxcontrib import katex

_log = logging.getLogger(__name__)


@functools.cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval(Path(katex.__file__).with_name("katex.min.js").read_text(encoding="utf-8"))
    return engine


@functools.cache
def rendered(tex: str, *, display: bool = False) -> str:
    r"""Return a formula as HTML, with MathML in it for who hears it.

    Raises
    ------
    JSEvalException
        KaTeX cannot read it; the message says where.

    Examples
    --------
    >>> "<math" in rendered(r"\sigma(x)")
    True
    """
    html: str = _engine().call("katex.renderToString", tex, {"displayMode": display})
    return html


def _set(translator: Any, node: nodes.Element, *, display: bool) -> str:
    try:
        return rendered(node.astext(), display=display)
    except JSEvalException as error:
        said = next((line for line in str(error).splitlines() if "KaTeX" in line), str(error))
        _log.warning("a formula cannot be set: %s", said.rpartition("KaTeX parse error: ")[2], location=node)
        return f"<code>{translator.encode(node.astext())}</code>"


def _visit_math(translator: Any, node: nodes.math) -> None:
    html = _set(translator, node, display=False)
    translator.body.append(f"{translator.starttag(node, 'span', '', CLASS='math notranslate')}{html}</span>")
    raise nodes.SkipNode


def _visit_math_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(f"{_set(translator, node, display=True)}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer, to be named as `html_math_renderer`."""
    app.add_html_math_renderer("formulas", (_visit_math, None), (_visit_math_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
