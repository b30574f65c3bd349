"""What grading one submission gave, and the files that keep it.

A result depends on nothing but the submission, the tests, the environment, the cohort's seed, and whether student code
was confined; its key is their hash. So a result that is there already is not made again, and no file is ever changed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import course_lib
from course_lib.checks import SEED_VARIABLE
from grading.assignment import Assignment

FORMAT = 3


@dataclass(frozen=True)
class Mark:
    """What one test cell gave: points, and the misconceptions that its failing checks name."""

    grade_id: str
    points: float
    max_points: float
    hints: list[str]
    report: str


@dataclass(frozen=True)
class Result:
    """The outcome for one submission.

    Parameters
    ----------
    key : str
        Hash of all that the outcome depends on.
    marks : list of Mark
        One a test cell, in the notebook's order.
    needs_person : list of str
        Why somebody should look at it; empty for most.
    notebook : dict or None
        The graded notebook; None where the submission could not be read.
    isolated : bool
        Whether student code, if any ran, was confined.
    """

    key: str
    student: str
    assignment: str
    marks: list[Mark]
    needs_person: list[str] = field(default_factory=list)
    notebook: dict[str, Any] | None = None
    isolated: bool = True

    @property
    def points(self) -> float:
        """Points of all test cells together."""
        return sum(mark.points for mark in self.marks)

    def to_json(self) -> str:
        """Return the result as text; the same result is the same text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Result:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            It is of another format, or damaged.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
            raise ValueError("a result of another format")
        try:
            data["marks"] = [Mark(**mark) for mark in data["marks"]]
            return cls(**data)
        except (TypeError, KeyError) as error:
            raise ValueError("a damaged result") from error


def ungraded(assignment: Assignment, student: str, reason: str, digest: str = "") -> Result:
    """Return the result of a submission that could not be graded: no points, and a person to look at it."""
    marks = [Mark(name, 0.0, points, [], "") for name, points in assignment.tests().items()]
    return Result(key(assignment, digest or f"unreadable: {reason}"), student, assignment.name, marks, [reason])


def key(assignment: Assignment, digest: str, isolated: bool = True) -> str:
    """Hash what a result depends on: submission, tests, code of grader and course, versions, seed, isolation."""
    parts = [digest, assignment.digest, environment(), os.environ.get(SEED_VARIABLE, "0"), str(isolated)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def environment() -> str:
    """Return what stands for the code that grades: a hash of grader and course, and the versions that they build on."""
    folders = [Path(__file__).parent, Path(course_lib.__file__).parent]
    files = sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".toml", ".cu"))
    digest = hashlib.sha256(b"\0".join(p.read_bytes() for p in files)).hexdigest()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "scipy", "ipython")]
    return ", ".join([f"Python {platform.python_version()}", *versions, f"grader {digest[:16]}"])


class Kept:
    """A folder of results, one file each: ``student/key.json``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, student: str, name: str) -> Result | None:
        """Return the result of that key; None where there is none, or only a damaged file."""
        try:
            return Result.from_json(self._path(student, name).read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def add(self, student: str, name: str, text: str) -> None:
        """Keep what a result's `to_json` wrote; a run that is killed leaves whole files only."""
        path = self._path(student, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)

    def _path(self, student: str, name: str) -> Path:
        return self._folder / student / f"{name}.json"
