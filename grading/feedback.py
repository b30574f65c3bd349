"""Feedback pages: what a student handed in, what the checks said, and what a person wrote about it.

They are made of `autograded/` and nbgrader's gradebook: for a class here, and for `nbgrader generate_feedback` and
formgrader's button by an exporter that nbgrader is given. A page is one file that needs nothing beside it, since it
travels by mail and through learning platforms. It has no script, and a policy that forbids any: what an answer holds is
text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import is_solution

from grading import safe_html
from grading.assignment import Assignment, grade_id, load
from grading.gradebook import NEEDS_PERSON, NbGraderError, Standing, comments, default_database, standings
from grading.report import render

LONGEST_TEXT = 10_000  # characters of an output


@dataclass
class Finding:
    """One failing check, or how many more there are: what was seen, what explains it, and the hints by their names."""

    seen: str
    details: list[str] = field(default_factory=list)
    hints: list[tuple[str, str]] = field(default_factory=list)

    @property
    def only_counts(self) -> bool:
        """Whether it says no more than how many checks did not pass."""
        return re.match(r"\d+ (more|hidden) checks? did not pass", self.seen) is not None


@dataclass
class Task:
    """A graded cell, as the list at the top of a page and the cell itself show it.

    Parameters
    ----------
    title : str
        The heading that it stands under.
    points : float or None
        What it earned; None where a person has still to mark it.
    most : float
        What it could have earned.
    said : str
        How many checks passed, or what went wrong before they could run.
    """

    number: int
    title: str
    name: str
    points: float | None
    most: float
    said: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def state(self) -> str:
        """How much it earned: all, part, none, or not marked yet."""
        if self.points is None:
            return "waiting"
        return "all" if self.points >= self.most else "part" if self.points > 0 else "none"


@dataclass
class Cell:
    """A cell of the graded notebook, ready to be shown."""

    kind: str  # text, code, answer or test
    shown: Markup
    task: Task | None
    outputs: list[Markup]
    comment: Markup


@dataclass
class Page:
    """What a feedback page shows."""

    title: str
    assignment: str
    student: str
    points: float
    most: float
    penalty: float
    reasons: list[str]
    tasks: list[Task] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many answers wait for a person."""
        return sum(task.points is None for task in self.tasks)


def write(
    assignment: Assignment,
    course: Path,
    database: str | None = None,
    progress: Callable[..., object] = lambda **_: None,
) -> list[Path]:
    """Write a page for each student whose submission was graded, or could not be; return the pages.

    Parameters
    ----------
    course : Path
        The folder that holds `autograded/`, and gets `feedback/`.
    progress : callable
        Called with `completed` and `total`.

    Raises
    ------
    NbGraderError
        The problem set was not graded.
    """
    database = database or default_database(course)
    name = assignment.name
    students = standings(assignment, database)
    if not students:
        raise NbGraderError(f"the gradebook has no submissions of {name}: grade it first")
    said = comments(name, database)
    pages = []
    for number, (student, standing) in enumerate(students.items(), 1):
        graded = course / "autograded" / student / name / f"{name}.ipynb"
        try:
            notebook = nbformat.reads(graded.read_text(encoding="utf-8"), as_version=4)
        except FileNotFoundError:
            page = _unread_page(assignment, student, standing, course / "results" / name / student)
        else:
            page = _page(notebook, assignment, student, standing, said.get(student, {}))
        path = course / "feedback" / student / name / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(render("feedback.html", page=page), encoding="utf-8")
        unfinished.replace(path)
        pages.append(path)
        progress(completed=number, total=len(students))
    return pages


class FeedbackExporter(Exporter):  # type: ignore[misc]
    """Makes a feedback page of a graded notebook, for nbgrader."""

    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **options: Any) -> tuple[str, dict[str, Any]]:
        """Return the page."""
        graded, resources = super().from_notebook_node(nb, resources, **options)
        about = resources["nbgrader"]
        course = CourseDirectory(parent=self)
        assignment = load(about["assignment"], Path(course.format_path(course.source_directory, ".", "")))
        student, database = about["student"], about["db_url"]
        standing = standings(assignment, database, student)[student]
        said = comments(assignment.name, database, student).get(student, {})
        return render("feedback.html", page=_page(graded, assignment, student, standing, said)), resources


#: What makes `nbgrader generate_feedback`, and formgrader's button, write these pages.
SETTINGS = {"exporter_class": FeedbackExporter, "preprocessors": []}


def _page(
    notebook: NotebookNode, assignment: Assignment, student: str, standing: Standing, said: Mapping[str, str]
) -> Page:
    page = _empty_page(assignment, student, standing, list(notebook.metadata.get(NEEDS_PERSON, [])))
    headings = assignment.headings()
    for cell in notebook.cells:
        name = grade_id(cell) or ""
        task = None
        if name in standing.most:
            task = Task(len(page.tasks) + 1, headings.get(name, name), name, standing.scores[name], standing.most[name])
            page.tasks.append(task)
        outputs: list[Markup] = []
        if cell.cell_type == "markdown":
            kind = "answer" if is_solution(cell) else "text"
            shown = safe_html.markdown(cell.source)
        elif cell.cell_type == "code":
            kind = "answer" if is_solution(cell) else "code" if task is None else "test"
            shown = Markup("<pre>{}</pre>").format(safe_html.python(cell.source))
            if kind == "test" and task is not None:
                _read_messages(task, cell.outputs)
            else:
                outputs = [_output(output) for output in cell.outputs]
        else:
            continue
        page.cells.append(Cell(kind, shown, task, outputs, safe_html.markdown(said.get(name) or "")))
    return page


def _empty_page(assignment: Assignment, student: str, standing: Standing, reasons: list[str]) -> Page:
    most = sum(standing.most.values())
    taken_off = min(standing.penalty, sum(score or 0.0 for score in standing.scores.values()))
    return Page(assignment.heading(), assignment.name, student, standing.points, most, taken_off, reasons)


def _unread_page(assignment: Assignment, student: str, standing: Standing, results: Path) -> Page:
    """Return the page of a submission of which nothing could be read: why, by its newest result."""
    reasons: list[str] = []
    for path in sorted(results.glob("*.json"), key=lambda p: p.stat().st_mtime):
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["notebook"] is None:
            reasons = result["needs_person"]
    return _empty_page(assignment, student, standing, reasons)


def _read_messages(task: Task, outputs: list[NotebookNode]) -> None:
    said, *lines = _text(outputs).splitlines() or [""]
    task.said = re.sub(r" \([\d.]+ of [\d.]+ points\)$", "", said)
    task.findings = _findings(lines)


def _text(outputs: list[NotebookNode]) -> str:
    """Return what a test cell said; its result, the marks, stands elsewhere on the page."""
    said = []
    for output in outputs:
        if output.output_type == "stream":
            said.append(output.text.rstrip("\n"))
        elif output.output_type == "error":
            said += output.traceback
    return _shortened("\n".join(said))


def _findings(lines: list[str]) -> list[Finding]:
    """Read the lines that `course_lib.checks.Checks.report` writes: two spaces in stands what belongs to a check."""
    findings: list[Finding] = []
    for line in lines:
        belongs = line.startswith("  ") and findings
        if belongs and line.startswith(("  Hint (", "  Read again:")):
            name, _, text = line.strip().partition(": ")
            findings[-1].hints.append((f"{name}:", text))
        elif belongs:
            findings[-1].details.append(line.strip())
        else:
            findings.append(Finding(line))
    return findings


def _output(output: NotebookNode) -> Markup:
    """Return an output of the student's code: pictures as pictures, anything else as text."""
    if output.output_type == "stream":
        return _pre(output.text)
    if output.output_type == "error":
        return _pre("\n".join(output.traceback))
    data = output.data
    for mime in ("image/png", "image/svg+xml"):
        if mime in data:
            content = data[mime] if mime == "image/png" else base64.b64encode(data[mime].encode()).decode()
            picture = Markup('<img src="data:{};base64,{}" alt="What the code above drew.">')
            return picture.format(mime, content.replace("\n", ""))
    if "text/html" in data:
        return Markup('<div class="table">{}</div>').format(safe_html.html(data["text/html"]))
    if "text/latex" in data:
        return Markup("<p>{}</p>").format(safe_html.markdown(data["text/latex"]))
    return _pre(data.get("text/plain", ""))


def _pre(text: str) -> Markup:
    return Markup("<pre>{}</pre>").format(_shortened(strip_ansi(text).rstrip("\n")))


def _shortened(text: str) -> str:
    left_out = len(text) - LONGEST_TEXT
    return text if left_out <= 0 else f"{text[:LONGEST_TEXT]}\n… and {left_out:,} characters more"
