"""Formulas are set by the build: each with the TeX that it came from, and none that cannot be read."""

import io
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))


def built(folder: Path, text: str) -> tuple[BeautifulSoup, str]:
    """Build one page; return it, and what the build warned of."""
    (folder / "index.md").write_text(text, encoding="utf-8")
    said = io.StringIO()
    settings = {
        "extensions": ["myst_parser", "formulas"],
        "myst_enable_extensions": ["amsmath", "dollarmath"],
        "html_math_renderer": "formulas",
    }
    with docutils_namespace():
        app = Sphinx(folder, None, folder / "html", folder / "trees", "html", settings, status=None, warning=said)
        app.build()
    page = (folder / "html" / "index.html").read_text(encoding="utf-8")
    return BeautifulSoup(page, "html.parser"), said.getvalue()


def test_inline_displayed_and_numbered_formulas_keep_their_tex(tmp_path):
    page, said = built(
        tmp_path,
        "# Title\n\nIf $a < b$, then\n\n$$\\sigma(x) = \\frac{1}{1 + e^{-x}}$$ (curve)\n\nsee {eq}`curve`.\n\n"
        "\\begin{align}\nx &= 1 \\\\\ny &= 2\n\\end{align}\n",
    )
    assert said == ""
    formulas = page.select(".math")
    tex = [formula.find("annotation", encoding="application/x-tex").string.strip() for formula in formulas]
    assert tex[:2] == ["a < b", "\\sigma(x) = \\frac{1}{1 + e^{-x}}"]
    assert "\\begin{align}" in tex[2]
    assert [len(formula.select(".katex-display")) for formula in formulas] == [0, 1, 1]
    assert page.select_one("#equation-curve .eqno").get_text().startswith("(1)")
    assert page.select_one('a[href="#equation-curve"]') is not None


@pytest.mark.parametrize("tex", ["\\frac{1}", "x^{2", "\\unknown{x}"])
def test_a_formula_that_cannot_be_read_is_a_warning_that_says_where(tmp_path, tex):
    page, said = built(tmp_path, f"# Title\n\nHere is ${tex}$.\n")
    assert "index.md:3" in said
    assert "a formula cannot be set: " in said
    assert page.select_one(".math code").get_text() == tex
