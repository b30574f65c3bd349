"""What a student sees: a page of one file that says what there is to know, and does nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from grading import assignment as assignments
from grading import feedback, gradebook, safe_html
from grading.cli import main

from .conftest import HOSTILE_CODE, HOSTILE_TEXT, grade_class, watch, write_submission

ROOT = Path(__file__).resolve().parents[2]
SETS = sorted(p.parent.name for p in (ROOT / "solutions").glob("*/assignment.toml"))
HALF = "def double(x):\n    return x * x if np.ndim(x) == 0 else 2 * x"


@pytest.fixture(scope="module")
def course(tiny, tmp_path_factory):
    """A graded class: right, half right, marked by hand, hostile, stopped, and a file that is no notebook."""
    folder = tmp_path_factory.mktemp("class")
    solution = tiny.notebook.cells[2].source
    answers = {
        "ada": {},
        "ben": {"double": HALF, "explain": "No idea, but $x^2$ grows."},
        "eve": {"double": solution + HOSTILE_CODE, "explain": HOSTILE_TEXT},
        "sid": {"counter": "while True:\n    pass"},
        "zoe": {"double": "def double(x):\n    return int('a<b')"},
    }
    solutions = grade_class(tiny, folder, answers, unreadable="dot", workers=2)
    with gradebook.Gradebook(gradebook.default_database(folder)) as book:
        book.find_grade("explain", "tiny", "tiny", "ben").manual_score = 1.5
        book.find_comment("explain", "tiny", "tiny", "ben").manual_comment = "**Why** does $x^2$ matter?"
        book.find_submission_notebook("tiny", "tiny", "ben").late_submission_penalty = 1.0
        book.db.commit()
    assert main(["feedback", "tiny", "--course", str(folder), *solutions]) == 0
    return folder


def soup(course, student) -> BeautifulSoup:
    return BeautifulSoup((course / "feedback" / student / "tiny" / "tiny.html").read_text(), "html.parser")


def words(element) -> str:
    return " ".join(element.get_text(" ").split())


def test_the_top_of_the_page_has_the_marks_and_leads_to_each_task(course):
    page = soup(course, "ben")
    points = gradebook.scores("tiny", gradebook.default_database(course))["ben"]
    earned = points["test_double"] + points["test_counter"] + 1.5 - 1
    assert words(page.select_one(".sum")) == f"{earned:g} of 9 points"
    assert "Taken off because it came late: 1 point." in words(page)
    rows = [[words(cell) for cell in row.find_all("td")] for row in page.select("tbody tr")]
    assert [cells[1] for cells in rows] == [f"{points['test_double']:g} of 4", "2 of 2", "1.5 of 3"]
    assert [re.search(r"\d of \d checks passed|marked by a person", cells[0])[0] for cells in rows] == [
        *("2 of 4 checks passed", "2 of 2 checks passed", "marked by a person"),
    ]
    for link in page.select("tbody a"):
        assert page.find(id=link["href"].removeprefix("#")) is not None


def test_a_failing_check_says_what_was_seen_and_hints_and_hidden_ones_only_that_they_ran(course, tiny):
    page = soup(course, "ben")
    verdict = page.select_one(".verdict.part")
    assert "double(3.0) returned 9.0, expected 6.0" in words(verdict.select_one(".seen"))
    assert re.search(r"1 hidden check did not pass, on inputs that are not shown", words(verdict))
    assert "Hidden checks ran here." in words(verdict.select_one("details"))
    assert "secret_of_the_hidden_tests" not in str(page)
    assert "0.125" not in str(page)


def test_comments_of_a_person_are_on_the_page(course):
    comment = soup(course, "ben").select_one(".comment")
    assert comment.strong.get_text() == "Why"
    assert comment.find("msup")


@pytest.mark.parametrize(
    ("student", "says"),
    [
        ("ada", "One answer waits for a person to mark it, and counts as 0 until then."),
        ("sid", "Your instructor was told: cell counter was stopped after 3 s"),
        ("dot", "Nothing in this submission could be graded: tiny.ipynb is not valid JSON"),
        ("zoe", "raised ValueError: invalid literal for int() with base 10: 'a<b'"),
    ],
)
def test_a_page_says_what_needs_a_person_or_went_wrong(course, student, says):
    assert says in words(soup(course, student))


def test_a_page_is_one_small_file_without_a_script(course):
    for path in (course / "feedback").rglob("*.*"):
        page = BeautifulSoup(path.read_text(), "html.parser")
        assert path.suffix == ".html"
        assert path.stat().st_size < 100_000
        assert not page.find_all(["script", "link", "iframe", "form", "base", "object", "embed", "input"])
        assert "default-src 'none'" in page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
        assert [m["http-equiv"] for m in page.find_all("meta") if m.get("http-equiv")] == ["Content-Security-Policy"]
        for element in page.find_all(True):
            assert not [name for name in element.attrs if name.startswith("on") or name == "style"]
            assert re.match(r"#|https?:|mailto:|data:image/", element.get("href") or element.get("src") or "#")


def test_a_class_that_was_not_graded_is_an_error(tiny, tmp_path, capsys):
    with gradebook.Writer(tiny, tmp_path):
        pass
    arguments = ["--course", str(tmp_path), "--solutions", str(tiny.folder.parent)]
    assert main(["feedback", "tiny", *arguments]) == 2
    assert "no submissions of tiny: grade it first" in capsys.readouterr().err


def test_nbgraders_own_command_makes_the_same_pages(course, tiny, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(course, root)
    shutil.copytree(tiny.folder.parent, root / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    ours = {p.relative_to(root): p.read_bytes() for p in (root / "feedback").rglob("*.html") if "dot" not in str(p)}
    shutil.rmtree(root / "feedback")
    command = [sys.executable, "-m", "nbgrader", "generate_feedback", "tiny"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {p.relative_to(root): p.read_bytes() for p in (root / "feedback").rglob("*.html")} == ours


@pytest.mark.parametrize("name", SETS)
def test_every_formula_of_the_problem_sets_becomes_mathml(name):
    for cell in assignments.load(name, ROOT / "solutions").notebook.cells:
        if cell.cell_type != "markdown":
            continue
        plain = re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)
        formulas = re.findall(r"\$\$.+?\$\$|(?<!\\)\$.+?(?<!\\)\$", plain, re.DOTALL)
        page = BeautifulSoup(safe_html.markdown(cell.source), "html.parser")
        assert len(page.find_all("math")) == len(formulas)
        for code in page.find_all("code"):
            code.decompose()
        assert not re.search(r"\$|\\[a-z]+", page.get_text())


@pytest.mark.parametrize("environment", ["aligned", "gathered", "align*", "cases", "pmatrix"])
def test_rows_of_a_formula_are_rows_of_a_table(environment):
    text = safe_html.markdown(f"$$\\begin{{{environment}}} a &= \\frac12 \\\\ b &= 2 \\end{{{environment}}}$$")
    assert text.count("<mtr>") == 2
    assert "&amp;" not in text


@given(st.text(alphabet=st.sampled_from("\\{}[]()$^_&<>\"'ab1 /=textfrachref\n"), max_size=60))
@settings(deadline=None)
def test_no_formula_brings_in_html(tex):
    for display in (True, False):
        page = BeautifulSoup(safe_html.formula(tex, display), "html.parser")
        assert {e.name for e in page.find_all(True)} <= safe_html.MATHML_TAGS | {"code"}
        assert {name for e in page.find_all(True) for name in e.attrs} <= safe_html.MATHML_ATTRIBUTES


@pytest.mark.parametrize("tex", ["{" * 5000, "\\left(" * 800, "x" * 200_000, "\\begin{foo}", "\\frac"])
def test_a_formula_that_cannot_be_read_stays_as_it_is(tex):
    assert BeautifulSoup(safe_html.formula(tex, display=False), "html.parser").code.get_text() == tex


def test_html_of_an_output_keeps_its_table_and_loses_the_rest():
    frame = '<style scoped>.x{}</style><table border="1" class="dataframe"><thead><tr><th>a</th></tr></thead></table>'
    assert safe_html.html(frame) == "<table><thead><tr><th>a</th></tr></thead></table>"
    assert safe_html.html("x" * 300_000) == "<p>300000 characters of HTML are left out.</p>"


def test_a_long_output_is_cut():
    output = nbformat.v4.new_output("stream", text="x" * 50_000)
    assert feedback._output(output).endswith("… and 40,000 characters more</pre>")


# In a browser.


@pytest.fixture
def opened(chromium, course):
    """Opens a student's page; returns it and what it does that it should not."""
    contexts = []

    def open_page(student, **options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        trouble = watch(page)
        page.goto((course / "feedback" / student / "tiny" / "tiny.html").as_uri())
        return page, trouble

    yield open_page
    for context in contexts:
        context.close()


def test_what_a_student_wrote_does_nothing(opened):
    page, trouble = opened("eve")
    assert page.locator("text=over all").count() == 1  # the text is there
    assert page.locator(".output b", has_text="bold").count() == 1
    assert page.locator(".output img").evaluate_all("all => all.map(i => i.naturalWidth)") == [40]
    for link in page.locator("main a:not([href^='#'])").all():
        assert not link.get_attribute("href")
        link.click()
    page.mouse.move(640, 300)
    page.locator("text=over all").click()
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert trouble == []
    assert page.url.startswith("file:")
    page.evaluate("window.scrollTo(0, 0)")
    spot = page.locator("h1").first.bounding_box()
    at = page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", [spot["x"] + 5, spot["y"] + 5])
    assert at == "H1"  # nothing lies over it


def test_the_policy_of_a_page_stops_what_the_cleaning_would_miss(opened):
    page, trouble = opened("ada")
    sent: list[str] = []
    page.route("**", lambda route: (sent.append(route.request.url), route.abort()))
    missed = ["<img src=x onerror='window.ran = 1'>", "<img src='http://evil.invalid/'>"]
    missed += ["<iframe src='http://evil.invalid/'></iframe>", "<link rel=stylesheet href='http://evil.invalid/'>"]
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", "".join(missed))
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 2'}))")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert sent == []
    assert sum("Content Security Policy" in text for text in trouble) >= 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_fits_its_window_and_asks_for_nothing(opened, width, scheme):
    for student in ("ben", "sid", "dot", "eve"):
        page, trouble = opened(student, viewport={"width": width, "height": 800}, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert trouble == []


def test_the_formulas_of_problem_set_1_are_drawn(chromium, tmp_path):
    ps1 = assignments.load("ps1_curve", ROOT / "solutions")
    write_submission(tmp_path / "submitted", "ada", ps1.notebook, "ps1_curve")
    solutions = ["--solutions", str(ROOT / "solutions")]
    assert main(["grade", "ps1_curve", "--submitted", str(tmp_path / "submitted"), "--workers", "1", *solutions]) == 0
    (path,) = feedback.write(ps1, tmp_path)
    page = chromium.new_page()
    trouble = watch(page)
    page.goto(path.as_uri())
    boxes = page.locator("math").evaluate_all("all => all.map(m => m.getBoundingClientRect().height)")
    assert len(boxes) > 30
    assert min(boxes) > 5
    fractions = page.locator("mfrac").evaluate_all(
        "all => all.map(f => [...f.children].map(part => part.getBoundingClientRect().top))"
    )
    assert fractions
    assert all(top < bottom for top, bottom in fractions)
    assert "$" not in page.locator("main").inner_text()
    assert trouble == []
    page.close()
