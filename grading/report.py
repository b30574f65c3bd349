"""What a class did not understand: marks, tasks, misconceptions, and submissions that need a person.

One HTML page that needs nothing beside it, and the same figures as CSV files.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from course_lib.checks import misconceptions
from grading import export
from grading.assignment import Assignment
from grading.gradebook import Standing
from grading.results import Result

BINS = 10  # bars of the histogram


@dataclass(frozen=True)
class Task:
    """How a class did in one graded cell.

    Parameters
    ----------
    name : str
        Its grade_id.
    title : str
        The heading that it stands under.
    most : float
        The most it gives.
    marked : int
        Submissions that have marks for it.
    mean_share : float or None
        Mean of the marks as a share of the most: the item's difficulty, as it is called, though easy tasks have the
        largest.
    full, none : int
        Submissions with all marks, and without any.
    discrimination : float or None
        Correlation of the marks with those of all other tasks together. Near 0, or negative: the task tells nothing
        of what the others ask for, and may be wrong itself. None where all marks are alike, or fewer than three.
    """

    name: str
    title: str
    most: float
    marked: int
    mean_share: float | None
    full: int
    none: int
    discrimination: float | None


@dataclass(frozen=True)
class Misconception:
    """How many students a misconception was named to, and in which tasks."""

    name: str
    hint: str
    students: int
    tasks: Sequence[str]
    titles: Sequence[str]


@dataclass(frozen=True)
class Report:
    """The figures of a class, ready to be written."""

    assignment: str
    title: str
    students: int
    most: float
    marks: Sequence[float]
    tasks: Sequence[Task]
    misconceptions: Sequence[Misconception]
    needs_person: Mapping[str, Sequence[str]]
    unmarked: int
    not_isolated: int

    @property
    def median(self) -> float:
        """Half of the submissions have at most so many points."""
        return float(np.median(self.marks)) if self.marks else 0.0

    @property
    def histogram(self) -> list[int]:
        """Students in each tenth of the marks; the last holds those with all marks, too."""
        return [int(n) for n in np.histogram(self.marks, bins=BINS, range=(0, self.most or 1))[0]]


def analyse(assignment: Assignment, standings: Mapping[str, Standing], results: Mapping[str, Result]) -> Report:
    """Return the figures of a class.

    Parameters
    ----------
    standings : mapping of str to Standing
        Marks, those given by hand included.
    results : mapping of str to Result
        What grading found, for misconceptions and for what needs a person.
    """
    most = next(iter(standings.values())).most if standings else {}
    named: dict[str, set[str]] = {}
    where: dict[str, set[str]] = {}
    for student, result in results.items():
        for mark in result.marks:
            for hint in mark.hints:
                named.setdefault(hint, set()).add(student)
                where.setdefault(hint, set()).add(mark.grade_id)
    order = list(most).index
    headings = assignment.headings()
    explained = {name: fields["hint"] for name, fields in misconceptions().items()}
    return Report(
        assignment=assignment.name,
        title=str(assignment.settings.get("title", assignment.name)),
        students=len(standings),
        most=sum(most.values()),
        marks=[min(s.points, sum(most.values())) for s in standings.values()],
        tasks=[
            _task(name, headings.get(name, name), points, list(standings.values())) for name, points in most.items()
        ],
        misconceptions=[
            Misconception(
                hint,
                explained.get(hint, ""),
                len(who),
                sorted(where[hint], key=order),
                [headings.get(name, name) for name in sorted(where[hint], key=order)],
            )
            for hint, who in sorted(named.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
        needs_person={s: r.needs_person for s, r in sorted(results.items()) if r.needs_person},
        unmarked=sum(s.unmarked > 0 for s in standings.values()),
        not_isolated=sum(not r.isolated for r in results.values()),
    )


def _task(name: str, title: str, most: float, standings: Sequence[Standing]) -> Task:
    marked = [s for s in standings if s.scores[name] is not None]
    own = np.array([s.scores[name] for s in marked], dtype=float)
    others = np.array([sum(v or 0.0 for cell, v in s.scores.items() if cell != name) for s in marked])
    tells = len(marked) > 2 and np.ptp(own) > 0 and np.ptp(others) > 0
    return Task(
        name=name,
        title=title,
        most=most,
        marked=len(marked),
        mean_share=float(own.mean() / most) if len(marked) and most else None,
        full=int((own >= most).sum()),
        none=int((own <= 0).sum()),
        discrimination=float(np.corrcoef(own, others)[0, 1]) if tells else None,
    )


def write(report: Report, folder: Path) -> Path:
    """Write `report.html` and three CSV files into a folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    page.write_text(render("report.html", report=report, bars=_bars(report)), encoding="utf-8")
    tasks = [["task", "most", "marked", "mean share", "full marks", "no marks", "discrimination"]]
    tasks += [
        [t.name, f"{t.most:g}", str(t.marked), _share(t.mean_share), str(t.full), str(t.none), _share(t.discrimination)]
        for t in report.tasks
    ]
    named = [["misconception", "students", "tasks"]]
    named += [[m.name, str(m.students), " ".join(m.tasks)] for m in report.misconceptions]
    attention = [["student", "reason"]]
    attention += [
        [export.plain_text(student), export.plain_text(reason)]
        for student, reasons in report.needs_person.items()
        for reason in reasons
    ]
    for name, rows in (("tasks", tasks), ("misconceptions", named), ("needs-person", attention)):
        export.write(rows, folder / f"{name}.csv")
    return page


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _bars(report: Report) -> list[dict[str, Any]]:
    """Return the histogram's bars: what each says, and its size as a share of the tallest."""
    counts = report.histogram
    edges = [report.most * i / BINS for i in range(BINS + 1)]
    return [
        {"count": n, "height": n / max(counts) if any(counts) else 0, "low": edges[i], "high": edges[i + 1]}
        for i, n in enumerate(counts)
    ]


@functools.cache
def _templates() -> jinja2.Environment:
    # Names, messages and code come from students: whatever is not escaped would be live on an instructor's page.
    loader = jinja2.PackageLoader("grading")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["share"] = lambda value: "–" if value is None else f"{value:.2f}"
    return environment


def render(template: str, **values: Any) -> str:
    """Return a page made from one of the templates beside this module."""
    page: str = _templates().get_template(template).render(**values)
    return page
