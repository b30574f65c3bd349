"""Between this grader and nbgrader: problem sets and results into its database, its folders, and its own commands.

What nbgrader does well stays nbgrader's: releasing, formgrader, manual grading and feedback pages. Only the execution
of submissions is replaced, here and in `nbgrader autograde`, which `nbgrader_config.py` gives `IsolatedExecute`.
"""

from __future__ import annotations

import logging
import os
import shutil
import sysconfig
import tempfile
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from grading import intake
from grading.assignment import Assignment, grade_id, load
from grading.grade import Result, grade

IGNORED = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "assignment.toml"]

# Answers are shown and graded as text and pictures; anything that a browser would run is taken out of feedback pages.
HTML_OPTIONS = {"sanitize_html": True}

# A message is read whole, not scrolled to its end.
FEEDBACK_STYLE = "<style>.output pre, .output_area pre { white-space: pre-wrap; }</style>"


class NbGraderError(Exception):
    """What nbgrader said when one of its steps failed."""


def release(assignment: Assignment, into: Path, database: str | None = None) -> Path:
    """Generate what learners get, with nbgrader: without solutions and hidden tests.

    Parameters
    ----------
    into : Path
        The folder that gets ``assignment/notebook.ipynb``.
    database : str, optional
        URL of a gradebook that is told about the assignment's cells.

    Returns
    -------
    Path
        The notebook.
    """
    with tempfile.TemporaryDirectory() as scratch:
        config = Config()
        config.CourseDirectory.root = str(assignment.folder.parent.resolve().parent)
        config.CourseDirectory.source_directory = str(assignment.folder.parent.resolve())
        config.CourseDirectory.release_directory = scratch
        config.CourseDirectory.assignment_id = assignment.name
        config.CourseDirectory.ignore = IGNORED
        config.GenerateAssignment.no_database = database is None
        if database is not None:
            config.CourseDirectory.db_url = database
        else:
            config.GenerateAssignment.preprocessors = [
                p for p in GenerateAssignment.preprocessors.default() if p.__name__ != "SaveCells"
            ]
        _convert(GenerateAssignment, config)
        made = Path(scratch, assignment.name)
        target = into / assignment.name
        target.mkdir(parents=True, exist_ok=True)
        for file in made.iterdir():
            shutil.copyfile(file, target / file.name)
    return into / assignment.name / f"{assignment.name}.ipynb"


class Writer:
    """The one writer of a course's gradebook and `autograded/` folder; a context manager.

    Parameters
    ----------
    assignment : Assignment
        Made known to the gradebook first, so that a changed test is there before its results.
    course : Path
        The folder that holds `submitted/`, `autograded/`, `feedback/` and, without `database`, `gradebook.db`.
    """

    def __init__(self, assignment: Assignment, course: Path, database: str | None = None) -> None:
        self._assignment = assignment
        self._course = course
        self._database = database or default_database(course)

    def __enter__(self) -> Writer:
        _open(self._database).close()
        with tempfile.TemporaryDirectory() as scratch:
            release(self._assignment, Path(scratch), self._database)
        self._gradebook = _open(self._database)
        notebook = self._gradebook.find_notebook(self._assignment.name, self._assignment.name)
        self._checksums = {cell.name: cell.checksum for cell in notebook.source_cells}
        return self

    def __exit__(self, *_: object) -> None:
        self._gradebook.close()

    def write(self, result: Result) -> None:
        """Record a result: its marks replace those of an earlier one, manual marks and comments stay."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's way of adding a submission makes SQLAlchemy warn
            self._write(result)

    def _write(self, result: Result) -> None:
        name = self._assignment.name
        self._gradebook.update_or_create_student(result.student)
        submission = self._gradebook.update_or_create_submission(name, result.student)
        target = self._course / "autograded" / result.student / name / f"{name}.ipynb"
        if result.notebook is None:
            for notebook in submission.notebooks:
                for mark in notebook.grades:
                    mark.auto_score, mark.needs_manual_grade = 0, False
            self._gradebook.db.commit()
            target.unlink(missing_ok=True)
            return
        graded = nbformat.from_dict(result.notebook)
        for cell in graded.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.metadata.nbgrader.checksum = self._checksums.get(grade_id(cell))
        about = {"student": result.student, "assignment": name, "notebook": name, "db_url": self._database}
        SaveAutoGrades().preprocess(graded, {"nbgrader": about})
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(nbformat.writes(graded), encoding="utf-8")


def default_database(course: Path) -> str:
    """Return the URL of the gradebook that nbgrader uses by default."""
    return f"sqlite:///{(course / 'gradebook.db').resolve()}"


def scores(assignment: str, database: str) -> dict[str, dict[str, float | None]]:
    """Return automatic marks as they stand in the gradebook: student -> grade_id -> points."""
    with _open(database) as gradebook:
        return {
            s.student_id: {g.name: g.auto_score for n in s.notebooks for g in n.grades}
            for s in gradebook.find_assignment(assignment).submissions
        }


def feedback(assignment: str, course: Path, database: str | None = None) -> list[Path]:
    """Make nbgrader's feedback pages; return them."""
    config = Config()
    config.CourseDirectory.root = str(course.resolve())
    config.CourseDirectory.db_url = database or default_database(course)
    config.CourseDirectory.assignment_id = assignment
    config.GenerateFeedback.force = True
    config.HTMLExporter.update(HTML_OPTIONS)
    _convert(GenerateFeedback, config)
    pages = sorted((course / "feedback").glob(f"*/{assignment}/*.html"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("</head>", f"{FEEDBACK_STYLE}</head>", 1), encoding="utf-8")
    return pages


class IsolatedExecute(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of nbgrader's `Execute` in `nbgrader autograde`: same grades, no student code in this process."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade the submission that `nb` is, and return the graded notebook."""
        about = resources["nbgrader"]
        course = CourseDirectory(parent=self)
        assignment = load(about["assignment"], Path(course.format_path(course.source_directory, ".", "")))
        assignment.check_requirements()
        submission = intake.Submission(about["student"], intake.cells(nb, about["notebook"]), "")
        result = grade(assignment, submission)
        for reason in result.needs_person:
            self.log.warning("%s: %s", about["student"], reason)
        graded = nbformat.from_dict(result.notebook)
        with _open(about["db_url"]) as gradebook:
            known = gradebook.find_notebook(about["notebook"], about["assignment"]).source_cells
            checksums = {cell.name: cell.checksum for cell in known}
        for cell in graded.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.metadata.nbgrader.checksum = checksums.get(grade_id(cell))
        return graded, resources


#: What `nbgrader autograde` does after cleaning a submission, with the isolated executor first.
AUTOGRADE_PREPROCESSORS = [
    IsolatedExecute,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]


def _open(database: str) -> Gradebook:
    """Open a gradebook; nbgrader runs `alembic` for a new one and looks for it on the PATH alone."""
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return Gradebook(database)


class _Said(logging.Handler):
    """Keeps what nbgrader logs, to show it where nbgrader fails."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _convert(converter: Any, config: Config) -> None:
    made = converter(coursedir=CourseDirectory(config=config), config=config)
    said = _Said()
    made.log.addHandler(said)
    made.log.propagate = False
    try:
        made.start()
    except NbGraderException as error:
        raise NbGraderError("\n".join(said.lines) or str(error)) from error
    finally:
        made.log.removeHandler(said)
