"""Marks as other systems read them: a table of everything, and what Canvas and Moodle import.

Marks come from the gradebook, so those given by hand and penalties for lateness count.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

from grading.gradebook import Standing

Class = Mapping[str, Mapping[str, Standing]]
"""What stands in the gradebook: problem set -> student -> standing."""

# A spreadsheet takes a cell that begins like this for a formula, and a student may have chosen the name of a folder.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(standings: Class) -> list[list[str]]:
    """Return one row a student: for each problem set its marks, the most there are, and each task's marks.

    What is taken off for lateness is in a column of its own; the marks are less this.
    """
    header = ["student", "last name", "first name", "email"]
    for name, students in standings.items():
        header += [
            name,
            f"{name} of",
            f"{name} unmarked",
            f"{name} penalty",
            *(f"{name}/{task}" for task in _most(students)),
        ]
    rows = []
    for student, person in _people(standings).items():
        row = [
            plain_text(student),
            plain_text(person.last_name),
            plain_text(person.first_name),
            plain_text(person.email),
        ]
        for students in standings.values():
            standing = students.get(student)
            if standing is None:
                row += [""] * (4 + len(_most(students)))
                continue
            row += [_number(standing.points), _number(sum(standing.most.values())), str(standing.unmarked)]
            row += [_number(standing.penalty)]
            row += [_number(standing.scores[task]) for task in _most(students)]
        rows.append(row)
    return [header, *rows]


def canvas(standings: Class) -> list[list[str]]:
    """Return what Canvas's gradebook imports: it knows a student by ID, or else by login, and a new column by its name.

    The ID is nbgrader's `lms_user_id`; without it, students' names here must be their logins there.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *standings]
    most = [_number(sum(_most(students).values())) for students in standings.values()]
    rows = [["    Points Possible", "", "", "", "", *most]]
    for student, person in _people(standings).items():
        name = ", ".join(filter(None, (person.last_name, person.first_name))) or student
        marks = [_number(students[student].points) if student in students else "" for students in standings.values()]
        rows.append([plain_text(name), plain_text(person.lms_user_id), "", plain_text(student), "", *marks])
    return [header, *rows]


def moodle(standings: Class) -> list[list[str]]:
    """Return what Moodle's gradebook imports, with "username" as the column to identify users by."""
    header = ["username", "email", *standings]
    rows = []
    for student, person in _people(standings).items():
        marks = [_number(students[student].points) if student in students else "" for students in standings.values()]
        rows.append([plain_text(student), plain_text(person.email), *marks])
    return [header, *rows]


#: Name of a format to the function that makes its rows.
FORMATS: Mapping[str, Callable[[Class], list[list[str]]]] = {"csv": table, "canvas": canvas, "moodle": moodle}


def write(rows: list[list[str]], path: Path) -> None:
    """Write rows as a CSV file, whole or not at all."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text.getvalue(), encoding="utf-8", newline="")
    unfinished.replace(path)


def _people(standings: Class) -> dict[str, Standing]:
    """Return who has handed something in, by name."""
    found = {student: standing for students in standings.values() for student, standing in students.items()}
    return dict(sorted(found.items()))


def _most(students: Mapping[str, Standing]) -> Mapping[str, float]:
    """Return the most that each task of a problem set gives."""
    return next(iter(students.values())).most if students else {}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def plain_text(value: str | None) -> str:
    """Return a cell's text such that no spreadsheet computes it."""
    text = value or ""
    return "'" + text if text.startswith(_FORMULA) else text
