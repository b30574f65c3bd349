"""Lateness: times worked out by hand around changes of the clock, pandas' and nbgrader's own reckoning as oracles."""

import contextlib
import csv
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from grading import gradebook, late, rehearsal
from grading.cli import main

from .conftest import require_isolation, write_submission
from .test_gradebook import nbgrader

ROOT = Path(__file__).resolve().parents[2]
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def policy(zone=BERLIN, due="2026-10-24T23:59", **more) -> late.Policy:
    return late.Policy(ZoneInfo(zone), datetime.fromisoformat(due), **{"share_per_day": 0.1, **more})


@pytest.mark.parametrize(
    ("zone", "due", "received", "days"),
    [
        # Berlin leaves summer time on 25 October 2026 at 3:00, so that day has 25 hours.
        (BERLIN, "2026-10-24T23:59", "2026-10-24T23:59:00+02:00", 0),
        (BERLIN, "2026-10-24T23:59", "2026-10-24T23:59:01+02:00", 1),
        (BERLIN, "2026-10-24T23:59", "2026-10-25T23:59:00+01:00", 1),  # 25 hours later
        (BERLIN, "2026-10-24T23:59", "2026-10-25T22:59:00Z", 1),  # the same moment
        (BERLIN, "2026-10-24T23:59", "2026-10-25T23:59:01+01:00", 2),
        # It comes back to it on 28 March 2027 at 2:00, so that day has 23 hours.
        (BERLIN, "2027-03-27T23:59", "2027-03-28T23:59:00+02:00", 1),  # 23 hours later
        (BERLIN, "2027-03-27T23:59", "2027-03-28T22:59:30Z", 2),  # 24 hours and half a minute
        # New York leaves it on 1 November 2026.
        (NEW_YORK, "2026-10-31T12:00", "2026-11-01T17:00:00Z", 1),
        (NEW_YORK, "2026-10-31T12:00", "2026-11-02T18:00:00Z", 3),
        # A due time that the clock shows twice is the later one; one that it leaves out is an hour later on the clock.
        (BERLIN, "2026-10-25T02:30", "2026-10-25T01:30:00Z", 0),
        (BERLIN, "2026-10-25T02:30", "2026-10-25T01:30:01Z", 1),
        (BERLIN, "2027-03-28T02:30", "2027-03-28T01:30:00Z", 0),
        (BERLIN, "2027-03-28T02:30", "2027-03-28T01:30:01Z", 1),
        ("Asia/Kathmandu", "2026-10-09T18:00", "2026-10-09T12:15:00Z", 0),  # 5:45 ahead
        ("Asia/Kathmandu", "2026-10-09T18:00", "2026-10-09T12:15:01Z", 1),
    ],
)
def test_days_are_those_of_the_clock(zone, due, received, days):
    assert policy(zone, due).days_late("ada", late.parse_time(received)) == days


@given(
    zone=st.sampled_from([BERLIN, NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    due=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    seconds=st.integers(-100_000, 3_000_000),
)
@settings(deadline=None)
def test_days_are_counted_as_pandas_counts_them(zone, due, seconds):
    assume(not 0 <= due.hour <= 3)  # pandas refuses times that the clock shows twice or leaves out
    due = due.replace(microsecond=0)
    begin = pd.Timestamp(due, tz=zone)
    received = begin + pd.Timedelta(seconds=seconds)
    expected = next(n for n in range(100) if received <= begin + pd.DateOffset(days=n))
    made = policy(zone, due.isoformat())
    assert made.days_late("ada", received.to_pydatetime()) == expected
    assert made.due_for() == begin


def test_within_the_grace_one_is_in_time_and_after_it_late_from_the_due_time_on():
    made = policy(grace=timedelta(minutes=10))
    due = made.due_for()
    assert made.days_late("ada", due + timedelta(minutes=10)) == 0
    assert made.days_late("ada", due + timedelta(minutes=10, seconds=1)) == 1
    assert made.days_late("ada", due + timedelta(hours=25, seconds=1)) == 2


def test_an_extension_moves_one_students_due_time():
    made = policy(extensions={"ben": datetime(2026, 10, 27, 12)})
    received = late.parse_time("2026-10-26T20:00:00+01:00")
    assert made.days_late("ada", received) == 2
    assert made.days_late("ben", received) == 0
    assert made.due_for("ben") == datetime(2026, 10, 27, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "shares"),
    [
        ({}, [0, 0.1, 0.2, 0.3, 0.4, 1]),  # of days 0, 1, 2, 3, 4, 20
        ({"share_at_most": 0.25}, [0, 0.1, 0.2, 0.25, 0.25, 0.25]),
        ({"days": 3}, [0, 0.1, 0.2, 0.3, 1, 1]),
        ({"days": 3, "share_at_most": 0.25}, [0, 0.1, 0.2, 0.25, 1, 1]),
        ({"share_per_day": 0.0, "days": 2}, [0, 0, 0, 1, 1, 1]),
        ({"days": 0}, [0, 1, 1, 1, 1, 1]),
    ],
)
def test_what_days_cost(more, shares):
    assert [policy(**more).share(days) for days in (0, 1, 2, 3, 4, 20)] == pytest.approx(shares)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-10-09T21:58:12Z", "2026-10-09T23:58:12+02:00", "2026-10-09T23:58:12+0200", "2026-10-09 23:58:12 +0200"),
        *("2026-10-09 21:58:12 UTC", "2026-10-09 23:58:12.000000000 +0200", "2026-10-10T03:43:12 +05:45"),
    ],
)
def test_times_that_programs_write_are_read(text):
    assert late.parse_time(text) == datetime(2026, 10, 9, 21, 58, 12, tzinfo=UTC)


@given(st.datetimes(timezones=st.timezones()), st.sampled_from(["T", " "]))
@settings(deadline=None)
def test_every_iso_time_comes_back(time, separator):
    assume(datetime(2, 1, 1) < time.replace(tzinfo=None) < datetime(9999, 1, 1))
    assert late.parse_time(time.isoformat(separator)) == time.astimezone(UTC)


@given(st.text())
@settings(deadline=None)
def test_any_other_text_is_refused_in_words(text):
    with contextlib.suppress(ValueError):
        assume(datetime.fromisoformat(text) is None)
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        late.parse_time(text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"\xff\xfe\x00", "invalid start byte"),
        ("", "no column student and no column time"),
        ("name,time\nada,2026-10-09T12:00Z\n", "no column student: the first line must name them, as in student,time"),
        ("student;time\nada;2026-10-09T12:00Z\n", "no column student and no column time"),
        ("student,time\nada,2026-10-09T12:00\n", "line 2: ada: '2026-10-09T12:00' has no zone"),
        ("student,time\nada,9.10.2026 12:00\n", "line 2: ada: '9.10.2026 12:00' is no time; write it like 2026-"),
        ("student,time\nada,1760000000\n", "is no time"),
        ("student,time\nada,0001-01-01T00:00+12:00\n", "is no time"),
        ("student,time\nada,2026-10-09T12:00Z\nben,\nada,\n", "line 4: ada is in line 2 already; keep the one of what"),
        ("student,time\n,2026-10-09T12:00Z\n", "line 2: no student"),
        ('student,time\nada,"2026', "unexpected end of data"),
        ("student,time\n" + "".join(f"s{n},now\n" for n in range(9)), "s4: 'now' is no time; write it like "),
        ("student,time\n" + "".join(f"s{n},now\n" for n in range(9)), "\n  and 4 more"),
    ],
)
def test_times_of_receipt_that_cannot_be_used_are_named(tmp_path, content, says):
    path = tmp_path / "received.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(late.LateError) as error:
        late.load_received(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_a_spreadsheets_file_is_read(tmp_path):
    path = tmp_path / "received.csv"
    path.write_bytes('\ufeffname,student,time\r\n"Lace, Ada", ada ,2026-10-09T12:00Z\r\n,ben,\r\n'.encode())
    assert late.load_received(path) == {"ada": datetime(2026, 10, 9, 12, tzinfo=UTC)}


GOOD = {"zone": '"Europe/Berlin"', "share_per_day": "0.1"}


@pytest.mark.parametrize(
    ("changed", "rest", "says"),
    [
        ({"zone": None}, "", "no zone"),
        ({"zone": '"Berlin"'}, "", "there is no zone 'Berlin'; write one like Europe/Berlin"),
        ({"zone": '"Europe"'}, "", "there is no zone"),
        ({"zone": '"../Berlin"'}, "", "there is no zone"),
        ({"zone": "1"}, "", "there is no zone 1"),
        ({"share_per_day": None}, "", "no share_per_day"),
        ({"share_per_day": "10"}, "", "share_per_day = 10 is not a share, from 0 to 1"),
        ({"share_per_day": "-0.1"}, "", "is not a share"),
        ({"share_per_day": "nan"}, "", "is not a share"),
        ({"share_per_day": "true"}, "", "is not a share"),
        ({"share_at_most": "50"}, "", "share_at_most = 50 is not a share"),
        ({"grace_minutes": "-1"}, "", "grace_minutes = -1 is not a number of minutes"),
        ({"grace_minutes": "inf"}, "", "is not a number of minutes"),
        ({"days": "1.5"}, "", "days = 1.5 is not a number of days"),
        ({"grace": "10"}, "", "unknown settings grace; known: zone, share_per_day, grace_minutes"),
        ({}, "[due]\ntiny = 2026-10-09", "tiny = 2026-10-09 in due: write date and time without a zone"),
        ({}, "[due]\ntiny = 2026-10-09T12:00:00Z", "write date and time without a zone"),
        ({}, '[due]\ntiny = "soon"', "write date and time without a zone"),
        ({}, "due = 2026-10-09", "is not a table; begin one with [due]"),
        (
            {},
            "[due]\ntiny = 2026-10-09T12:00:00\n[extensions.tiny]\nada = 2026-10-08T12:00:00",
            "ada for tiny ends before",
        ),
        (
            {},
            "[due]\ntiny = 2026-10-09T12:00:00\n[extensions.tin]\nada = 2026-10-18T12:00:00",
            "extensions for tin, but",
        ),
        ({}, "[due]\ntiny = 2026-10-09T12:00:00\n[extensions]\ntiny = 3", "tiny = 3 is not a table"),
        ({}, "[due]\ntiny = ", "Invalid value"),
        ({}, "", "no due"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path, changed, rest, says):
    path = tmp_path / "late.toml"
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changed}.items() if value is not None]
    path.write_text("\n".join([*lines, rest if rest or says == "no due" else "[due]"]))
    with pytest.raises(late.LateError) as error:
        late.load_policy(path, "tiny")
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_the_guides_examples_are_read(tmp_path):
    guide = (ROOT / "book/teach/guide.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    (received,) = re.findall(r"```text\n(student,time\n.*?)```", guide, re.DOTALL)
    module = re.findall(r"^    (.*)$", late.__doc__ or "", re.MULTILINE)
    for number, text in enumerate((toml, "\n".join(module))):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        made = late.load_policy(path, "ps1_curve")
        assert made is not None
        assert made.extensions
        assert late.load_policy(path, "ps9") is None
    (tmp_path / "received.csv").write_text(received)
    assert len(late.load_received(tmp_path / "received.csv")) >= 2


POLICY = """zone = "Europe/Berlin"
share_per_day = 0.1
days = 5
[due]
tiny = 2026-10-24T23:59:00
[extensions.tiny]
cleo = 2026-10-27T23:59:00
flo = 2026-10-27T23:59:00
"""
# ada in time, ben late within the extra hour of the 25th, cleo within an extension, dan after the last day.
RECEIVED = """student,time
ada,2026-10-24T23:59:00+02:00
ben,2026-10-25T23:30:00+01:00
cleo,2026-10-27T23:00:00+01:00
dan,2026-11-01T12:00:00+01:00
gil,2026-10-24T12:00:00+02:00
"""


class Course:
    """A class with a policy, graded by the command."""

    def __init__(self, folder: Path, tiny) -> None:
        self.folder = folder
        self.solutions = ["--solutions", str(tiny.folder.parent)]
        for student in ("ada", "ben", "cleo", "dan", "eve"):
            write_submission(folder / "submitted", student, tiny.notebook)
        (folder / "late.toml").write_text(POLICY)
        (folder / "received.csv").write_text(RECEIVED)

    def grade(self, *more: str) -> int:
        files = ["--submitted", str(self.folder / "submitted"), "--workers", "1"]
        return main(
            ["grade", "tiny", *files, *self.solutions, *(more or ("--received", f"{self.folder}/received.csv"))]
        )

    def run(self, command: str, *more: str) -> int:
        return main([command, *more, *self.solutions, "--course", str(self.folder)])

    def penalties(self) -> dict[str, float]:
        with self.book() as book:
            return {s.student_id: s.late_submission_penalty for s in book.find_assignment("tiny").submissions}

    def book(self) -> Gradebook:
        return Gradebook(gradebook.default_database(self.folder))


@pytest.fixture
def course(tiny, tmp_path) -> Course:
    require_isolation()
    return Course(tmp_path, tiny)


EXPECTED = {"ada": 0, "ben": 0.9, "cleo": 0, "dan": 9, "eve": 0}  # of 9 points


def test_lateness_is_written_where_nbgrader_keeps_it_and_shown_everywhere(course, tiny, capsys):
    assert course.grade() == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "ben: 0.9 points off for lateness" in said
    assert "eve: nobody says when the submission came in, so no penalty was taken off" in said
    assert "gil: there is a time of receipt, but no submission" in said
    assert "flo: has an extension, and no submission" in said
    assert "5 graded" in said
    assert "2 need a person" in said
    assert course.penalties() == pytest.approx(EXPECTED)
    with course.book() as book:
        found = {s.student_id: s for s in book.find_assignment("tiny").submissions}
        assert book.find_assignment("tiny").duedate == datetime(2026, 10, 24, 21, 59)
        hours = {name: s.total_seconds_late / 3600 for name, s in found.items()}
        assert found["eve"].timestamp is None
        assert found["cleo"].extension == timedelta(days=3, hours=1)  # three days of the clock
        assert found["ada"].extension is None
    # From Saturday 23:59 to Sunday 23:30 it is 24 h 31 min; to the Sunday after, at noon, 7 days and 13 h 1 min.
    assert hours == pytest.approx({"ada": 0, "ben": 24 + 31 / 60, "cleo": 0, "dan": 181 + 1 / 60, "eve": 0})

    assert nbgrader("export", f"--db={gradebook.default_database(course.folder)}", cwd=course.folder).returncode == 0
    with (course.folder / "grades.csv").open(newline="") as file:
        theirs = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {s: float(row["late_submission_penalty"]) for s, row in theirs.items()} == pytest.approx(EXPECTED)
    assert theirs["ben"]["timestamp"] == "2026-10-25 22:30:00"
    assert course.run("export", "--out", f"{course.folder}/marks.csv") == 0
    with (course.folder / "marks.csv").open(newline="") as file:
        ours = {row["student"]: row for row in csv.DictReader(file)}
    assert {s: float(row["tiny"]) for s, row in ours.items()} == {s: float(row["score"]) for s, row in theirs.items()}
    assert {s: float(row["tiny penalty"]) for s, row in ours.items()} == pytest.approx(EXPECTED)

    assert course.run("feedback", "tiny") == 0
    pages = {
        name: BeautifulSoup((course.folder / f"feedback/{name}/tiny/tiny.html").read_text(), "html.parser").get_text()
        for name in ("ada", "ben", "dan")
    }
    assert "because it came late" not in pages["ada"]
    assert "Taken off because it came late: 0.9 points." in pages["ben"]
    assert "5.1 of 9 points" in pages["ben"]
    # The penalty stands for all points of the problem set; as long as somebody has still to mark, fewer can be taken.
    assert "Taken off because it came late: 6 points." in pages["dan"]
    assert "0 of 9 points" in pages["dan"]


def test_nothing_in_a_submission_has_a_say(course, tiny):
    folder = course.folder / "submitted/ben/tiny"
    (folder / "timestamp.txt").write_text("2026-10-01 00:00:00 UTC")
    notebook = nbformat.read(folder / "tiny.ipynb", as_version=4)
    notebook.metadata["received"] = notebook.metadata["timestamp"] = "2026-10-01 00:00:00 UTC"
    nbformat.write(notebook, folder / "tiny.ipynb")
    for path in (folder, *folder.iterdir()):
        os.utime(path, (0, 0))
    assert course.grade() == 1
    assert course.penalties() == pytest.approx(EXPECTED)


def test_formgraders_autograde_leaves_penalties_alone(course, tiny):
    assert course.grade() == 1
    before = course.penalties()
    (course.folder / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    (course.folder / "solutions").symlink_to(tiny.folder.parent)
    (course.folder / "submitted/ben/tiny/timestamp.txt").write_text("2026-10-01 00:00:00 UTC")
    done = nbgrader("autograde", "tiny", "--student=ben", "--force", cwd=course.folder)
    assert done.returncode == 0, done.stderr
    assert course.penalties() == before


def test_another_policy_changes_penalties_and_grades_nothing_again(course):
    assert course.grade() == 1
    kept = {p: p.stat().st_mtime_ns for p in (course.folder / "results").rglob("*.json")}
    assert len(kept) == 5
    assert course.grade() == 1
    assert course.penalties() == pytest.approx(EXPECTED)
    (course.folder / "late.toml").write_text(
        POLICY.replace("= 0.1", "= 0.3").replace("days = 5", "share_at_most = 0.5")
    )
    assert course.grade() == 1
    assert course.penalties() == pytest.approx({**EXPECTED, "ben": 2.7, "dan": 4.5})
    (course.folder / "late.toml").write_text(POLICY + "ben = 2026-10-26T00:00:00\n")
    assert course.grade() == 1
    assert course.penalties() == pytest.approx({**EXPECTED, "ben": 0})
    (course.folder / "received.csv").write_text(
        RECEIVED.replace("ada,2026-10-24", "ada,2026-10-26").replace("dan", "eve")
    )
    assert course.grade() == 1
    assert course.penalties() == pytest.approx({"ada": 1.8, "ben": 0, "cleo": 0, "dan": 0, "eve": 9})
    assert {p: p.stat().st_mtime_ns for p in (course.folder / "results").rglob("*.json")} == kept


def test_marks_given_later_do_not_change_what_a_day_costs(course, tiny):
    assert course.grade() == 1
    database = gradebook.default_database(course.folder)
    before = gradebook.standings(tiny, database)
    with course.book() as book:
        for student in ("ben", "dan"):
            book.find_grade("explain", "tiny", "tiny", student).manual_score = 3
        book.db.commit()
    after = gradebook.standings(tiny, database)
    assert (before["ben"].points, after["ben"].points) == pytest.approx((5.1, 8.1))
    assert (before["dan"].points, after["dan"].points) == (0, 0)  # after the last day nothing counts, whoever marked it
    assert course.grade() == 1
    assert gradebook.standings(tiny, database) == after


def test_a_resubmission_has_its_own_time_and_a_worse_one_its_own_marks(course, tiny):
    assert course.grade() == 1
    notebook = rehearsal.with_answers(tiny.notebook, {"counter": "Counter = None"})
    write_submission(course.folder / "submitted", "ada", notebook)
    (course.folder / "received.csv").write_text(RECEIVED.replace("ada,2026-10-24", "ada,2026-10-27"))
    assert course.grade() == 1
    assert course.penalties()["ada"] == pytest.approx(2.7)
    standing = gradebook.standings(tiny, gradebook.default_database(course.folder))["ada"]
    assert standing.points == pytest.approx(4 - 2.7)


@pytest.mark.parametrize(
    ("change", "more", "says"),
    [
        ({}, ["--workers", "1"], "has a due time for tiny: say with --received FILE.csv when each submission came in"),
        ({"tiny = ": "other = ", ".tiny]": ".other]"}, [], "late.toml has no due time for tiny: add one to its [due]"),
        ({}, ["--late", "nowhere.toml"], "there is no nowhere.toml: write there when tiny is due"),
        ({"Europe/Berlin": "Berlin"}, [], "there is no zone 'Berlin'"),
    ],
)
def test_nothing_is_graded_before_policy_and_times_are_clear(course, capsys, change, more, says):
    text = POLICY
    for old, new in change.items():
        text = text.replace(old, new)
    (course.folder / "late.toml").write_text(text)
    assert course.grade(*more) == 2
    assert says in capsys.readouterr().err
    assert not (course.folder / "results").exists()
    assert not (course.folder / "gradebook.db").exists()


def test_without_a_policy_nobody_is_late_and_times_alone_are_not_enough(course, capsys):
    (course.folder / "late.toml").unlink()
    assert course.grade() == 2
    assert f"there is no {course.folder / 'late.toml'}: write there when tiny is due" in capsys.readouterr().err
    assert course.grade("--workers", "1") == 0
    assert set(course.penalties().values()) == {0}
    (course.folder / "late.toml").write_text(POLICY.replace("tiny = ", "other = ").replace(".tiny]", ".other]"))
    assert course.grade("--workers", "1") == 0
    assert "has no due time for tiny, so nobody is late" in "".join(capsys.readouterr().out.splitlines())
