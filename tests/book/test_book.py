"""The book builds, stands on its own without a network, and says nothing that its cells did not compute."""

import base64
import io
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from grading.cli import _parser

from .conftest import load_tool

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
CHAPTERS = sorted(BOOK.glob("[0-9][0-9]_*.ipynb"))
BY_NAME = {"argvalues": CHAPTERS, "ids": [path.stem for path in CHAPTERS]}


notebooks = load_tool("notebooks")


def prose(path):
    """The chapter's words: markdown cells, and captions and alt texts of figures."""
    nb = nbformat.read(path, as_version=4)
    return [cell.source for cell in nb.cells if cell.cell_type == "markdown"]


# --- The built site ---------------------------------------------------------------------------------------------------


def test_every_chapter_and_the_front_and_back_matter_have_a_page(pages):
    expected = {f"book/{path.stem}.html" for path in CHAPTERS}
    expected |= {"book/intro.html", "book/bibliography.html", "book/teach/guide.html"}
    assert expected <= set(pages)


@pytest.mark.parametrize("path", [ROOT / "README.md", BOOK / "teach/guide.md"], ids=lambda path: path.stem)
def test_the_grading_commands_that_instructors_read_exist(path):
    blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    commands = re.findall(r"python -m grading (.+)", "\n".join(blocks))
    assert len(commands) >= 6
    for command in commands:
        assert callable(_parser().parse_args(shlex.split(command, comments=True)).run)


def test_no_page_asks_another_host_for_anything(pages):
    wanted = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
    found = [
        (name, str(tag)[:120])
        for name, soup in pages.items()
        for kind, attribute in wanted.items()
        for tag in soup.find_all(kind)
        if re.match(r"(https?:)?//", tag.get(attribute, "")) and "license" not in tag.get("rel", [])
    ]
    assert found == []


def test_no_inline_script_names_another_host(pages):
    found = [
        (name, match)
        for name, soup in pages.items()
        for script in soup.find_all("script")
        for match in re.findall(r"https?://[^\s\"']+", script.string or "")
    ]
    assert found == []


def test_no_stylesheet_asks_another_host_for_anything(site):
    asks = re.compile(r"(?:@import\s+[\"']?|url\(\s*[\"']?)(?:https?:)?//[^\s\"')]+")
    found = [
        (path.name, match)
        for path in site.rglob("*.css")
        for match in asks.findall(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_every_local_script_stylesheet_and_image_is_there(site, pages):
    missing = []
    for name, soup in pages.items():
        links = [tag.get("src") for tag in soup.find_all(["script", "img"])]
        links += [tag.get("href") for tag in soup.find_all("link", rel=["stylesheet", "icon"])]
        for link in filter(None, links):
            target = (site / name).parent / link.split("?")[0].split("#")[0]
            if not link.startswith("data:") and not target.exists():
                missing.append((name, link))
    assert missing == []


def test_maths_is_rendered_by_the_katex_that_comes_with_the_book(site, pages):
    from sphinxcontrib.katex import katex_version

    stylesheet = (site / "_static" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    assert f'content:"{katex_version}"' in stylesheet
    fonts = re.findall(r"url\(([^)]+)\)", stylesheet)
    assert fonts
    assert [font for font in fonts if not (site / "_static" / "katex" / font).is_file()] == []
    scripts = {
        Path(tag["src"].split("?")[0]).name for page in pages.values() for tag in page.find_all("script", src=True)
    }
    assert not any(name in script.lower() for script in scripts for name in ("mathjax", "katex"))
    formulas = [formula for page in pages.values() for formula in page.select(".math")]
    assert len(formulas) > 1500
    assert [str(formula) for formula in formulas if len(formula.select(".katex-html")) != 1] == []


@pytest.mark.parametrize("path", **BY_NAME)
def test_every_figure_has_a_caption_a_label_and_an_alt_text_that_says_what_is_seen(path, pages):
    page = pages[f"book/{path.stem}.html"]
    drawn = 0
    for cell in nbformat.read(path, as_version=4).cells:
        if not any(mime.startswith("image/") for out in cell.get("outputs", []) for mime in out.get("data", {})):
            continue
        drawn += 1
        about = cell.metadata.get("mystnb", {})
        name, alt = about.get("figure", {}).get("name"), about.get("image", {}).get("alt", "")
        assert name, cell.source
        assert len(alt.split()) >= 12, f"{name}: the alt text says too little"
        figure = page.find("figure", id=name)
        assert figure is not None, name
        assert [img["alt"] for img in figure.find_all("img")] == [" ".join(alt.split())]
        assert len(figure.find("figcaption").get_text(" ", strip=True).split()) >= 10, name
    assert drawn >= 1
    pictures = page.find("article").find_all("img")
    stills = page.select("figure.explorable > img")  # tests/browser/test_explore.py looks at these
    assert len(pictures) == drawn + len(stills)
    assert not [img["src"] for img in pictures if img.get("alt", "").endswith(".png")]


@pytest.mark.parametrize("path", **BY_NAME)
def test_every_equation_that_is_referred_to_has_a_number(path, pages):
    page = pages[f"book/{path.stem}.html"]
    labels = {label for text in prose(path) for label in re.findall(r"\{eq\}`([^`]+)`", text)}
    numbered = {div["id"].removeprefix("equation-") for div in page.find_all("div", class_="math", id=True)}
    assert labels <= numbered
    assert not page.find_all(string=re.compile(r"\{(eq|numref|cite|term|doc)"))


# --- Sources ----------------------------------------------------------------------------------------------------------


def test_every_citation_resolves_and_every_source_is_cited(pages):
    bib = (BOOK / "references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+\{([^,]+),", bib, flags=re.MULTILINE))
    text = [t for path in CHAPTERS for t in prose(path)] + [p.read_text(encoding="utf-8") for p in BOOK.glob("*.md")]
    groups = [keys for t in text for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", t)]
    cited = {key.strip() for keys in groups for key in keys.split(",")}
    assert cited == known
    listed = pages["book/bibliography.html"].find_all("div", class_="citation")
    assert len(listed) == len(known)


# --- Notebooks as files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", **BY_NAME)
def test_chapters_are_in_canonical_form_and_were_executed_in_full(path):
    assert notebooks.is_canonical(path), f"run: python tools/notebooks.py {path.relative_to(ROOT)}"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.execution_count
            assert not [out for out in cell.outputs if out.output_type == "error" or out.get("name") == "stderr"]


@pytest.mark.parametrize("path", **BY_NAME)
def test_figures_are_compared_by_their_data(path):
    """A figure's plain text, which nbval compares, is what course_lib.plotting.describe says of it."""
    for cell in nbformat.read(path, as_version=4).cells:
        for out in cell.get("outputs", []):
            if "image/png" in out.get("data", {}):
                assert out.data["text/plain"].startswith("Figure "), cell.source
                assert "points" in out.data["text/plain"]


@pytest.mark.parametrize("path", **BY_NAME)
def test_closed_outputs_are_closed_in_jupyterlab_too(path):
    for cell in nbformat.read(path, as_version=4).cells:
        closed = "hide-output" in cell.metadata.get("tags", [])
        assert cell.metadata.get("jupyter", {}).get("outputs_hidden", False) == closed


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(%?)(?![\w])")


def _digits(number):
    """Significant digits of a number as written, trailing zeros of integers not counted."""
    mantissa = number.rstrip("%").split("e")[0]
    mantissa = mantissa.replace(".", "") if "." in mantissa else mantissa.rstrip("0")
    return max(1, len(mantissa.lstrip("0")))


def _rounded(value, digits):
    return 0.0 if value == 0 else round(value, digits - 1 - math.floor(math.log10(abs(value))))


@pytest.mark.parametrize("path", **BY_NAME)
def test_numbers_in_prose_were_computed_on_the_page(path):
    """Decimals, percentages and numbers above 100 (but years) stand in the source or the output of a cell."""
    nb = nbformat.read(path, as_version=4)
    computed = set()
    for cell in nb.cells:
        if cell.cell_type == "code":
            texts = [cell.source, *(out.get("text") or out.data.get("text/plain", "") for out in cell.outputs)]
            computed |= {float(match.group().rstrip("%")) for text in texts for match in NUMBER.finditer(text)}
    unknown = []
    for text in prose(path):
        plain = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\{[\w:]+\}`[^`]*`", " ", text, flags=re.DOTALL)
        for match in NUMBER.finditer(plain):
            number, percent = match.group(), match.group(1)
            value = float(number.rstrip("%"))
            if not (percent or "." in number or "e" in number or (value > 100 and not 1500 < value < 2100)):
                continue
            digits = _digits(number)
            if not any(math.isclose(_rounded(c * (100 if percent else 1), digits), value) for c in computed):
                unknown.append(number)
    assert unknown == []


def _nbval(path, library):
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", str(path), "-q", "-p", "no:cacheprovider", "--color=no"),
            *("--nbval-sanitize-with", str(ROOT / "tests" / "book" / "nbval_sanitize.cfg"), "--tb=line"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=300,
    )


def test_nbval_passes_on_chapter_1_and_fails_once_a_formula_is_broken(tmp_path):
    """The outputs on the page guard the library: a sigmoid that is off by a millionth turns the chapter red."""
    chapter = BOOK / "01_curve.ipynb"
    shutil.copytree(ROOT / "course_lib", tmp_path / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "course_lib" / "activations.py").open("a", encoding="utf-8") as file:
        file.write(
            "\n_true_sigmoid = sigmoid\n\n\ndef sigmoid(x, /, out=None):\n    return _true_sigmoid(x) * 1.000001\n"
        )
    with ThreadPoolExecutor() as pool:
        intact, broken = pool.map(_nbval, (chapter, chapter), (ROOT, tmp_path))
    assert intact.returncode == 0, intact.stdout[-3000:]
    assert broken.returncode == 1, broken.stdout[-3000:]
    assert int(re.search(r"(\d+) failed", broken.stdout).group(1)) >= 3


# --- tools/notebooks.py -----------------------------------------------------------------------------------------------


@pytest.fixture
def messy():
    """A notebook as an editor leaves it."""
    code = new_code_cell(
        "object()   \n\n",
        id="a1b2c3",
        execution_count=17,
        metadata={
            "execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"},
            "scrolled": True,
            "tags": ["b", "a"],
        },
        outputs=[
            new_output("stream", name="stdout", text="<object at 0x7f01>\n"),
            new_output("stream", name="stdout", text="more\n"),
            new_output("execute_result", data={"text/plain": "<object object at 0x7f02>"}, execution_count=17),
        ],
    )
    graded = new_code_cell("x = 1", id="zz", metadata={"nbgrader": {"grade_id": "stable_sigmoid", "solution": True}})
    return new_notebook(
        cells=[new_markdown_cell("words", id="w"), code, graded, new_markdown_cell("words", id="v"), new_code_cell("")],
        metadata={"kernelspec": {"name": "my-env", "display_name": "My env"}, "widgets": {}, "toc": {}},
    )


def test_canonical_makes_everything_regular(messy):
    nb = notebooks.canonical(messy)
    words, code, graded, again, empty = nb.cells
    assert nb.metadata == notebooks.NOTEBOOK_METADATA
    assert code.source == "object()"
    assert code.metadata == {"tags": ["a", "b"]}
    assert [cell.execution_count for cell in (code, graded, empty)] == [1, 2, None]
    assert code.outputs[0].text == "<object at 0x0>\nmore\n"
    assert code.outputs[1].data["text/plain"] == "<object object at 0x0>"
    assert code.outputs[1].execution_count == 1
    assert graded.id == "stable_sigmoid"
    assert again.id == f"{words.id}-2"
    nbformat.validate(nb)


def test_canonical_is_idempotent_and_leaves_its_argument_alone(messy):
    before = nbformat.writes(messy)
    once = notebooks.canonical(messy)
    assert nbformat.writes(messy) == before
    assert notebooks.dumps(notebooks.canonical(once)) == notebooks.dumps(once)


def test_figures_get_a_palette_and_look_as_before():
    figure = Figure(facecolor="none", dpi=200)
    axes = figure.add_subplot(facecolor="none")
    axes.plot(range(9), [x * x for x in range(9)], "C1--", label="a curve")
    axes.scatter(range(9), range(9), s=90, alpha=0.5)
    axes.legend()
    drawn = io.BytesIO()
    figure.savefig(drawn)
    output = new_output("display_data", data={"image/png": base64.b64encode(drawn.getvalue()).decode()})
    nb = notebooks.canonical(new_notebook(cells=[new_code_cell("figure", outputs=[output])]))
    stored = base64.b64decode(nb.cells[0].outputs[0].data["image/png"])
    assert len(stored) < 0.6 * len(drawn.getvalue())
    before, after = (Image.open(io.BytesIO(png)).convert("RGBA") for png in (drawn.getvalue(), stored))
    for paper in ("white", "black"):
        shown = [Image.alpha_composite(Image.new("RGBA", image.size, paper), image) for image in (before, after)]
        apart = np.abs(np.subtract(*[np.asarray(image, dtype=float) for image in shown]))
        assert apart.max() < 50
        assert (apart > 16).mean() < 0.01
    assert notebooks.dumps(notebooks.canonical(nb)) == notebooks.dumps(nb)


def test_ids_depend_on_what_cells_say_and_not_on_where_they_stand():
    one, two = new_code_cell("x = 1"), new_code_cell("x = 2")
    ids = [
        {cell.source: cell.id for cell in notebooks.canonical(new_notebook(cells=cells)).cells}
        for cells in ([one, two], [two, one])
    ]
    assert ids[0] == ids[1]


def test_a_notebook_that_was_not_executed_has_no_counters():
    nb = notebooks.canonical(new_notebook(cells=[new_code_cell("x = 1", execution_count=3)]))
    assert nb.cells[0].execution_count is None


def test_write_says_whether_the_file_changed(tmp_path, messy):
    path = tmp_path / "new" / "messy.ipynb"
    assert notebooks.write(path, messy)
    assert not notebooks.write(path, messy)
    assert path.read_bytes().endswith(b"}\n")
    assert notebooks.is_canonical(path)
    assert [p.name for p in path.parent.iterdir()] == ["messy.ipynb"]


def test_check_names_the_files_that_are_not_canonical(tmp_path, messy, capsys):
    good, bad = tmp_path / "good.ipynb", tmp_path / "bad.ipynb"
    notebooks.write(good, messy)
    nbformat.write(messy, bad)
    before = bad.read_bytes()
    assert notebooks.main(["--check", str(good)]) == 0
    assert notebooks.main(["--check", str(good), str(bad)]) == 1
    assert f"{bad}: not in canonical form" in capsys.readouterr().out
    assert bad.read_bytes() == before


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(SystemExit, match="2"):
        notebooks.main([str(tmp_path / "nowhere.ipynb")])


def test_execution_writes_outputs_once_and_a_failing_cell_writes_nothing(tmp_path, capsys):
    path = tmp_path / "chapter.ipynb"
    notebooks.write(path, new_notebook(cells=[new_code_cell("print(6 * 7)\nobject()")]))
    command = [sys.executable, str(ROOT / "tools" / "notebooks.py"), str(path)]
    first = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert first.returncode == 0, first.stderr
    text = path.read_text(encoding="utf-8")
    nb = nbformat.reads(text, as_version=4)
    assert nb.cells[0].outputs[0].text == "42\n"
    assert nb.cells[0].outputs[1].data["text/plain"] == "<object at 0x0>"

    notebooks.write(path, new_notebook(cells=[new_code_cell("1 / 0")]))
    text = path.read_text(encoding="utf-8")
    failed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stdout
    assert path.read_text(encoding="utf-8") == text
