"""A class's gradebook in PostgreSQL: a real server, with the same gradebook in SQLite as the oracle."""

import importlib.util
import itertools
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Base
from sqlalchemy import create_engine, inspect, make_url, select, text

from grading import database as databases
from grading import gradebook, rehearsal
from grading.cli import main

from .conftest import require_isolation, write_submission

USER, PASSWORD = "grader", secrets.token_hex(8)
SERVER = "postgres"
NUMBERS = itertools.count()  # of databases
LATE = """zone = "Europe/Berlin"
share_per_day = 0.1
[due]
tiny = 2026-10-24T23:59:00
[extensions.tiny]
cleo = 2026-10-26T12:00:00
"""
RECEIVED = """student,time
ada,2026-10-24T20:00:00Z
ben,2026-10-25T12:00:00+01:00
cleo,2026-10-26T10:00:00Z
dan,2026-10-31T10:00:00Z
eve,2026-10-24T20:00:00Z
"""

# Ends the server when the tests close the shell's input, and also when they are killed: that closes it, too.
KEEPER = 'exec 3<&0; "$@" & server=$!; (read -r _ <&3; kill -QUIT $server) & wait $server'


def _without(reason: str) -> None:
    """Skip; fail where the CI has the driver, and so has to have the server."""
    if os.environ.get("CI") and importlib.util.find_spec("psycopg"):
        pytest.fail(reason)
    pytest.skip(reason)


def _programs() -> Path:
    """Return the folder of the server's programs; Debian keeps them off the PATH."""
    on_path = shutil.which(SERVER)
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        _without("no PostgreSQL server: on Debian, apt-get install postgresql")
    return found[-1]


def _unprivileged() -> dict[str, object]:
    """Return arguments of `subprocess` for a user that the server accepts; it refuses root."""
    if os.geteuid() != 0:
        return {}
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start a server that only this machine can reach; yield the URL of its first database."""
    if importlib.util.find_spec("psycopg") is None:
        _without('no driver for PostgreSQL: pip install "sigmoid-course[scale]"')
    programs = _programs()
    who = _unprivileged()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        os.chown(folder, int(str(who.get("user", -1))), -1)
        secret = Path(folder, "password")
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        common = {"cwd": folder, "env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}, **who}
        setup = [programs / "initdb", "-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile=password"]
        subprocess.run([*setup, "-E", "UTF8", "--no-sync"], check=True, capture_output=True, **common)
        for _ in range(5):  # somebody else may take the port that was free
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
            settings |= {"fsync": "off", "shared_buffers": "16MB"}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            command = ["sh", "-c", KEEPER, "sh", programs / SERVER, "-D", "data", *options]
            with Path(folder, "log").open("a") as log:
                keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, **common)
            url = f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
            try:
                if _answers(url, keeper):
                    yield url
                    return
            finally:
                keeper.stdin.close()
                keeper.wait(60)
        raise RuntimeError(f"the server did not start:\n{Path(folder, 'log').read_text()}")


def _answers(url: str, keeper: subprocess.Popen) -> bool:
    """Wait until the server answers, or has ended."""
    while keeper.poll() is None:
        try:
            with databases.connection(url):
                return True
        except databases.DatabaseError:
            time.sleep(0.05)
    return False


@pytest.fixture
def database(server, request) -> str:
    """Return the URL of an empty database of the test's own."""
    name = f"course_{next(NUMBERS)}"
    run_sql(server, f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def run_sql(url: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def rows(url: str) -> dict[str, list[str]]:
    """Return the content of every table, generated ids replaced by what the rows that they stand for hold."""
    engine = create_engine(url)
    meant: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:  # a row's foreign keys come before it
            found[table.name] = []
            for row in connection.execute(select(table)).mappings():
                own = {name: meant.get(value, value) for name, value in row.items() if not is_key(name, value)}
                content = f"{table.name}{sorted(own.items())!r}"
                meant.update((value, content) for name, value in row.items() if is_key(name, value))
                found[table.name].append(content)
        found["alembic_version"] = [repr(row) for row in connection.execute(text("SELECT * FROM alembic_version"))]
    engine.dispose()
    return {name: sorted(content) for name, content in found.items()}


def is_key(name: str, value: object) -> bool:
    """Return whether a column holds its row's own generated id."""
    return name == "id" and isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


@pytest.fixture
def course(tiny, tmp_path) -> Path:
    """Four students: all right, partly right, nothing, and one whose file cannot be read."""
    require_isolation()
    folder = tmp_path / "submitted"
    write_submission(folder, "ada", tiny.notebook)
    write_submission(folder, "ben", rehearsal.with_answers(tiny.notebook, {"double": "def double(x):\n    return x"}))
    write_submission(folder, "cleo", nbformat.read(gradebook.release(tiny, tmp_path / "release"), as_version=4))
    write_submission(folder, "dan", tiny.notebook).write_text("{")
    (tmp_path / "late.toml").write_text(LATE)
    (tmp_path / "received.csv").write_text(RECEIVED)
    return tmp_path


def grade(course: Path, tiny, *more: str) -> list[str]:
    """Return the command line that grades the class."""
    files = ["--submitted", str(course / "submitted"), "--received", str(course / "received.csv")]
    return ["grade", "tiny", *files, "--solutions", str(tiny.folder.parent), "--workers", "1", *more]


def test_a_class_is_graded_marked_and_graded_again_as_in_sqlite(database, course, tiny, tmp_path, capsys):
    """The whole path, once with each database; after each step every table holds the same."""
    sqlite = f"sqlite:///{tmp_path / 'oracle.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "grading", *grade(course, tiny, "--db", database)], capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "4 graded into the database; 2 need a person" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    assert main(grade(course, tiny, "--db", sqlite)) == 1
    assert rows(database) == rows(sqlite)
    assert len(rows(database)["submitted_notebook"]) == 4

    for url in (database, sqlite):
        with gradebook.Gradebook(url) as book:
            book.find_grade("explain", "tiny", "tiny", "ada").manual_score = 2.5
            book.find_comment("explain", "tiny", "tiny", "ada").manual_comment = "Gauß ∫ 😀"
            book.update_or_create_student("ben", first_name="Ben", lms_user_id="7")
            book.db.commit()
    worse = {"counter": "Counter = None", "explain": "Another reason."}
    write_submission(course / "submitted", "ada", rehearsal.with_answers(tiny.notebook, worse))
    write_submission(course / "submitted", "eve", tiny.notebook)
    for url in (database, sqlite):
        assert main(grade(course, tiny, "--db", url)) == 1
    assert rows(database) == rows(sqlite)
    assert gradebook.scores("tiny", database)["ada"] == {"test_double": 4, "test_counter": 0, "explain": None}
    with gradebook.Gradebook(database) as book:
        assert book.find_grade("explain", "tiny", "tiny", "ada").manual_score == 2.5
        assert book.find_comment("explain", "tiny", "tiny", "ada").comment == "Gauß ∫ 😀"
        assert book.find_submission("tiny", "ben").late_submission_penalty == pytest.approx(0.9)

    common = ["--course", str(course), "--solutions", str(tiny.folder.parent)]
    written = []
    for number, url in enumerate((database, sqlite)):
        out = tmp_path / f"out{number}"
        out.mkdir()
        shutil.rmtree(course / "feedback", ignore_errors=True)
        assert main(["export", "tiny", "--out", str(out / "marks.csv"), "--db", url, *common]) == 0
        assert main(["report", "tiny", "--out", str(out / "report"), "--db", url, *common]) == 0
        assert main(["feedback", "tiny", "--db", url, *common]) == 0
        pages = {p.name: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
        pages |= {str(p): p.read_bytes() for p in sorted((course / "feedback").rglob("*.html"))}
        written.append(pages)
    assert written[0] == written[1]
    assert len(written[0]) == 5 + 5
    assert "ada,,,,6.5,9,0,0,4,0,2.5" in (tmp_path / "out0/marks.csv").read_text()
    assert not (course / "gradebook.db").exists()


def test_a_run_that_loses_its_server_says_so_and_is_made_up_for_by_the_next(
    database, server, course, tiny, tmp_path, capsys, monkeypatch
):
    write = gradebook.Writer.write
    written = []

    def write_and_lose_the_server(writer, result):
        written.append(result.student)
        if len(written) == 2:
            name = make_url(database).database
            run_sql(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        write(writer, result)

    monkeypatch.setattr(gradebook, "BATCH", 1)
    monkeypatch.setattr(gradebook.Writer, "write", write_and_lose_the_server)
    assert main(grade(course, tiny, "--db", database)) == 2
    said = capsys.readouterr().err
    assert "terminating connection" in said
    assert "check that the server runs" in said
    assert PASSWORD not in said
    monkeypatch.undo()
    assert main(grade(course, tiny, "--db", database)) == 1
    sqlite = f"sqlite:///{tmp_path / 'oracle.db'}"
    assert main(grade(course, tiny, "--db", sqlite)) == 1
    assert rows(database) == rows(sqlite)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "grader"'),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"port": 1}, "Connection refused"),
    ],
)
def test_a_server_that_does_not_let_one_in_is_quoted(database, course, tiny, capsys, change, says):
    url = make_url(database).set(**change).render_as_string(hide_password=False)
    assert main(grade(course, tiny, "--db", url)) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.endswith("check that the server runs, and user, password and database\n")
    assert PASSWORD not in said
    assert said.count("\n") == 1


def test_the_password_may_stay_out_of_the_command(database, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with databases.connection(database.replace(f":{PASSWORD}@", "@")) as connection:
        assert connection.execute(text("SELECT current_user")).scalar() == USER


@pytest.mark.parametrize("command", [["export"], ["report", "tiny"], ["feedback", "tiny"]])
def test_reading_an_empty_database_makes_nothing_in_it(database, course, tiny, capsys, command):
    arguments = ["--db", database, "--course", str(course), "--solutions", str(tiny.folder.parent)]
    out = [] if command[0] == "feedback" else ["--out", str(course / "out")]
    assert main([*command, *out, *arguments]) == 2
    assert "there is no gradebook at postgresql+psycopg://grader:***@" in capsys.readouterr().err
    engine = create_engine(database)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
