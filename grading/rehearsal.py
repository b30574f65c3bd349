"""Grades what is known: solutions, stubs, wrong answers, and whole simulated classes.

`check` is what an author runs before releasing a problem set: the solution gets full marks, the stub none, each wrong
answer the right hint. `simulate` makes a class to try a grading run on.
"""

from __future__ import annotations

import ast
import copy
import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.checks import misconceptions
from grading import GradingError, intake
from grading.assignment import HIDDEN_BEGIN, HIDDEN_END, Assignment, grade_id, role
from grading.executor import Pool, grade_class
from grading.gradebook import release
from grading.results import Result

KINDS = ("right", "partly right", "wrong", "stub", "crashing", "looping")


@dataclass(frozen=True)
class WrongAnswer:
    """One way to get a task wrong: the code, the test cells it must fail, and the misconception that they must name."""

    name: str
    code: str
    answers: str
    fails: list[str]
    hint: str


class BadWrongAnswer(GradingError):
    """A file of the corpus that does not say what it is for."""


def wrong_answers(folder: Path) -> list[WrongAnswer]:
    """Read the wrong answers of a problem set.

    Raises
    ------
    BadWrongAnswer
        A file lacks its docstring, or a line of it.
    """
    return [_read_wrong_answer(path) for path in sorted(folder.glob("*.py"))]


def _read_wrong_answer(path: Path) -> WrongAnswer:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    said = ast.get_docstring(tree) or ""
    found = {
        name: re.search(rf"^{name}:\s*(\S.*?)\s*(?:\(.*\))?$", said, re.MULTILINE)
        for name in ("answers", "fails", "hint")
    }
    if missing := [name for name, match in found.items() if match is None]:
        raise BadWrongAnswer(f"{path}: its docstring has no line {missing[0]!r}")
    values = {name: match[1] for name, match in found.items() if match is not None}
    code = "\n".join(text.splitlines()[tree.body[0].end_lineno :]).strip() + "\n"
    return WrongAnswer(path.stem, code, values["answers"], re.split(r"[,\s]+", values["fails"]), values["hint"])


def submission(notebook: NotebookNode, student: str) -> intake.Submission:
    """Return a notebook as if a student had handed it in."""
    return intake.Submission(student, intake.cells(json.loads(nbformat.writes(notebook)), student), "")


def with_answers(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """Return a copy of a notebook in which the answer cells named by `answers` have that source."""
    changed = copy.deepcopy(notebook)
    for cell in changed.cells:
        if grade_id(cell) in answers:
            cell.source = answers[str(grade_id(cell))]
    return changed


def lint(assignment: Assignment, corpus: list[WrongAnswer], least: int) -> Iterator[str]:
    """Say what in a problem set breaks the rules that its tests rely on."""
    cells = assignment.notebook.cells
    ids = [intake.key(c) for c in cells]
    yield from (f"the cell {name} is there more than once" for name in sorted({n for n in ids if ids.count(n) > 1}))
    used: set[str] = set()
    for cell in cells:
        if role(cell) != "test":
            continue
        name, source = grade_id(cell), cell.source
        tree = ast.parse(source)
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        made = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "Checks"]
        points = [ast.literal_eval(k.value) for c in made for k in c.keywords if k.arg == "points"]
        if points != [cell.metadata.nbgrader.points]:
            yield f"{name}: Checks(points=...) and the cell's points differ"
        if ast.unparse(tree.body[-1]) != "check.score()":
            yield f"{name}: its last line must be check.score()"
        if source.count(HIDDEN_BEGIN) != 1 or source.count(HIDDEN_END) != 1:
            yield f"{name}: it needs one hidden region"
        elif not re.search(re.escape(HIDDEN_BEGIN) + r"\n(?:(?!with ).*\n)*?with check\.hidden\(\):", source):
            yield f"{name}: its hidden region has no `with check.hidden():`"
        used |= _named(calls)
    known = set(misconceptions())
    declared = set(assignment.settings.get("misconceptions", []))
    yield from (f"the hint {h} is not in course_lib/misconceptions.toml" for h in sorted(used - known))
    yield from (f"assignment.toml does not list the misconception {h}" for h in sorted(used - declared))
    yield from (f"assignment.toml lists {h}, which no test recognises" for h in sorted(declared - used))
    answers = {grade_id(c) for c in cells if role(c) == "answer" and c.cell_type == "code"}
    tests = assignment.tests()
    for wrong in corpus:
        if wrong.answers not in answers:
            yield f"{wrong.name}: it answers {wrong.answers}, which is not a code answer of the notebook"
        yield from (f"{wrong.name}: {t} is not a test cell" for t in wrong.fails if t not in tests)
    for task in sorted(str(a) for a in answers):
        count = sum(w.answers == task for w in corpus)
        if count < least:
            yield f"{task} has {count} wrong answers; {least} are wanted"


def _named(calls: list[ast.Call]) -> set[str]:
    """Return the misconceptions that calls of checks name: as their hint, or as keys of their mistakes."""
    keywords = [k for call in calls for k in call.keywords]
    hints = {ast.literal_eval(k.value) for k in keywords if k.arg == "hint"}
    tables = [d for k in keywords if k.arg == "mistakes" for d in ast.walk(k.value) if isinstance(d, ast.Dict)]
    return hints | {ast.literal_eval(key) for table in tables for key in table.keys if key is not None}


def check(
    assignment: Assignment,
    corpus: list[WrongAnswer],
    pool: Pool,
    progress: Callable[..., object],
    least: int = 4,
) -> list[str]:
    """Grade the solution, the stub and every wrong answer; return what is not as it should be.

    A wrong answer must lose marks in exactly the test cells that it names, and one of them must name its misconception.
    """
    found = list(lint(assignment, corpus, least))
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as scratch:
        stub = nbformat.read(release(assignment, Path(scratch, "release")), as_version=4)
        solved = assignment.notebook
        cases = {"solution": solved, "stub": stub}
        cases |= {w.name: with_answers(solved, {w.answers: w.code}) for w in corpus}
        paths = {name: _hand_in(notebook, Path(scratch), name, assignment.name) for name, notebook in cases.items()}
        for result in grade_class(assignment, paths, Path(scratch, "results"), pool):
            results[result.student] = result
            progress(completed=len(results), total=len(cases))
    for mark in results["solution"].marks:
        if mark.points != mark.max_points:
            found.append(f"solution: {mark.grade_id} gives {mark.points:g} of {mark.max_points:g}\n{mark.report}")
    found += [f"solution: {note}" for note in results["solution"].needs_person]
    for mark in results["stub"].marks:
        if mark.points != 0:
            found.append(f"stub: {mark.grade_id} gives {mark.points:g} points")
    for wrong in corpus:
        found += _verdict(wrong, results[wrong.name])
    return found


def _verdict(wrong: WrongAnswer, result: Result) -> Iterator[str]:
    lost = {m.grade_id for m in result.marks if m.points < m.max_points}
    for name in sorted(set(wrong.fails) - lost):
        yield f"{wrong.name}: not caught by {name}"
    for name in sorted(lost - set(wrong.fails)):
        yield f"{wrong.name}: loses marks in {name} too"
    named = {h for m in result.marks if m.grade_id in wrong.fails for h in m.hints}
    reports = "\n".join(m.report for m in result.marks if m.grade_id in wrong.fails)
    if wrong.hint not in named or f"Hint ({wrong.hint})" not in reports:
        yield f"{wrong.name}: the hint {wrong.hint} is not named; named: {', '.join(sorted(named)) or 'none'}"


def simulate(assignment: Assignment, corpus: list[WrongAnswer], students: int, seed: int, out: Path) -> dict[str, str]:
    """Write a class of simulated submissions to ``out/submitted``; return what kind each student is.

    The first students are one of each kind, so that a small class has them all; every later one is drawn. The same seed
    gives the same class.
    """
    draw = random.Random(seed)
    stub = nbformat.read(release(assignment, out / "release"), as_version=4)
    tasks = {str(grade_id(c)): c.source for c in assignment.notebook.cells if role(c) == "answer"}
    code = [w.answers for w in corpus]
    kinds: dict[str, str] = {}
    for number in range(students):
        student = f"student-{number + 1:0{len(str(students))}d}"
        kind = KINDS[number] if number < len(KINDS) else draw.choices(KINDS, weights=(6, 8, 8, 2, 3, 3))[0]
        kinds[student] = kind
        answers = {} if kind == "stub" else dict(tasks)
        spoilt = draw.choice(sorted(set(code)))
        if kind == "partly right":
            for task in draw.sample(sorted(tasks), k=draw.randint(1, len(tasks) - 1)):
                del answers[task]
        elif kind == "wrong":
            for wrong in draw.sample(corpus, k=draw.randint(1, 4)):
                answers[wrong.answers] = wrong.code
        elif kind == "crashing":
            answers[spoilt] = draw.choice(CRASHES)
        elif kind == "looping":
            answers[spoilt] = draw.choice(LOOPS).format(name=spoilt)
        _hand_in(with_answers(stub, answers), out, student, assignment.name)
    (out / "class.json").write_text(json.dumps(kinds, indent=1) + "\n", encoding="utf-8")
    return kinds


def _hand_in(notebook: NotebookNode, course: Path, student: str, name: str) -> Path:
    """Write a notebook to where students' are collected."""
    path = course / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


CRASHES = (
    "def broken(:\n    return\n",
    "raise ValueError('this cell never ran')\n",
    "import os\nos._exit(1)\n",
    "import not_a_module\n",
)
LOOPS = (
    "def {name}(*arguments, **options):\n    while True:\n        pass\n",
    "while True:\n    pass\n",
)
