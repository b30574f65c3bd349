"""A gradebook's URL that is wrong: one sentence that says what to do, status 2, and nothing made."""

import sys

import pytest

from grading import gradebook
from grading.cli import main

from .conftest import write_submission


@pytest.fixture
def grade(tiny, tmp_path):
    write_submission(tmp_path / "submitted", "ada", tiny.notebook)

    def run(url: str) -> int:
        files = ["--submitted", str(tmp_path / "submitted"), "--solutions", str(tiny.folder.parent)]
        return main(["grade", "tiny", *files, "--db", url])

    return run


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gradebook.db", "this is no URL of a gradebook: write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@"),
        ("", "this is no URL"),
        ("sqlite:///", "this is no URL"),  # in memory, and gone afterwards
        ("postgres://grader:secret@localhost/course", "this is no URL"),
        ("postgresql+psycopg://grader:secret@localhost:port/course", "this is no URL"),
        ("postgresql+psycopg://grader:secret@localhost", "this is no URL"),
        ("mysql://grader:secret@localhost/course", "this is no URL"),
        ("postgresql+nodriver://grader:secret@localhost/course", "there is no driver postgresql+nodriver: write post"),
        ("postgresql+psycopg://grader:secret@localhost/course", 'not installed: pip install "sigmoid-course[scale]"'),
        ("sqlite:////nowhere/gradebook.db", "unable to open database file; check the file and its folder"),
    ],
)
def test_a_wrong_url_is_explained(grade, tmp_path, monkeypatch, capsys, url, says):
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    assert grade(url) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert "secret" not in said
    assert [p.name for p in tmp_path.iterdir()] == ["submitted"]


def test_a_file_that_is_no_database_stays_as_it_is(grade, tmp_path, capsys):
    file = tmp_path / "marks.csv"
    file.write_text("student,time\n" * 100)
    assert grade(f"sqlite:///{file}") == 2
    assert "file is not a database" in capsys.readouterr().err
    assert file.read_text() == "student,time\n" * 100


@pytest.mark.parametrize(
    "command", [["export", "--out", "out"], ["report", "tiny", "--out", "out"], ["feedback", "tiny"]]
)
def test_reading_makes_no_gradebook(tiny, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    arguments = ["--solutions", str(tiny.folder.parent)]
    assert main([*command, *arguments, "--db", "sqlite:///wrong.db"]) == 2
    assert "there is no gradebook at sqlite:///wrong.db: grade first, or correct the URL" in capsys.readouterr().err
    assert main([*command, *arguments]) == 2
    assert "there is no gradebook.db in" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a" * 129, "holds 128 characters of a name"),
        ("a\udcff", r"a\udcff: not graded: the folder's name is not UTF-8"),
        ("<b onclick=x>", "<b onclick=x>: not graded: the folder's name has characters that formgrader would take"),
        ("a\x1b[2J", r"a\x1b[2J: not graded"),
    ],
)
def test_a_name_that_no_gradebook_or_page_can_hold_is_said_and_the_others_are_graded(
    grade, tiny, tmp_path, capsys, name, says
):
    for student in (name, "o'brien"):
        write_submission(tmp_path / "submitted", student, tiny.notebook)
    assert grade(gradebook.default_database(tmp_path)) == 1
    assert says in " ".join(capsys.readouterr().out.split())
    assert list(gradebook.scores("tiny", gradebook.default_database(tmp_path))) == ["ada", "o'brien"]
