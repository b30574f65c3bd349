"""Between this grader and nbgrader: problem sets and results into its database, its folders, and its own commands.

What nbgrader does well stays nbgrader's: releasing, formgrader, manual grading and feedback pages. Only the execution
of submissions is replaced, here and in `nbgrader autograde`, which `nbgrader_config.py` gives `IsolatedExecute`.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import nbgrader
from alembic.script import ScriptDirectory
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbgrader.api import (
    Base,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    CheckCellMetadata,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from nbgrader.utils import compute_checksum, determine_grade, is_solution, is_task
from sqlalchemy import bindparam, insert, inspect, or_, select, text, true, update
from traitlets.config import Config

from grading import GradingError, intake
from grading import database as databases
from grading.assignment import Assignment, grade_id, load
from grading.late import Lateness
from grading.results import Result

COURSE_ID = "sigmoid_course"
IGNORED = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "assignment.toml"]

# Where a graded notebook's metadata say why its submission needs a person.
NEEDS_PERSON = "needs_person"

BATCH = 50  # submissions a transaction


class NbGraderError(GradingError):
    """What nbgrader said when one of its steps failed."""


class WouldBeLost(GradingError):
    """Somebody's work stands where something was to be written."""


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

    Raises
    ------
    WouldBeLost
        If somebody has answered in the notebook that is there.
    """
    notebook = into / assignment.name / f"{assignment.name}.ipynb"
    if work := _work_in(notebook, assignment):
        raise WouldBeLost(
            f"{notebook} is not overwritten, for somebody's work is in it ({', '.join(work)}): "
            "move it to another folder, or delete it, and run this again"
        )
    with tempfile.TemporaryDirectory() as scratch:
        config = Config()
        config.CourseDirectory.root = str(assignment.folder.parent.resolve().parent)
        config.CourseDirectory.source_directory = str(assignment.folder.parent.resolve())
        config.CourseDirectory.release_directory = scratch
        config.CourseDirectory.assignment_id = assignment.name
        config.CourseDirectory.course_id = COURSE_ID  # nbgrader's default names no course, which only SQLite lets pass
        config.CourseDirectory.ignore = IGNORED
        config.GenerateAssignment.no_database = database is None
        if database is not None:
            config.CourseDirectory.db_url = database
        else:
            config.GenerateAssignment.preprocessors = [
                p for p in GenerateAssignment.preprocessors.default() if p.__name__ != "SaveCells"
            ]
        convert(GenerateAssignment, config)
        made = Path(scratch, assignment.name)
        target = into / assignment.name
        target.mkdir(parents=True, exist_ok=True)
        for file in made.iterdir():
            shutil.copyfile(file, target / file.name)
    return notebook


def _work_in(notebook: Path, assignment: Assignment) -> list[str]:
    """Name what somebody has done in a released notebook: answers that are not as released, code cells added to it."""
    if not notebook.exists():
        return []
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return ["it cannot be read"]
    answers = [cell for cell in cells if is_solution(cell)]
    changed = [str(grade_id(c)) for c in answers if compute_checksum(c) != c.metadata.nbgrader.get("checksum")]
    released = {cell.get("id") for cell in assignment.notebook.cells}
    unnamed = [cell for cell in cells if cell.cell_type == "code" and cell.source.strip() and not grade_id(cell)]
    added = any(cell.get("id") not in released for cell in unnamed)
    return changed + ["a cell that was added"] * added


@dataclass(frozen=True)
class _Marks:
    """What one submission's rows in the gradebook hold, by the cells' names."""

    scores: dict[str, float | None]
    comments: dict[str, str | None]


class Writer:
    """The one writer of a course's gradebook and `autograded/` folder; a context manager.

    Results are written many at a time, each batch in one transaction. A run that is stopped has written whole results
    only; those that were waiting are kept as files, and the next run writes them.

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
        self._database = default_database(course) if database is None else database
        self._waiting: dict[str, _Marks] = {}

    def __enter__(self) -> Writer:
        _open(self._database).close()
        with tempfile.TemporaryDirectory() as scratch:
            release(self._assignment, Path(scratch), self._database)
        self._gradebook = _open(self._database)
        notebook = self._gradebook.find_notebook(self._assignment.name, self._assignment.name)
        self._notebook, self._assignment_id = notebook.id, notebook.assignment_id
        self._checksums = {cell.name: cell.checksum for cell in notebook.source_cells}
        self._graded = {cell.name: cell.id for cell in notebook.grade_cells}
        self._commented = {cell.name: cell.id for cell in (*notebook.solution_cells, *notebook.task_cells)}
        self._tasks = [cell.id for cell in notebook.task_cells]
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.flush()
        finally:
            self._gradebook.close()

    def write(self, result: Result) -> None:
        """Record a result: its marks replace those of an earlier one, manual marks and comments stay."""
        name = self._assignment.name
        target = self._course / "autograded" / result.student / name / f"{name}.ipynb"
        if result.notebook is None:
            target.unlink(missing_ok=True)
            self._waiting[result.student] = _Marks(dict.fromkeys(self._graded, 0.0), dict.fromkeys(self._commented))
        else:
            graded = nbformat.from_dict(result.notebook)
            graded.metadata[NEEDS_PERSON] = result.needs_person
            self._waiting[result.student] = self._marks(graded)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_text(json.dumps(graded, ensure_ascii=False), encoding="utf-8")
        if len(self._waiting) >= BATCH:
            self.flush()

    def _marks(self, graded: NotebookNode) -> _Marks:
        """Return marks and comments as nbgrader's own `SaveAutoGrades` reads them."""
        marks = _Marks({}, {})
        for cell in graded.cells:
            name = grade_id(cell) or ""
            if is_solution(cell):
                cell.metadata.nbgrader.checksum = self._checksums.get(name)
            if name in self._graded:
                marks.scores[name] = determine_grade(cell)[0]
            if name in self._commented:
                unchanged = self._checksums.get(name) == compute_checksum(cell) and not is_task(cell)
                marks.comments[name] = "No response." if unchanged else None
        return marks

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        if not self._waiting:
            return
        with databases.plain_errors(self._database):
            self._flush(self._gradebook.db)
        self._waiting.clear()

    def _flush(self, session: Any) -> None:
        try:
            notebooks = self._submissions(session)
            _add_missing_rows(session, Grade.__table__, notebooks.values(), [*self._graded.values(), *self._tasks])
            _add_missing_rows(session, Comment.__table__, notebooks.values(), list(self._commented.values()))
            marked = [(notebooks[student], marks) for student, marks in self._waiting.items()]
            scores = [(n, self._graded[cell], score) for n, marks in marked for cell, score in marks.scores.items()]
            comments = [(n, self._commented[c], text) for n, marks in marked for c, text in marks.comments.items()]
            _set(session, Grade.__table__.c.auto_score, scores)
            _set(session, Comment.__table__.c.auto_comment, comments)
            # Where a person has marked before, a person should look again: as nbgrader has it.
            session.execute(
                update(Grade)
                .where(Grade.notebook_id.in_(list(notebooks.values())), Grade.cell_id.in_(list(self._graded.values())))
                .values(needs_manual_grade=or_(Grade.manual_score.is_not(None), Grade.auto_score.is_(None)))
                .execution_options(synchronize_session=False)
            )
            session.commit()
        except BaseException:
            session.rollback()
            raise

    def _submissions(self, session: Any) -> dict[str, str]:
        """Make the students and submissions that are not there; return the key of each one's notebook."""
        students = list(self._waiting)
        known = set(session.scalars(select(Student.id).where(Student.id.in_(students))))
        new = [{"id": student} for student in students if student not in known]
        found = dict(
            session.execute(
                select(SubmittedAssignment.student_id, SubmittedNotebook.id)
                .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .where(SubmittedNotebook.notebook_id == self._notebook, SubmittedAssignment.student_id.in_(students))
            ).all()
        )
        submissions, notebooks = [], []
        for student in students:
            if student not in found:
                one, found[student] = new_uuid(), new_uuid()
                submissions.append({"id": one, "assignment_id": self._assignment_id, "student_id": student})
                notebooks.append({"id": found[student], "assignment_id": one, "notebook_id": self._notebook})
        for table, rows in ((Student, new), (SubmittedAssignment, submissions), (SubmittedNotebook, notebooks)):
            if rows:
                session.execute(insert(table.__table__), rows)
        return found


def _add_missing_rows(session: Any, table: Any, notebooks: Iterable[str], cells: list[str]) -> None:
    """Make the rows that a submission has for each cell, where they are not there yet."""
    wanted = {(notebook, cell) for notebook in notebooks for cell in cells}
    among = table.c.notebook_id.in_({notebook for notebook, _ in wanted})
    there = session.execute(select(table.c.notebook_id, table.c.cell_id).where(among))
    if missing := wanted - {tuple(row) for row in there}:
        rows = [{"id": new_uuid(), "notebook_id": notebook, "cell_id": cell} for notebook, cell in sorted(missing)]
        session.execute(insert(table), rows)


def _set(session: Any, column: Any, values: list[tuple[str, str, Any]]) -> None:
    """Set a column where (notebook, cell) are these, to these values."""
    table = column.table
    here = (table.c.notebook_id == bindparam("its_notebook")) & (table.c.cell_id == bindparam("its_cell"))
    if rows := [dict(zip(("its_notebook", "its_cell", "its_value"), row, strict=True)) for row in values]:
        session.connection().execute(update(table).where(here).values({column: bindparam("its_value")}), rows)


def write_lateness(assignment: str, lateness: Lateness, database: str) -> dict[str, float]:
    """Write due time, times of receipt, extensions and penalties to where nbgrader keeps its own.

    Only students in `lateness` are touched. One of whom nobody says when the submission came in has neither time nor
    penalty afterwards.

    Returns
    -------
    dict of str to float
        The penalty of each student who is late, in points.
    """
    penalties = {}
    with databases.plain_errors(database), _open_existing(database) as gradebook:
        notebook = gradebook.find_notebook(assignment, assignment)
        rows = []
        for student, receipt in lateness.receipts.items():
            row: dict[str, Any] = {"its_student": student, "its_time": None, "its_extension": None, "its_penalty": None}
            if receipt is not None:
                row |= {
                    "its_time": _as_nbgraders(receipt.received),
                    "its_extension": receipt.due - lateness.due or None,
                }
            if receipt is not None and receipt.days_late:
                # A product of shares and points would end in ...0001.
                row["its_penalty"] = penalties[student] = round(receipt.share * notebook.max_score, 9)
            rows.append(row)
        notebook.assignment.duedate = _as_nbgraders(lateness.due)
        submitted, written = SubmittedAssignment.__table__, SubmittedNotebook.__table__
        its = (submitted.c.assignment_id == notebook.assignment_id) & (
            submitted.c.student_id == bindparam("its_student")
        )
        times = {"timestamp": bindparam("its_time"), "extension": bindparam("its_extension")}
        its_notebook = written.c.assignment_id == select(submitted.c.id).where(its).scalar_subquery()
        penalty = {"late_submission_penalty": bindparam("its_penalty")}
        connection = gradebook.db.connection()
        connection.execute(update(submitted).where(its).values(times), rows)
        connection.execute(update(written).where(its_notebook).values(penalty), rows)
        gradebook.db.commit()
    return penalties


def _as_nbgraders(time: datetime) -> datetime:
    """Return a time as nbgrader's tables have it: in UTC, without saying so."""
    return time.astimezone(UTC).replace(tzinfo=None)


def default_database(course: Path) -> str:
    """Return the URL of the gradebook that nbgrader uses by default."""
    return f"sqlite:///{(course / 'gradebook.db').resolve()}"


def scores(assignment: str, database: str) -> dict[str, dict[str, float | None]]:
    """Return automatic marks as they stand in the gradebook: student -> grade_id -> points."""
    with _open_existing(database) as gradebook:
        return {
            s.student_id: {g.name: g.auto_score for n in s.notebooks for g in n.grades}
            for s in gradebook.find_assignment(assignment).submissions
        }


@dataclass(frozen=True)
class Standing:
    """A student's marks for a problem set, as they stand in the gradebook.

    Parameters
    ----------
    scores : dict of str to (float or None)
        Marks of each graded cell, a person's before automatic ones; None where a person has still to give them.
    most : dict of str to float
        The most that each cell gives.
    penalty : float
        What is taken off for lateness.
    """

    scores: dict[str, float | None]
    most: dict[str, float]
    penalty: float = 0.0
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    lms_user_id: str | None = None

    @property
    def points(self) -> float:
        """Marks of all cells together, less the penalty; never below 0."""
        return max(0.0, sum(score or 0.0 for score in self.scores.values()) - self.penalty)

    @property
    def unmarked(self) -> int:
        """How many cells wait for a person."""
        return sum(score is None for score in self.scores.values())


def known_assignments(database: str) -> set[str]:
    """Return the names of the problem sets that the gradebook knows."""
    with _open_existing(database) as gradebook:
        return {assignment.name for assignment in gradebook.assignments}


def standings(assignment: Assignment, database: str, only: str | None = None) -> dict[str, Standing]:
    """Return how each student stands, or only one, by name; cells are in the notebook's order.

    Raises
    ------
    NbGraderError
        The gradebook does not know the problem set.
    """
    with _open_existing(database) as gradebook:
        found: dict[str, Standing] = {}
        try:
            notebook = gradebook.find_notebook(assignment.name, assignment.name)
        except MissingEntry:
            raise NbGraderError(f"the gradebook has no marks of {assignment.name}: grade it first") from None
        cells = {cell.name: cell for cell in (*notebook.grade_cells, *notebook.task_cells)}
        ordered = [cells[str(n)] for n in map(grade_id, assignment.notebook.cells) if n in cells]
        most = {cell.name: cell.max_score for cell in ordered}
        names = {cell.id: cell.name for cell in ordered}
        rows = gradebook.db.execute(
            select(
                Student.id,
                *(Student.first_name, Student.last_name, Student.email, Student.lms_user_id),
                SubmittedNotebook.late_submission_penalty,
                *(Grade.cell_id, Grade.auto_score, Grade.manual_score, Grade.extra_credit),
            )
            .join(SubmittedAssignment, SubmittedAssignment.student_id == Student.id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .where(Grade.cell_id.in_(list(names)), Student.id == only if only else true())
            .order_by(Student.id)
        )
        for student, first, last, email, lms, penalty, cell, auto, manual, extra in rows:
            unmarked: dict[str, float | None] = dict.fromkeys(most)
            standing = found.setdefault(student, Standing(unmarked, most, penalty or 0.0, first, last, email, lms))
            given = auto if manual is None else manual
            standing.scores[names[cell]] = None if given is None else given + (extra or 0.0)
    return found


def comments(assignment: str, database: str, only: str | None = None) -> dict[str, dict[str, str]]:
    """Return comments on each student's answers, or only one's, a person's before ours: student -> grade_id -> text."""
    with _open_existing(database) as gradebook:
        found: dict[str, dict[str, str]] = {}
        rows = gradebook.db.execute(
            select(Student.id, BaseCell.name, Comment.manual_comment, Comment.auto_comment)
            .join(SubmittedAssignment, SubmittedAssignment.student_id == Student.id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Comment, Comment.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, BaseCell.id == Comment.cell_id)
            .where(SubmittedAssignment.name == assignment, Student.id == only if only else true())
        )
        for student, cell, by_hand, automatic in rows:
            if text := automatic if by_hand is None else by_hand:
                found.setdefault(student, {})[cell] = text
    return found


class IsolatedExecute(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of nbgrader's `Execute` in `nbgrader autograde`: same grades, no student code in this process."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade the submission that `nb` is, and return the graded notebook."""
        from grading.grade import grade

        about = resources["nbgrader"]
        course = CourseDirectory(parent=self)
        assignment = load(about["assignment"], Path(course.format_path(course.source_directory, ".", "")))
        assignment.check_requirements()
        submission = intake.Submission(about["student"], intake.cells(nb, about["notebook"]), "")
        result = grade(assignment, submission)
        for reason in result.needs_person:
            self.log.warning("%s: %s", about["student"], reason)
        graded = nbformat.from_dict(result.notebook)
        graded.metadata[NEEDS_PERSON] = result.needs_person
        with _open(about["db_url"]) as gradebook:
            known = gradebook.find_notebook(about["notebook"], about["assignment"]).source_cells
            checksums = {cell.name: cell.checksum for cell in known}
        for cell in graded.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.metadata.nbgrader.checksum = checksums.get(grade_id(cell))
        return graded, resources


#: What `nbgrader autograde` does after cleaning a submission, with the isolated executor first. Its own penalties for
#: lateness are left out: it computes them from a file in the submission, and takes away those that stand.
AUTOGRADE_PREPROCESSORS = [
    IsolatedExecute,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    CheckCellMetadata,
]


def _open(database: str) -> Gradebook:
    """Open a gradebook, and make it where there is none.

    Left to itself, nbgrader starts a program to learn the version of its tables, which takes longer than grading thirty
    submissions.
    """
    with databases.connection(database) as connection:
        if not inspect(connection).get_table_names():
            Base.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": tables_version()})
    return Gradebook(database)


def _open_existing(database: str) -> Gradebook:
    """Open a gradebook to read; unlike `_open` and nbgrader, make none where there is none."""
    databases.require(database, Grade.__tablename__)
    return Gradebook(database)


def tables_version() -> str:
    """Return the version of nbgrader's tables, as `alembic heads` would say it."""
    head = ScriptDirectory(str(Path(nbgrader.__file__).parent / "alembic")).get_current_head()
    assert head is not None
    return str(head)


class _Said(logging.Handler):
    """Keeps what nbgrader logs, to show it where nbgrader fails."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def convert(converter: Any, config: Config) -> None:
    """Run one of nbgrader's steps.

    Raises
    ------
    NbGraderError
        It failed; with what nbgrader logged.
    """
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
