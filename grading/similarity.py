"""Which submissions are alike: every pair of a class, and each against the published solution.

Copydetect does the comparing: it replaces names, drops comments and white space, and finds what passages two texts
share by winnowing (S. Schleimer, D. Wilkerson and A. Aiken, "Winnowing: Local Algorithms for Document Fingerprinting",
SIGMOD 2003), the method of MOSS. It was taken before compare50, which wants files on disk and writes a page of its own
for each pair that no report of a thousand students can hold.

Being alike is no proof: tasks with one natural answer are alike in honest work. What the release gave to all is left
out, and the page shows the passages, for a person to judge.
"""

from __future__ import annotations

import ast
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from copydetect import CodeFingerprint, compare_files
from markupsafe import Markup

from grading import intake
from grading.assignment import Assignment, grade_id, role
from grading.report import render

# Characters of filtered code, where a name is one: shorter passages than NOISE are never found, all from SURE on are.
NOISE, SURE = 25, 35
SHOWN = 100  # pairs on the page
SOLUTION = "published solution"


@dataclass(frozen=True)
class Pair:
    """Two submissions and what of each is in the other.

    Parameters
    ----------
    similarity : float
        The larger of the shares of the two texts that the other has, too, of what the release had not given.
    passages : tuple of Markup
        Both texts, with what they share marked.
    """

    first: str
    second: str
    similarity: float
    passages: tuple[Markup, Markup]


def compare(
    assignment: Assignment,
    paths: Mapping[str, Path],
    least: float,
    progress: Callable[..., object] = lambda **_: None,
) -> tuple[list[Pair], dict[str, str]]:
    """Return the pairs that are at least so much alike, most alike first, and why some could not be compared.

    Parameters
    ----------
    paths : mapping of str to Path
        Student to notebook.
    least : float
        Similarity, from 0 to 1, from which on a pair is returned.
    progress : callable
        Called with `completed` and `total`.
    """
    given = _fingerprint(_stub(assignment), "release")
    solution = intake.cells(assignment.notebook, assignment.name)
    prints = {SOLUTION: _fingerprint(_answers(assignment, solution), SOLUTION, given)}
    skipped: dict[str, str] = {}
    for number, (student, path) in enumerate(paths.items(), 1):
        try:
            text = _answers(assignment, intake.read(student, path).cells)
        except intake.IntakeError as error:
            skipped[student] = str(error)
        else:
            prints[student] = _fingerprint(text, student, given)
        progress(completed=number, total=len(paths))
    pairs = []
    for first, second in _candidates(prints, least):
        one, other = prints[first], prints[second]
        _, shares, slices = compare_files(one, other)
        if max(shares) >= least:
            pairs.append(
                Pair(first, second, min(1.0, float(max(shares))), (_marked(one, slices[0]), _marked(other, slices[1])))
            )
    return sorted(pairs, key=lambda p: (-p.similarity, p.first, p.second)), skipped


def write(
    assignment: Assignment, pairs: list[Pair], skipped: Mapping[str, str], compared: int, least: float, out: Path
) -> None:
    """Write the page."""
    values = {"pairs": pairs[:SHOWN], "left_out": len(pairs) - SHOWN, "skipped": skipped, "compared": compared}
    page = render("similarity.html", assignment=assignment.name, least=least, solution=SOLUTION, **values)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


def _answers(assignment: Assignment, cells: list[intake.Cell]) -> str:
    """Return the code of the answer cells, task by task, without docstrings, which the release gives."""
    tasks = [str(grade_id(c)) for c in assignment.notebook.cells if role(c) == "answer" and c.cell_type == "code"]
    last = {cell.key: cell.source for cell in cells}
    return "\n\n".join(f"# {task}\n{_without_docstrings(last[task])}" for task in tasks if task in last)


def _stub(assignment: Assignment) -> str:
    """Return what the release gives of the answers: their first lines, until the solution begins."""
    cells = [c for c in assignment.notebook.cells if role(c) == "answer" and c.cell_type == "code"]
    kept = [c.source.partition("### BEGIN SOLUTION")[0] for c in cells]
    return "\n\n".join(map(_without_docstrings, kept))


def _without_docstrings(source: str) -> str:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return source
    lines = source.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            said = node.body[0]
            lines[said.lineno - 1 : said.end_lineno] = [""] * (said.end_lineno - said.lineno + 1)  # type: ignore[operator]
    return "\n".join(line for line in lines if line.strip())


def _fingerprint(text: str, name: str, given: Any = None) -> Any:
    boilerplate = np.array(sorted(given.hashes)) if given is not None else None
    return CodeFingerprint(name, NOISE, SURE - NOISE + 1, boilerplate, language="python", fp=io.StringIO(text))


def _candidates(prints: Mapping[str, Any], least: float) -> list[tuple[str, str]]:
    """Return the pairs that share enough fingerprints to be worth aligning.

    All pairs of a thousand students are half a million; most share next to nothing.
    """
    holders: dict[int, list[str]] = {}
    for name, one in prints.items():
        for value in one.hashes:
            holders.setdefault(value, []).append(name)
    shared = Counter(pair for names in holders.values() for pair in combinations(names, 2))
    return [
        (first, second)
        for (first, second), count in shared.items()
        if count >= least / 2 * min(len(prints[first].hashes), len(prints[second].hashes))
    ]


def _marked(one: Any, slices: Any) -> Markup:
    """Return a text with the slices marked, everything else escaped."""
    parts, end = [], 0
    for start, stop in np.asarray(slices, dtype=int).T:
        parts += [Markup.escape(one.raw_code[end:start]), Markup("<mark>"), one.raw_code[start:stop], Markup("</mark>")]
        end = stop
    return Markup("").join([*parts, one.raw_code[end:]])
