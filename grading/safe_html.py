"""Text that a student wrote, as HTML that does nothing: for feedback pages, and for nbgrader's formgrader.

A browser runs what an answer says if it may: a script, a handler, a form, a style that covers the page. nbconvert's
`sanitize_html` leaves the Markdown cells of nbgrader's own templates as they are, and formgrader shows them at the
address of the instructor's Jupyter server. So Markdown and HTML are cut down here to what a text needs. Formulas become
MathML, which browsers draw by themselves: no script has to be on the page, and nothing is fetched.
"""

from __future__ import annotations

import functools
import html as entities
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import bleach
import nbgrader
from bleach.html5lib_shim import Filter
from bs4 import BeautifulSoup
from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A page of text: nothing that loads, runs, or takes part in the page's layout.
TAGS = _words(
    "a b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strong sub sup"
    " table tbody td tfoot th thead tr u ul"
)
MATHML_TAGS = _words(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub"
    " msubsup msup mtable mtd mtext mtr munder munderover none"
)
MATHML_ATTRIBUTES = _words(
    "accent accentunder columnalign columnspacing display displaystyle fence form linethickness lspace mathvariant"
    " maxsize minsize movablelimits rowspacing rspace scriptlevel separator stretchy width"
)
# What latex2mathml would set on one line, as environments that it knows the rows of.
_ROWS = {"aligned": "split", "gathered": "matrix", "gather": "matrix", "gather*": "matrix"}

LONGEST_FORMULA = 5_000  # characters
LONGEST_HTML = 200_000

# Stands for a formula while the text around it is cleaned. Nobody who writes an answer can know it.
_PLACE = secrets.token_hex(16)


@functools.lru_cache(maxsize=1024)
def markdown(source: str) -> Markup:
    r"""Return Markdown as harmless HTML, formulas as MathML.

    Examples
    --------
    >>> markdown("It is $x$.<script>alert(1)</script>")
    Markup('<p>It is <math display="inline"><mrow><mi>x</mi></mrow></math>.</p>\n')
    """
    renderer = _Renderer()
    text = MarkdownWithMath(renderer=renderer).render(source)
    return Markup(re.sub(_PLACE + r"(\d+);", lambda found: renderer.formulas[int(found[1])], _clean(text)))


def html(source: Any) -> Markup:
    """Return HTML, as an output of student code, without anything that a browser would run or fetch.

    Examples
    --------
    >>> html('<table onclick="go()"><tr><td style="position: fixed">1</td></tr></table>')
    Markup('<table><tbody><tr><td>1</td></tr></tbody></table>')
    """
    text = source.decode() if isinstance(source, bytes) else str(source)
    if len(text) > LONGEST_HTML:
        return Markup("<p>{} characters of HTML are left out.</p>").format(len(text))
    return Markup(_clean(text))


def formula(tex: str, display: bool) -> Markup:
    r"""Return a formula as MathML, or its TeX as code where it cannot be read.

    Examples
    --------
    >>> formula(r"\frac12", display=False)
    Markup('<math display="inline"><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac></mrow></math>')
    >>> formula(r"\frac{1}{", display=False)
    Markup('<code>\\frac{1}{</code>')
    """
    try:
        if len(tex) > LONGEST_FORMULA:
            raise ValueError("it is too long")
        known = re.sub(r"\\(begin|end)\{(.*?)\}", lambda m: rf"\{m[1]}{{{_ROWS.get(m[2], m[2])}}}", tex)
        return _mathml(convert_to_element(known, xmlns="", display="block" if display else "inline"))
    except Exception:  # latex2mathml raises what it likes, IndexError and RecursionError among it
        return Markup("<code>{}</code>").format(tex)


@functools.lru_cache(maxsize=1024)
def python(source: str) -> Markup:
    """Return Python code with its parts marked for colours, to stand in a `pre`."""
    return Markup(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))


#: nbconvert's options for formgrader: its pages show text as the functions here do, and need nothing from elsewhere.
FORMGRADER = {
    "sanitize_html": True,
    "filters": {"markdown2html": markdown, "clean_html": html},
    "extra_template_basedirs": [
        str(Path(__file__).parent / "templates"),
        str(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"),
    ],
}


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    """Renders Markdown with placeholders for formulas, which are kept apart."""

    def __init__(self) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self.formulas: list[Markup] = []

    def _keep(self, tex: str, display: bool) -> str:
        self.formulas.append(formula(tex, display))
        return f"{_PLACE}{len(self.formulas) - 1};"

    def inline_math(self, body: str) -> str:
        return self._keep(body, display=False)

    def block_math(self, body: str) -> str:
        return self._keep(body, display=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._keep(rf"\begin{{{name}}}{body}\end{{{name}}}", display=True)

    def _embed_image_or_attachment(self, src: str) -> str:
        return src  # a submission's attachments are not taken over; without this, asking for one is an error


def _mathml(element: Element) -> Markup:
    r"""Write MathML, and only MathML: latex2mathml would let `\text` and `\href` bring in HTML."""
    if element.tag not in MATHML_TAGS:
        raise ValueError(f"unknown element {element.tag}")
    kept = [(k, v) for k, v in element.attrib.items() if k in MATHML_ATTRIBUTES]
    attributes = Markup("").join(Markup(' {}="{}"').format(k, entities.unescape(v)) for k, v in kept)
    inside = escape(entities.unescape(element.text or ""))
    for child in element:
        inside += _mathml(child) + escape(entities.unescape(child.tail or ""))
    return Markup("<{0}{1}>{2}</{0}>").format(element.tag, attributes, inside)


def _clean(text: str) -> str:
    # A parser reads the text first, so that what scripts and styles hold goes with them.
    soup = BeautifulSoup(text, "html.parser") if re.search("<(script|style)", text, re.IGNORECASE) else None
    if soup is not None:
        for element in soup(["script", "style"]):
            element.decompose()
        text = str(soup)
    cleaned: str = _cleaner().clean(text)
    return cleaned


@functools.cache
def _cleaner() -> bleach.Cleaner:
    protocols = {"http", "https", "mailto", "data"}
    return bleach.Cleaner(TAGS, _is_harmless, protocols=protocols, strip=True, filters=[_WithoutEmptyImages])


class _WithoutEmptyImages(Filter):  # type: ignore[misc]
    """Leaves out images whose source was not harmless: a browser would show them as broken."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (t for t in super().__iter__() if t.get("name") != "img" or (None, "src") in t["data"])


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if _PLACE in value:
        return False
    match tag, name:
        case "a", "href":
            return not value.strip().lower().startswith("data:")
        case "img", "src":
            return re.match(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,", value) is not None
        case "img", "alt":
            return True
        case ("td" | "th", "colspan" | "rowspan") | ("ol", "start"):
            return re.fullmatch(r"\d{1,3}", value) is not None
        case "span" | "div", "class":
            return re.fullmatch(r"highlight|[a-z]{1,2}\d?", value) is not None  # Pygments' names
        case _:
            return False
