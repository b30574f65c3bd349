"""What instructors get: exports, the report on a class, and which submissions are alike."""

import csv
import dataclasses
import io
import json
import re
import shutil

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup

from grading import export, gradebook, rehearsal, report, similarity
from grading.cli import main
from grading.gradebook import Standing
from grading.results import Mark, Result

from .conftest import grade_class, watch, write_submission

WRONG = 'def double(x):\n    """<script>alert(1)</script>"""\n    return x'
HALF = "def double(x):\n    return x * x if np.ndim(x) == 0 else 2 * x"


@pytest.fixture(scope="module")
def course(tiny, tmp_path_factory):
    """Four students: all right, half right, wrong, and one whose file cannot be read; graded by the command."""
    folder = tmp_path_factory.mktemp("class")
    answers = {"ada": {}, "ben": {"double": HALF}, "cy": {"double": WRONG, "counter": "pass"}}
    solutions = grade_class(tiny, folder, answers, unreadable="=dot", workers=1)
    with gradebook.Gradebook(gradebook.default_database(folder)) as book:
        book.update_or_create_student(
            "ada", first_name="Ada", last_name="-Lace", email="ada@example.org", lms_user_id="7"
        )
        book.find_grade("explain", "tiny", "tiny", "ada").manual_score = 2.5
        late = book.find_submission_notebook("tiny", "tiny", "ben")
        late.late_submission_penalty = 1.0
        book.db.commit()
    return folder, solutions


@pytest.fixture
def run(course):
    folder, solutions = course

    def call(command, *arguments):
        return main([command, *arguments, *solutions, "--course", str(folder)])

    return call


def rows(path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_table_has_every_mark_and_what_is_still_to_be_marked(run, tmp_path):
    assert run("export", "--out", str(tmp_path / "marks.csv")) == 0
    header, *table = rows(tmp_path / "marks.csv")
    assert header == [
        *("student", "last name", "first name", "email", "tiny", "tiny of", "tiny unmarked", "tiny penalty"),
        *("tiny/test_double", "tiny/test_counter", "tiny/explain"),
    ]
    found = {row[0]: row[4:] for row in table}
    assert found["ada"] == ["8.5", "9", "0", "0", "4", "2", "2.5"]
    assert found["ben"][0] == f"{float(found['ben'][4]) + 2 - 1:g}"  # less the penalty
    assert found["ben"][2:4] == ["1", "1"]
    assert found["cy"] == ["1", "9", "1", "0", "1", "0", ""]
    assert found["'=dot"] == ["0", "9", "0", "0", "0", "0", "0"]  # a spreadsheet would compute it
    assert next(row for row in table if row[0] == "ada")[1:4] == ["'-Lace", "Ada", "ada@example.org"]


def test_canvas_and_moodle_get_the_columns_that_they_look_for(run, tmp_path):
    assert run("export", "tiny", "--format", "canvas", "--out", str(tmp_path / "canvas.csv")) == 0
    header, points, *students = rows(tmp_path / "canvas.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "tiny"]
    assert points == ["    Points Possible", "", "", "", "", "9"]
    assert ["'-Lace, Ada", "7", "", "ada", "", "8.5"] in students
    assert run("export", "tiny", "--format", "moodle", "--out", str(tmp_path / "moodle.csv")) == 0
    assert rows(tmp_path / "moodle.csv")[0] == ["username", "email", "tiny"]
    assert ["ada", "ada@example.org", "8.5"] in rows(tmp_path / "moodle.csv")


def test_a_problem_set_that_was_not_graded_is_named(run, course, tmp_path, capsys, tiny):
    other = tmp_path / "solutions" / "other"
    other.mkdir(parents=True)
    nbformat.write(tiny.notebook, other / "other.ipynb")
    arguments = ["--out", str(tmp_path / "x"), "--course", str(course[0]), "--solutions", str(other.parent)]
    assert main(["export", "other", *arguments]) == 2
    assert "the gradebook has no marks of other: grade it first" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", [["export"], ["export", "tiny"], ["report", "tiny"]])
def test_a_folder_without_a_gradebook_is_named_and_stays_as_it_is(tiny, tmp_path, capsys, command):
    (tmp_path / "empty").mkdir()
    arguments = ["--course", str(tmp_path / "empty"), "--solutions", str(tiny.folder.parent)]
    assert main([*command, "--out", str(tmp_path / "out"), *arguments]) == 2
    assert f"there is no gradebook.db in {tmp_path / 'empty'}: name the course" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["empty"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_the_report_says_how_the_class_did(run, course, tmp_path, capsys):
    assert run("report", "tiny", "--out", str(tmp_path)) == 0
    text = (tmp_path / "report.html").read_text()
    page = BeautifulSoup(text, "html.parser")
    assert not re.findall(r"(?:src|href)=|url\(|https?:", text)
    assert "4 submissions, 9 points" in page.p.get_text()
    lines = page.tbody.find_all("tr")
    tasks = {line.th.get_text().split()[0]: [cell.get_text() for cell in line.find_all("td")] for line in lines}
    shares = [4, float(rows_of(course, "ben")["test_double"]), 1, 0]
    assert tasks["test_double"][:4] == ["4", f"{np.mean(shares) / 4:.2f}", "1", "1"]
    assert tasks["test_counter"][:4] == ["2", "0.50", "2", "2"]
    assert "is not valid JSON" in page.get_text()
    assert rows(tmp_path / "needs-person.csv")[1][0] == "'=dot"
    assert [row[0] for row in rows(tmp_path / "tasks.csv")[1:]] == ["test_double", "test_counter", "explain"]


def test_a_task_is_called_by_the_heading_it_stands_under(tiny):
    cells = [nbformat.v4.new_markdown_cell("# Title #\n\n## 1. Twice\n\nText"), *tiny.notebook.cells[2:4]]
    cells += [nbformat.v4.new_markdown_cell("### Deeper"), *tiny.notebook.cells[5:7]]
    named = dataclasses.replace(tiny, notebook=nbformat.v4.new_notebook(cells=cells))
    assert (named.heading(), tiny.heading()) == ("Title", "Tiny")
    assert named.headings() == dict.fromkeys(("double", "test_double", "counter", "test_counter"), "1. Twice")
    assert tiny.headings()["test_double"] == "test_double"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_for_instructors_fit_their_window_and_ask_for_nothing(run, course, chromium, tmp_path, width, scheme):
    assert run("report", "tiny", "--out", str(tmp_path)) == 0
    submitted = ["--submitted", str(course[0] / "submitted"), *course[1]]
    assert main(["similarity", "tiny", *submitted, "--out", str(tmp_path / "alike.html"), "--least", "0.1"]) == 0
    for name in ("report.html", "alike.html"):
        page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        trouble = watch(page)
        page.goto((tmp_path / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.pdf(format="A4").startswith(b"%PDF")
        assert trouble == []
        page.close()


def rows_of(course, student):
    return gradebook.scores("tiny", gradebook.default_database(course[0]))[student]


def test_the_report_says_what_has_changed_since_it_was_graded(course, tiny, tmp_path, capsys):
    folder, solutions = course
    copied = tmp_path / "course"
    shutil.copytree(folder, copied)
    nbformat.write(rehearsal.with_answers(tiny.notebook, {"double": "pass"}), copied / "submitted/ben/tiny/tiny.ipynb")
    assert main(["report", "tiny", "--out", str(tmp_path / "r"), "--course", str(copied), *solutions]) == 1
    assert "1 submissions have changed since they were graded, or the tests have: ben" in capsys.readouterr().out


def test_difficulty_discrimination_and_misconceptions_of_a_class(tiny):
    rng = np.random.default_rng(0)
    ability = rng.normal(size=200)
    most = {"telling": 4.0, "noise": 2.0, "same": 1.0, "explain": 3.0}
    scores = {
        "telling": np.clip(np.round(2 + 1.5 * ability + rng.normal(size=200)), 0, 4),
        "noise": rng.integers(0, 3, 200).astype(float),
        "same": np.ones(200),
        "explain": np.clip(np.round(1.5 + ability), 0, 3),
    }
    standings = {
        f"s{i}": Standing({n: None if n == "explain" and i < 50 else float(v[i]) for n, v in scores.items()}, most)
        for i in range(200)
    }
    mark = Mark("telling", 0.0, 4.0, ["overflow"], "")
    results = {f"s{i}": Result("k", f"s{i}", "tiny", [mark] if i % 4 == 0 else []) for i in range(200)}
    found = report.analyse(tiny, standings, results)
    tasks = {task.name: task for task in found.tasks}
    assert tasks["telling"].mean_share == pytest.approx(scores["telling"].mean() / 4)
    others = scores["noise"] + scores["same"] + np.where(np.arange(200) < 50, 0, scores["explain"])
    assert tasks["telling"].discrimination == pytest.approx(np.corrcoef(scores["telling"], others)[0, 1])
    assert abs(tasks["noise"].discrimination) < 0.2 < tasks["telling"].discrimination
    assert tasks["same"].discrimination is None
    assert (tasks["explain"].marked, found.unmarked) == (150, 50)
    assert [(m.name, m.students, list(m.tasks)) for m in found.misconceptions] == [("overflow", 50, ["telling"])]
    assert "?" in found.misconceptions[0].hint
    assert sum(found.histogram) == 200


def test_a_report_of_nobody_is_a_page(tiny, tmp_path):
    assert report.write(report.analyse(tiny, {}, {}), tmp_path).exists()


COPY = """def double(value):
    # my own work
    total = 0
    for step in range(2):
        total = total + value
        if step > 5:
            raise ValueError("never happens at all")
    return total"""


def test_similarity_finds_a_copy_with_other_names_and_no_other_pair(tiny, tmp_path):
    renamed = COPY.replace("value", "x").replace("total", "s").replace("step", "i").replace("my own work", "mine")
    own = (
        "def double(x):\n    return np.multiply(x, 2.0) if isinstance(x, np.ndarray) else float(x) * 2.0 - 0.0 + abs(0)"
    )
    paths = {
        student: write_submission(tmp_path / "submitted", student, rehearsal.with_answers(tiny.notebook, answers))
        for student, answers in (
            ("ada", {"double": COPY, "counter": "Counter = 1"}),
            ("ben", {"double": renamed, "counter": "Counter = 2"}),
            ("cy", {"double": own, "counter": "Counter = None"}),
            ("dot", {"double": "", "counter": ""}),
        )
    }
    broken = tmp_path / "submitted/eve/tiny/tiny.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text(json.dumps({"cells": 3}))
    paths["eve"] = broken
    pairs, skipped = similarity.compare(tiny, paths, 0.6)
    assert [(p.first, p.second) for p in pairs] == [("ada", "ben")]
    assert pairs[0].similarity > 0.8
    assert list(skipped) == ["eve"]
    assert "never happens" in re.search(r"<mark>(.*?)</mark>", str(pairs[0].passages[0]), re.DOTALL)[1]


def test_the_published_solution_is_compared_and_nothing_on_the_page_is_live(tiny, tmp_path, capsys):
    solved = COPY.replace("    # my own work", "    ### BEGIN SOLUTION") + "\n    ### END SOLUTION"
    folder = tmp_path / "solutions/tiny"
    folder.mkdir(parents=True)
    nbformat.write(rehearsal.with_answers(tiny.notebook, {"double": solved}), folder / "tiny.ipynb")
    answers = {"double": COPY, "counter": "# <img src=x onerror=alert(1)>\nname = '</pre><b>'"}
    evil = rehearsal.with_answers(tiny.notebook, answers)
    write_submission(tmp_path / "submitted", "<i>ada", evil)
    arguments = ["--submitted", str(tmp_path / "submitted"), "--solutions", str(folder.parent)]
    assert main(["similarity", "tiny", *arguments, "--out", str(tmp_path / "alike.html")]) == 0
    text = (tmp_path / "alike.html").read_text()
    page = BeautifulSoup(text, "html.parser")
    assert page.h2.get_text().startswith(f"{similarity.SOLUTION} and <i>ada: ")
    assert not page.find_all(["img", "i", "b", "script"])
    assert page.mark
    assert main(["similarity", "tiny", "--submitted", str(tmp_path / "no"), "--out", "x"]) == 2


@pytest.mark.parametrize("least", ["0", "1.5"])
def test_a_share_that_is_none_is_refused(least, tmp_path):
    with pytest.raises(SystemExit):
        main(["similarity", "tiny", "--submitted", str(tmp_path), "--out", "x", "--least", least])


def test_rows_are_written_whole(tmp_path):
    export.write([["a", "b,c"], ["1", 'say "x"']], tmp_path / "t.csv")
    assert rows(tmp_path / "t.csv") == [["a", "b,c"], ["1", 'say "x"']]
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
