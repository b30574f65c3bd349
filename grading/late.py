"""What is taken off for handing in late.

The policy belongs to the class, not to the problem set: due times change every term, extensions are personal. So it
stands in `late.toml`, beside the folder of submissions:

    zone = "Europe/Berlin"       # whose clock the times below are read from
    share_per_day = 0.1          # of the most points, for each day that has begun
    grace_minutes = 10           # no penalty until then; 0 if left out
    share_at_most = 0.5          # never more than this share; 1 if left out
    days = 7                     # handed in later than so many days: nothing counts; left out: no such end

    [due]
    ps1_curve = 2026-10-09T23:59:00

    [extensions.ps1_curve]
    ada = 2026-10-14T23:59:00    # her own due time

When a submission came in, whoever received it says, in a CSV file. Nothing in a submission is asked, neither a file
nor its date: a student can write any time there.

A penalty is a share of the most points that the problem set gives, not of those that were earned. It does not depend on
the marks then, and stays right when a person gives more of them later. Whoever reads marks stops at 0.
"""

from __future__ import annotations

import csv
import itertools
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grading import GradingError

EXAMPLE = "2026-10-09T23:58:12+02:00"
SHOWN = 5  # problems of a file in one message


class LateError(GradingError):
    """A policy, or the times of receipt, cannot be used; the message says which line and what to write."""


@dataclass(frozen=True)
class Policy:
    """Due times of one problem set, and what lateness costs.

    Parameters
    ----------
    zone : ZoneInfo
        Whose clock `due` and `extensions` are read from.
    due : datetime
        Without a zone.
    share_per_day : float
        Of the most points, for each day begun.
    extensions : mapping of str to datetime
        A student's own due time.
    grace : timedelta
        So much later is still in time.
    share_at_most : float
        The largest share within `days`.
    days : int or None
        After so many days nothing counts.
    """

    zone: ZoneInfo
    due: datetime
    share_per_day: float
    extensions: Mapping[str, datetime] = field(default_factory=dict)
    grace: timedelta = timedelta(0)
    share_at_most: float = 1.0
    days: int | None = None

    def due_for(self, student: str | None = None) -> datetime:
        """Return when a student's submission is due, or everybody's, in UTC."""
        return self._instant(self._local_due(student))

    def days_late(self, student: str, received: datetime) -> int:
        """Return how many days have begun between the due time and `received`; 0 within the grace.

        A day ends when the zone's clock shows the due time again. Where the clock is changed it has 23 or 25 hours.

        Examples
        --------
        >>> zone = ZoneInfo("Europe/Berlin")
        >>> policy = Policy(zone, datetime(2026, 10, 24, 23, 59), share_per_day=0.1)
        >>> policy.days_late("ada", datetime(2026, 10, 25, 23, 59, tzinfo=zone))  # 25 hours later
        1
        """
        due = self._local_due(student)
        if received <= self._instant(due) + self.grace:
            return 0
        return next(n for n in itertools.count(1) if received <= self._instant(due + timedelta(days=n)))

    def share(self, days_late: int) -> float:
        """Return the share of the most points that so many days cost."""
        if self.days is not None and days_late > self.days:
            return 1.0
        return min(self.share_per_day * days_late, self.share_at_most)

    def _local_due(self, student: str | None) -> datetime:
        return self.due if student is None else self.extensions.get(student, self.due)

    def _instant(self, local: datetime) -> datetime:
        """Read the zone's clock; of a time that it shows twice, or leaves out, the later reading counts."""
        return max(local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))


@dataclass(frozen=True)
class Receipt:
    """When a student's submission came in, when it was due (both in UTC), and what that costs."""

    received: datetime
    due: datetime
    days_late: int
    share: float


@dataclass(frozen=True)
class Lateness:
    """How late a class is.

    Parameters
    ----------
    due : datetime
        Everybody's due time, in UTC.
    receipts : mapping of str to (Receipt or None)
        Of each student; None where nobody says when the submission came in.
    needs_person : mapping of str to str
        Why somebody should see to a student.
    no_submission : list of str
        Who has an extension, but no submission: yet, or by this name.
    """

    due: datetime
    receipts: Mapping[str, Receipt | None]
    needs_person: Mapping[str, str]
    no_submission: list[str]


def assess(policy: Policy, received: Mapping[str, datetime], students: Collection[str]) -> Lateness:
    """Return how late each submission is.

    Parameters
    ----------
    received : mapping of str to datetime
        When each student's submission came in.
    students : collection of str
        Whose submissions there are.
    """
    receipts: dict[str, Receipt | None] = {}
    needs_person: dict[str, str] = {}
    for student in students:
        if student in received:
            days = policy.days_late(student, received[student])
            receipts[student] = Receipt(received[student], policy.due_for(student), days, policy.share(days))
        else:
            receipts[student] = None
            needs_person[student] = "nobody says when the submission came in, so no penalty was taken off"
    for student in sorted(set(received) - set(students)):
        needs_person[student] = "there is a time of receipt, but no submission"
    return Lateness(policy.due_for(), receipts, needs_person, sorted(set(policy.extensions) - set(students)))


def load_policy(path: Path, assignment: str) -> Policy | None:
    """Read a class's policy for a problem set; None where it has no due time.

    Raises
    ------
    LateError
        The file cannot be read, or a setting makes no sense.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        return _policy(settings, assignment)
    except FileNotFoundError:
        raise LateError(
            f"there is no {path}: write there when {assignment} is due and what lateness costs, as the guide says"
        ) from None
    except (OSError, ValueError) as error:  # a TOML error is a ValueError
        raise LateError(f"{path}: {_said(error)}") from error


def load_received(path: Path) -> dict[str, datetime]:
    """Read times of receipt from a CSV file with the columns ``student`` and ``time``; others are left alone.

    A time is in ISO 8601 and has a zone, as in ``2026-10-09T23:58:12+02:00``, or as `ls --full-time` writes it. A line
    without a time is one of a student who has handed in nothing.

    Raises
    ------
    LateError
        The file cannot be read, a student is there twice, or something is no time or has no zone.
    """
    received: dict[str, datetime] = {}
    seen: dict[str, int] = {}
    problems: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet puts a mark before the first name
            rows = csv.DictReader(file, strict=True)
            if missing := {"student", "time"} - set(rows.fieldnames or ()):
                raise ValueError(
                    f"no column {' and no column '.join(sorted(missing))}: the first line must name them, as in "
                    "student,time"
                )
            for row in rows:
                student, time = ((row[column] or "").strip() for column in ("student", "time"))
                if student in seen:
                    problem = f"{student} is in line {seen[student]} already; keep the one of what is graded"
                    problems.append(f"line {rows.line_num}: {problem}")
                elif not student:
                    problems.append(f"line {rows.line_num}: no student")
                else:
                    seen[student] = rows.line_num
                    try:
                        if time:
                            received[student] = parse_time(time)
                    except ValueError as error:
                        problems.append(f"line {rows.line_num}: {student}: {error}")
    except (OSError, ValueError, csv.Error) as error:
        raise LateError(f"{path}: {_said(error)}") from error
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise LateError("\n  ".join([f"{path} cannot be used:", *problems[:SHOWN], *more]))
    return received


def parse_time(text: str) -> datetime:
    """Return a time with a zone, in UTC.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> parse_time("2026-10-09 23:58:12.500000000 +0200").isoformat()
    '2026-10-09T21:58:12.500000+00:00'
    """
    compact = re.sub(r"\s+(?=(Z|[+-]\d\d:?\d\d)$)", "", re.sub(r"\s*UTC$", "Z", text))
    try:
        time = datetime.fromisoformat(compact)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; write it like {EXAMPLE}") from None
    raise ValueError(f"{text!r} has no zone, so it may be any of 24 hours; write it like {EXAMPLE}")


def _policy(settings: Mapping[str, Any], assignment: str) -> Policy | None:
    known = ("zone", "share_per_day", "grace_minutes", "share_at_most", "days", "due", "extensions")
    if unknown := sorted(set(settings) - set(known)):
        raise ValueError(f"unknown settings {', '.join(unknown)}; known: {', '.join(known)}")
    if lacking := [key for key in ("zone", "share_per_day", "due") if key not in settings]:
        raise ValueError(f"no {' and no '.join(lacking)}")
    try:
        zone = ZoneInfo(settings["zone"])
    except (ZoneInfoNotFoundError, OSError, ValueError, TypeError, AttributeError):
        raise ValueError(f"there is no zone {settings['zone']!r}; write one like Europe/Berlin") from None
    due = _times(settings, "due")
    extensions = {name: _times(settings["extensions"], name) for name in _table(settings, "extensions")}
    if strangers := sorted(set(extensions) - set(due)):
        raise ValueError(f"extensions for {', '.join(strangers)}, but [due] has no such problem set")
    for name, own in extensions.items():
        if early := [student for student, time in own.items() if time < due[name]]:
            raise ValueError(f"the extension of {early[0]} for {name} ends before {name} is due")
    most = settings.get("days")
    if not (most is None or (type(most) is int and most >= 0)):
        raise ValueError(f"days = {most!r} is not a number of days")
    grace = settings.get("grace_minutes", 0)
    if type(grace) not in (int, float) or not 0 <= grace < float("inf"):
        raise ValueError(f"grace_minutes = {grace!r} is not a number of minutes")
    shares = (_share(settings, "share_per_day"), _share({"share_at_most": 1.0, **settings}, "share_at_most"))
    if assignment not in due:
        return None
    own = extensions.get(assignment, {})
    return Policy(zone, due[assignment], shares[0], own, timedelta(minutes=grace), shares[1], most)


def _share(settings: Mapping[str, Any], key: str) -> float:
    value = settings[key]
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ValueError(f"{key} = {value!r} is not a share, from 0 to 1")
    return float(value)


def _table(settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = settings.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"{key} = {value!r} is not a table; begin one with [{key}]")
    return value


def _times(settings: Mapping[str, Any], key: str) -> dict[str, datetime]:
    times = _table(settings, key)
    for name, time in times.items():
        if not isinstance(time, datetime) or time.tzinfo is not None:
            raise ValueError(f"{name} = {time} in {key}: write date and time without a zone, as in 2026-10-09T23:59:00")
    return times


def _said(error: Exception) -> str:
    """Return what went wrong, without what the system adds around it."""
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)
