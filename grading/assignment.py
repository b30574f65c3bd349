"""The instructor's side of a problem set: its notebook, its settings, and what learners get of it."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib.util
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grading import GradingError
from grading.sandbox import Limits

HIDDEN_BEGIN, HIDDEN_END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


class UnknownAssignment(GradingError):
    """No such problem set; the message lists those there are."""


class MissingPackages(GradingError):
    """A problem set needs what is not installed; the message says what to install."""


@dataclass(frozen=True)
class Assignment:
    """A problem set as its author wrote it.

    Parameters
    ----------
    name : str
        The folder's and the notebook's name.
    notebook : NotebookNode
        The instructor's notebook, with solutions and hidden tests.
    settings : dict
        The content of `assignment.toml`.
    """

    name: str
    folder: Path
    notebook: NotebookNode
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def limits(self) -> Limits:
        """What one submission may use."""
        known = {f.name for f in fields(Limits)}
        given = self.settings.get("limits", {})
        if unknown := set(given) - known:
            raise ValueError(
                f"{self.folder / 'assignment.toml'}: unknown limits {sorted(unknown)}; known: {sorted(known)}"
            )
        return Limits(**given)

    @property
    def forbidden(self) -> list[str]:
        """Dotted names that the student's code may not use."""
        return list(self.settings.get("forbidden", []))

    def check_requirements(self) -> None:
        """Make sure that what the problem set `requires` is installed.

        Raises
        ------
        MissingPackages
            It is not.
        """
        missing = [name for name in self.settings.get("requires", []) if importlib.util.find_spec(name) is None]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise MissingPackages(
                f"{self.name} needs {' and '.join(missing)}, which {are} not installed: "
                'pip install "sigmoid-course[frameworks]"'
            )

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the notebook and its settings."""
        parts = [nbformat.writes(self.notebook), repr(sorted(self.settings.items()))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @functools.cached_property
    def imports(self) -> tuple[str, ...]:
        """The modules that its code cells import, each with those that an import of a name from it may mean."""
        return _imported(c.source for c in self.notebook.cells if role(c) in ("locked", "answer") and is_code(c))

    @functools.cached_property
    def setups(self) -> dict[str, str]:
        """The instructor's setup cells as tests need them: grade_id -> source.

        What a cell imports for learners, and neither a test nor another line of these cells names, is left out:
        plotting libraries take longer to load than a small class takes to grade.
        """
        cells = {
            str(grade_id(c)): c.source for c in self.notebook.cells if role(c) == "locked" and c.cell_type == "code"
        }
        sources = [*self._test_sources(), *cells.values()]
        named = {"*"}.union(*map(_names, sources))
        return {name: _without_imports(source, named) for name, source in cells.items()}

    @functools.cached_property
    def trusted_imports(self) -> tuple[str, ...]:
        """The modules that tests and their setup import."""
        return _imported([*self.setups.values(), *self._test_sources()])

    def _test_sources(self) -> list[str]:
        return [c.source for c in self.notebook.cells if role(c) == "test"]

    def tests(self) -> dict[str, float]:
        """Return the auto-graded test cells: grade_id -> points."""
        return {str(grade_id(c)): c.metadata.nbgrader.points for c in self.notebook.cells if role(c) == "test"}

    def heading(self) -> str:
        """Return the notebook's own title, or else the problem set's name."""
        return next((title for title, level in _headings(self.notebook.cells) if level == 1), self.name)

    def headings(self) -> dict[str, str]:
        """Return what a reader calls each cell that has a name: grade_id -> the heading that it stands under."""
        found, last = {}, ""
        for cell in self.notebook.cells:
            last = next((title for title, level in _headings([cell]) if level == 2), last)
            if name := grade_id(cell):
                found[name] = last or name
        return found


def load(name: str, solutions: Path) -> Assignment:
    """Read a problem set from the folder of the instructor's notebooks.

    Raises
    ------
    UnknownAssignment
        There is no notebook ``solutions/name/name.ipynb``.
    """
    folder = solutions / name
    path = folder / f"{name}.ipynb"
    if not path.is_file():
        there = ", ".join(names(solutions)) or "none"
        raise UnknownAssignment(f"no problem set {name!r} in {solutions}; there are: {there}")
    settings_file = folder / "assignment.toml"
    settings = tomllib.loads(settings_file.read_text(encoding="utf-8")) if settings_file.exists() else {}
    return Assignment(name, folder, nbformat.read(path, as_version=4), settings)


def names(solutions: Path) -> list[str]:
    """Return the names of the problem sets in a folder."""
    return sorted(p.parent.name for p in solutions.glob("*/*.ipynb") if p.stem == p.parent.name)


def _imported(sources: Iterable[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for source in sources:
        with contextlib.suppress(SyntaxError):  # IPython's own
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return tuple(sorted(found))


def _names(source: str) -> set[str]:
    """Return the names that a cell uses; an import by itself uses none."""
    try:
        return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    except SyntaxError:  # IPython's own
        return set(re.findall(r"\w+", source))


def _without_imports(source: str, kept: set[str]) -> str:
    """Return a cell without the imports at its top level that bind no name of `kept`."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # IPython's own
        return source
    tree.body = [node for node in tree.body if not _binds_nothing_of(node, kept)]
    return ast.unparse(tree)


def _binds_nothing_of(node: ast.stmt, kept: set[str]) -> bool:
    """Return whether this is an import, and of no name of `kept`."""
    if not isinstance(node, ast.Import | ast.ImportFrom) or getattr(node, "module", None) == "__future__":
        return False
    return kept.isdisjoint((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _headings(cells: list[NotebookNode]) -> Iterator[tuple[str, int]]:
    for cell in cells:
        if cell.cell_type == "markdown" and grade_id(cell) is None:
            for marks, title in re.findall(r"^(#{1,2}) +(.+?) *#*$", cell.source, re.MULTILINE):
                yield title, len(marks)


def grade_id(cell: NotebookNode) -> str | None:
    """Return nbgrader's name of a cell; None where it has none."""
    found = cell.metadata.get("nbgrader", {}).get("grade_id")
    return found if isinstance(found, str) else None


def is_code(cell: NotebookNode) -> bool:
    """Return whether a cell is one of Python; those with IPython's own syntax are not."""
    if cell.cell_type != "code":
        return False
    try:
        ast.parse(cell.source)
    except SyntaxError:
        return False
    return True


def role(cell: NotebookNode) -> str:
    """Return what a cell of the instructor's notebook is for.

    "test" (graded code), "answer" (the learner's, code or text), "locked" (the instructor's, run as it is), "free" (not
    nbgrader's).
    """
    marks = cell.metadata.get("nbgrader")
    if not marks or grade_id(cell) is None:
        return "free"
    if marks.get("solution"):
        return "answer"
    return "test" if marks.get("grade") and cell.cell_type == "code" else "locked"


@functools.cache
def shown_and_hidden(source: str) -> tuple[str, str]:
    """Return the parts of a test cell before its hidden tests, and from there on; the second may be empty.

    Raises
    ------
    ValueError
        They cannot be run apart, or something of the student's is used after the hidden tests.
    """
    lines = source.splitlines(keepends=True)
    marks = {line.strip(): number for number, line in reversed(list(enumerate(lines)))}
    begin = marks.get(HIDDEN_BEGIN, len(lines))
    shown, hidden = "".join(lines[:begin]), "".join(lines[begin:])
    try:
        ast.parse(shown), ast.parse(hidden)
    except SyntaxError as error:
        raise ValueError(f"put the line {HIDDEN_BEGIN} where no block is open: hidden tests run apart") from error
    last = "".join(lines[1 + marks.get(HIDDEN_END, len(lines)) :])
    if {name.id for name in ast.walk(ast.parse(last)) if isinstance(name, ast.Name)} > {"check"}:
        raise ValueError("put the hidden tests last, before check.score(): what they ran on could be shown after them")
    return shown, hidden


def without_hidden_tests(source: str) -> str:
    """Return a test cell as learners may see it after grading."""
    lines: list[str] = []
    hidden = False
    for line in source.splitlines():
        if line.strip() == HIDDEN_BEGIN:
            hidden = True
            lines.append("# Hidden checks ran here.")
        elif line.strip() == HIDDEN_END:
            hidden = False
        elif not hidden:
            lines.append(line)
    return "\n".join(lines)
